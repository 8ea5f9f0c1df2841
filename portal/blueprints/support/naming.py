"""The queues, and what stands in them, in the words of staff."""

from portal.domain import N_
from portal.domain.waiting import Queue
from portal.models import LookKind

TITLES = {
    Queue.PROPOSALS: N_("Proposals"),
    Queue.DISPUTES: N_("Disputes"),
    Queue.HARDSHIP: N_("Cannot pay now"),
    Queue.REQUESTS: N_("Other requests"),
    Queue.MESSAGES: N_("Messages from debtors"),
    Queue.CALLS: N_("Calls and texts"),
    Queue.CHARGES: N_("Failed charges"),
    Queue.BOUNCED: N_("Undelivered copies"),
    Queue.LOCK_OUTS: N_("Locked out"),
    Queue.QUESTIONS: N_("Money questions"),
    Queue.LOOKS: N_("Second person"),
    Queue.LETTERS: N_("Letters to post"),
}
"""Each queue as the navigation names it."""

KINDS = {
    LookKind.COUNTER_PAYMENT: N_("Record a payment"),
    LookKind.RETURN: N_("Take a recorded payment back"),
    LookKind.REFUND: N_("Give a payment back"),
    LookKind.OUTSIDE: N_("The debtor got it back another way"),
}
"""What a second person is asked for."""

_PROMISED = N_("The day is the one that the debtor was promised.")
DAYS = {
    **dict.fromkeys((Queue.PROPOSALS, Queue.HARDSHIP, Queue.REQUESTS, Queue.MESSAGES), _PROMISED),
    Queue.DISPUTES: N_(
        "The day is the one that the debtor was promised. Until it is answered the law forbids to"
        " collect (DH-01, VN-05)."
    ),
    Queue.CALLS: N_(
        "The day is the one that was promised. Say nothing about a debt before you know who it is:"
        " these people could not pass the identity check, or texted from a number of several"
        " accounts."
    ),
    Queue.CHARGES: N_(
        "The day is when the agreement said it would be paid. The card or bank account is not"
        " tried again, so another way to pay or a change of the plan is needed."
    ),
    Queue.BOUNCED: N_(
        "The law requires these copies (ES-01, EC-09), and sets no day. E-mail does not reach the"
        " person and there is no postal address. Ask for one."
    ),
    Queue.LOCK_OUTS: N_(
        "Nobody set a day: the one who waits longest comes first. These people failed the identity"
        " check too often. Ask who it is before you help."
    ),
    Queue.QUESTIONS: N_(
        "Nobody set a day: the oldest comes first. The portal does not guess about money."
    ),
    Queue.LOOKS: N_(
        "Money that was asked to move, above what one person may do alone. Who asked cannot"
        " approve. Nobody set a day: the oldest comes first."
    ),
    Queue.LETTERS: N_(
        "Letters that were printed. Post them, and say which left. The oldest come first; whoever"
        " printed them has them until then."
    ),
}
"""Where the days of a queue come from: the law, a promise, an agreement, or nowhere."""
