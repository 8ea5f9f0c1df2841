"""What people do in the months of an agreement: pay, forget, fail, change, contest."""

from portal.demo.browsing import NotOnThePage
from portal.simulation.beginning import ask, go_to_plan
from portal.simulation.people import Person


def keep_going(person: Person) -> None:
    """Pay what is due by hand, where that is this person's way; else only look."""
    _pay_due(person)


def _pay_due(person: Person) -> None:
    if person.has_form("/method"):
        return
    if person.has_form("/pay"):
        person.browser.submit("/pay")
        person.pay()
    go_to_plan(person)


def pay_early(person: Person) -> None:
    """Pay the next part before it is due."""
    person.browser.submit("/pay")
    person.pay()
    go_to_plan(person)


def forget(person: Person) -> None:
    """Look, and pay nothing this time."""
    person.wake_in(18)


def run_dry(person: Person) -> None:
    """Have too little money on the card for a while."""
    person.turn_cards("visa_chargeDeclinedInsufficientFunds")
    person.is_dry = True
    person.wake_in(24)


def refill(person: Person) -> None:
    """Have money on the card again."""
    person.turn_cards("visa")
    person.is_dry = False


def lose_card(person: Person) -> None:
    """Lose the card: nothing can be charged to it any more."""
    person.turn_cards("visa_chargeDeclinedLostCard")
    person.wake_in(35)


def change_method(person: Person) -> None:
    """Save another card."""
    person.browser.submit("/method")
    person.pay("mastercard")
    person.is_dry = False


def stop_automatic(person: Person) -> None:
    """Stop automatic payments, and go on by hand."""
    person.browser.follow("/stop")
    person.browser.submit("/stop")
    go_to_plan(person)


def dispute_at_bank(person: Person) -> None:
    """Ask the bank for the newest payment back."""
    if not person.dispute():
        raise NotOnThePage("no payment that a bank takes back")


def take_back(person: Person) -> None:
    """Take an unpaid agreement back, to choose something else."""
    person.browser.submit("/withdraw")
    person.wake_in(2)


def move_date(person: Person) -> None:
    """Move the next payment to one of the days that the page names."""
    person.browser.follow("/change/move")
    day = person.rng.choice(person.offered("day", "/change/move")[:-1])  # the last is any other
    person.browser.submit("/change/move", day=day)
    _confirm(person)


def skip(person: Person) -> None:
    """Skip the next payment."""
    person.browser.follow("/change/skip")
    _confirm(person)


def rest(person: Person) -> None:
    """Let the plan rest once."""
    person.browser.follow("/change/pause")
    _confirm(person)


def change_pace(person: Person) -> None:
    """Pay more or less at a time from now on, or in another rhythm."""
    person.browser.follow("/change/pace")
    wanted = {"amount": str(person.rng.choice((60, 120, 220)))}
    if rhythms := person.offered("frequency", "/change/pace"):
        wanted["frequency"] = person.rng.choice(rhythms)
    person.browser.submit("/change/pace", **wanted)
    _confirm(person)


def pay_extra(person: Person) -> None:
    """Pay something beyond the plan, which ends sooner then."""
    person.browser.follow("/change/extra")
    effect = person.rng.choice(person.offered("effect", "/change/extra"))
    person.browser.submit("/change/extra", amount="20", effect=effect)
    _confirm(person)


def pay_off(person: Person) -> None:
    """Pay all that is left."""
    person.browser.follow("/change/all")
    person.browser.submit("/change/all")
    person.pay()
    go_to_plan(person)


def end_plan(person: Person) -> None:
    """End the agreement."""
    person.browser.follow("/end")
    person.browser.submit("/end")


def pay_late(person: Person) -> None:
    """Pay now what is late."""
    person.browser.submit("/pay")
    person.pay()
    go_to_plan(person)


def move_late(person: Person) -> None:
    """Take one of the days that the page offers for what is late."""
    person.browser.submit("/cure", to=person.rng.choice(person.offered("to", "/cure")))
    go_to_plan(person)


def spread_late(person: Person) -> None:
    """Add what is late to the later payments, by its review."""
    person.browser.follow("/change/spread")
    _confirm(person)


def _confirm(person: Person) -> None:
    """Press the button of a change's review, and pay where it leads to Stripe."""
    ticked = {"permission": "y"} if person.offered("permission", "/change") else {}
    person.browser.submit("/change", **ticked)
    if person.at_checkout():
        person.pay()
    go_to_plan(person)


def ask_for_pause(person: Person) -> None:
    """Ask for a rest because of hardship, while a plan runs."""
    ask(person, "cannot-pay", "health")
