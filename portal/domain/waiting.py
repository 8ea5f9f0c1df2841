"""What waits for staff: the queues, what stands in each, and how long something is one person's."""

from datetime import timedelta
from enum import StrEnum

from portal.domain.access import Permission
from portal.domain.help import UNCLEAR_TEXT, Topic

HELD_FOR = timedelta(minutes=15)
"""How long what was taken is one person's, from when they took it or last worked on it."""

CALL_BACK = "call_back"
BY_HAND = (CALL_BACK, UNCLEAR_TEXT)
"""Topics of requests whose debtor is still to be found out: closed with a note, not answered."""


class Queue(StrEnum):
    """What waits for one answer or one act of a person, of one sort."""

    PROPOSALS = "proposals"
    DISPUTES = "disputes"
    HARDSHIP = "hardship"
    REQUESTS = "requests"
    MESSAGES = "messages"
    CALLS = "calls"
    CHARGES = "charges"
    BOUNCED = "bounced"
    LOCK_OUTS = "lock-outs"
    QUESTIONS = "questions"
    LOOKS = "second-looks"
    LETTERS = "letters"


_TOPICS: dict[Topic | str, Queue] = {
    **dict.fromkeys((Topic.NOT_MY_DEBT, Topic.AMOUNT_WRONG, Topic.ALREADY_PAID), Queue.DISPUTES),
    Topic.CANNOT_PAY: Queue.HARDSHIP,
    Topic.QUESTION: Queue.MESSAGES,
    **dict.fromkeys(BY_HAND, Queue.CALLS),
}
HELP = (Queue.DISPUTES, Queue.HARDSHIP, Queue.REQUESTS, Queue.MESSAGES, Queue.CALLS)
"""The queues that requests for help stand in, by their topic."""


_NEEDS = {
    Queue.QUESTIONS: Permission.GIVE_BACK,
    Queue.LOOKS: Permission.GIVE_BACK,
    Queue.LETTERS: Permission.CONTACT,
}


def needed_for(queue: Queue) -> Permission:
    """What its entries need to be worked on."""
    return _NEEDS.get(queue, Permission.ANSWER)


def queue_of(topic: str) -> Queue:
    """The queue of a request for help."""
    return _TOPICS.get(topic, Queue.REQUESTS)


def topics_of(queue: Queue) -> tuple[str, ...]:
    """The topics that stand in a queue; of ``REQUESTS`` none is named: it has all the others."""
    return tuple(str(topic) for topic, one in _TOPICS.items() if one is queue)


NAMED = tuple(str(topic) for topic in _TOPICS)
"""The topics that stand in another queue than ``REQUESTS``."""
