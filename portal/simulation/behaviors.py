"""All behaviors, and the shares in which they are drawn.

A new behavior is a function and a line in a table. What a page does not offer raises NotOnThePage,
which is counted as "not offered": behaviors follow links and never guess addresses.
"""

from portal.simulation import beginning, keeping
from portal.simulation.people import Way

DOOR = (
    Way("prove who they are", 94, beginning.prove_identity),
    Way("mistype", 2, beginning.mistype),
    Way("ask for a call", 3, beginning.call),
    Way("wrong person", 1, beginning.wrong_person),
)
"""What people do at their link, before they see anything."""

FIRST = (
    Way("pay all", 9, beginning.pay_all),
    Way("settle", 9, beginning.settle),
    Way("settle in parts", 7, beginning.settle_in_parts),
    Way("plan, automatic", 22, beginning.plan_automatic),
    Way("plan, by hand", 12, beginning.plan_by_hand),
    Way("agree and leave", 5, beginning.agree_and_leave),
    Way("propose", 7, beginning.propose),
    Way("take an answer", 1, beginning.take_answer),
    Way("ask for help", 5, beginning.ask_for_help),
    Way("dispute", 3, beginning.dispute),
    Way("contest the amount", 2, beginning.contest_amount),
    Way("name an adviser", 1, beginning.name_adviser),
    Way("pay a part", 4, beginning.pay_part),
    Way("ask somebody to pay", 3, beginning.ask_somebody),
    Way("text STOP", 2, beginning.stop_by_text),
    Way("unsubscribe", 2, beginning.unsubscribe),
    Way("silence", 14, beginning.stay_silent),
)
"""What people do who owe and have agreed to nothing."""

LATER = (
    Way("keep going", 40, keeping.keep_going),
    Way("pay early", 6, keeping.pay_early),
    Way("forget", 8, keeping.forget),
    Way("run dry", 9, keeping.run_dry),
    Way("refill", 5, keeping.refill),
    Way("lose the card", 3, keeping.lose_card),
    Way("change the card", 5, keeping.change_method),
    Way("stop automatic payments", 3, keeping.stop_automatic),
    Way("dispute at the bank", 2, keeping.dispute_at_bank),
    Way("take back", 2, keeping.take_back),
    Way("ask for a pause", 2, keeping.ask_for_pause),
    Way("move a date", 6, keeping.move_date),
    Way("skip", 4, keeping.skip),
    Way("rest", 3, keeping.rest),
    Way("change the pace", 3, keeping.change_pace),
    Way("pay extra", 3, keeping.pay_extra),
    Way("pay off", 2, keeping.pay_off),
    Way("cure", 8, keeping.cure),
    Way("end the plan", 1, keeping.end_plan),
)
"""What people do whose agreement runs."""
