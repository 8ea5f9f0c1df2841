"""All behaviors, and the shares in which they are drawn.

A new behavior is a function and a line in a table. What a page does not offer raises NotOnThePage,
which is counted as "not offered": behaviors follow links and never guess addresses. Who would not
think of a way where they are is not asked; a way that nobody took all year is named in the report.
"""

from portal.simulation import beginning, keeping, wishing
from portal.simulation.people import Person, Way, offers


def _has_card(person: Person) -> bool:
    return bool(person.cards())


def _has_money(person: Person) -> bool:
    return _has_card(person) and not person.is_dry


def _is_dry(person: Person) -> bool:
    return person.is_dry


def _was_charged(person: Person) -> bool:
    return bool(person.charges())


def _has_phone(person: Person) -> bool:
    return bool(person.neighbor.phone)


def _has_mail(person: Person) -> bool:
    return bool(person.neighbor.email)


def _wants_no_paper(person: Person) -> bool:
    return person.has_paper and _has_mail(person)


def _has_sample(person: Person) -> bool:
    return person.has_paper and wishing.sample_code(person) is not None


DOOR = (
    Way("prove who they are", 94, beginning.prove_identity),
    Way("mistype", 2, beginning.mistype),
    Way("ask for a call", 3, beginning.call),
    Way("wrong person", 1, beginning.wrong_person),
)
"""What people do at their link, before they see anything."""

FIRST = (
    Way("pay all", 9, beginning.pay_all, offers("/review")),
    Way("settle", 9, beginning.settle, offers("/settle")),
    Way("settle in parts", 7, beginning.settle_in_parts, offers("/settle")),
    Way("plan, automatic", 22, beginning.plan_automatic, offers("/plan")),
    Way("plan, by hand", 12, beginning.plan_by_hand, offers("/plan")),
    Way("agree and leave", 5, beginning.agree_and_leave, offers("/plan")),
    Way("propose", 7, beginning.propose, offers("/plan")),
    Way("take an answer", 40, beginning.take_answer, offers("/proposal")),
    Way("ask for help", 5, beginning.ask_for_help),
    Way("dispute", 3, beginning.dispute),
    Way("contest the amount", 2, beginning.contest_amount),
    Way("name an adviser", 1, beginning.name_adviser),
    Way("pay a part", 4, beginning.pay_part, offers("/part")),
    Way("ask somebody to pay", 3, beginning.ask_somebody, offers("/someone-else")),
    Way("text STOP", 2, beginning.stop_by_text, _has_phone),
    Way("unsubscribe", 2, beginning.unsubscribe, _has_mail),
    Way("ask for a sample by e-mail", 5, wishing.ask_for_sample, _wants_no_paper),
    Way("want copies by e-mail only", 60, wishing.type_code, _has_sample),
    Way("silence", 14, beginning.stay_silent),
)
"""What people do who owe and have agreed to nothing."""

LATER = (
    Way("keep going", 40, keeping.keep_going),
    Way("pay early", 4, keeping.pay_early, offers("/pay")),
    Way("forget", 8, keeping.forget),
    Way("run dry", 9, keeping.run_dry, _has_money),
    Way("refill", 20, keeping.refill, _is_dry),
    Way("lose the card", 3, keeping.lose_card, _has_money),
    Way("change the card", 4, keeping.change_method, offers("/method")),
    Way("stop automatic payments", 3, keeping.stop_automatic, offers("/stop")),
    Way("dispute at the bank", 2, keeping.dispute_at_bank, _was_charged),
    Way("take back", 8, keeping.take_back, offers("/withdraw")),
    Way("ask for a pause", 2, keeping.ask_for_pause),
    Way("move a date", 6, keeping.move_date, offers("/change/move")),
    Way("skip", 4, keeping.skip, offers("/change/skip")),
    Way("rest", 3, keeping.rest, offers("/change/pause")),
    Way("change the pace", 3, keeping.change_pace, offers("/change/pace")),
    Way("pay extra", 3, keeping.pay_extra, offers("/change/extra")),
    Way("pay off", 2, keeping.pay_off, offers("/change/all")),
    Way("ask somebody to pay a part", 2, beginning.ask_somebody, offers("/someone-else")),
    Way("ask for a sample while paying", 4, wishing.ask_for_sample, _wants_no_paper),
    Way("want e-mail only while paying", 60, wishing.type_code, _has_sample),
    Way("end the plan", 1, keeping.end_plan, offers("/end")),
)
"""What people do whose agreement runs."""

LATE = (
    Way("pay what is late", 30, keeping.pay_late, offers("/pay")),
    Way("move what is late", 18, keeping.move_late, offers("/cure")),
    Way("spread what is late", 14, keeping.spread_late, offers("/change/spread")),
    Way("find money again", 12, keeping.refill, _is_dry),
    Way("use another card", 6, keeping.change_method, offers("/method")),
    Way("cannot pay any more", 4, beginning.ask_for_help),
    Way("forget what is late", 14, keeping.forget),
)
"""What people do whose payment is late."""

ALL = (*DOOR, *FIRST, *LATER, *LATE)
