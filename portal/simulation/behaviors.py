"""What people do: one function for each behavior, and the shares in which they are drawn.

A new behavior is a function and a line in a table. What a page does not offer raises NotOnThePage,
which is counted as "not offered": behaviors follow links and never guess addresses.
"""

from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from portal.demo.acting import prove
from portal.demo.browsing import Browser, NotOnThePage
from portal.simulation.lines import PageRefused
from portal.simulation.people import Person, Way
from portal.simulation.stage import PORTAL, TEXTS_TOKEN

WORDS = "I lost my job and look for another one."
BACK_AFTER = 25.0
"""Days until people look again who have nothing to wait for."""


def _agree(person: Person) -> None:
    """Agree to what the review shows, and go on to Stripe where it leads there."""
    browser = person.browser
    ticked = {"permission": "y"} if person.offered("permission", "/accept") else {}
    browser.submit("/accept", **ticked)
    if person.at_checkout():
        person.pay()
    _go_to_plan(person)


def _go_to_plan(person: Person) -> None:
    browser = person.browser
    if not browser.url.endswith("/arrangement") and person.has("/arrangement"):
        browser.follow("/arrangement")
    if not person.has_form("/method"):  # by hand: the dates go into the calendar
        person.plan_dates()


def pay_all(person: Person) -> None:
    """Pay all of it today."""
    person.browser.follow("/review", last=True)
    _agree(person)


def settle(person: Person) -> None:
    """Close the account for less, at once."""
    person.browser.follow("/settle")
    first = person.offered("total", "/settle")[0]
    person.browser.submit("/settle", total=first, parts="1", start="today")
    _agree(person)


def settle_in_parts(person: Person) -> None:
    """Close the account for less, in as many parts as there may be, taken automatically."""
    browser = person.browser
    browser.follow("/settle")
    parts = person.offered("parts", "/settle")[-1]
    marks = person.offered("total", "/settle")
    browser.submit("/settle", total=marks[-2], parts=parts, **_when(person, "/settle", "automatic"))
    _agree(person)


def _when(person: Person, part: str, method: str) -> dict[str, str]:
    """When and how often, out of what the form offers."""
    wanted = {"start": person.rng.choice(person.offered("start", part)[:2])}
    if rhythms := person.offered("frequency", part):
        plain = [one for one in rhythms if one != "twice_a_month"]
        wanted["frequency"] = person.rng.choice(plain)
    if method in person.offered("method", part):
        wanted["method"] = method
    return wanted


def _plan(person: Person, method: str) -> None:
    person.browser.follow("/plan")
    amounts = person.offered("amount", "/plan")[:-1]
    amount = person.rng.choice(amounts)
    person.browser.submit("/plan", amount=amount, **_when(person, "/plan", method))
    _agree(person)


def plan_automatic(person: Person) -> None:
    """Agree to a plan whose payments are taken."""
    _plan(person, "automatic")


def plan_by_hand(person: Person) -> None:
    """Agree to a plan and pay each part by hand, more or less in time."""
    _plan(person, "manual")


def agree_and_leave(person: Person) -> None:
    """Agree to a plan and close Stripe's page without paying."""
    person.browser.follow("/plan")
    amount = person.offered("amount", "/plan")[0]
    person.browser.submit("/plan", amount=amount, **_when(person, "/plan", "manual"))
    person.browser.submit("/accept")


def propose(person: Person) -> None:
    """Suggest less at a time than is offered; agree at once where that can be agreed to."""
    browser = person.browser
    browser.follow("/plan")
    least = int(person.offered("amount", "/plan")[0])
    own = f"{max(least * person.rng.choice((40, 60, 80)) // 100, 10_00) / 100:.2f}"
    browser.submit("/plan", amount="other", own=own, **_when(person, "/plan", "automatic"))
    if person.has_form("/accept"):
        _agree(person)
    else:
        person.wake_in(9)


def take_answer(person: Person) -> None:
    """Agree to what came of a suggestion."""
    person.browser.follow("/proposal")
    person.browser.follow("/review")
    _agree(person)


def ask_for_help(person: Person) -> None:
    """Say that they cannot pay now."""
    _help(person, "cannot-pay", "money")


def dispute(person: Person) -> None:
    """Say that this is not their debt."""
    _help(person, "not-my-debt", "not-mine")


def contest_amount(person: Person) -> None:
    """Say that the amount is wrong."""
    _help(person, "amount-wrong", "amount")


def name_adviser(person: Person) -> None:
    """Say that a debt adviser helps them."""
    _help(person, "adviser", "debt-adviser")


def _help(person: Person, topic: str, option: str) -> None:
    person.browser.follow("/help")
    person.browser.follow(f"/help/{topic}")
    person.browser.submit("/help/", options=option, details=WORDS)
    person.wake_in(20)


def pay_part(person: Person) -> None:
    """Pay a small part of it today, without an agreement."""
    person.browser.follow("/part")
    person.browser.submit("/part", amount=str(person.rng.choice((20, 35, 50))))
    person.pay()
    person.wake_in(BACK_AFTER)


def ask_somebody(person: Person) -> None:
    """Ask somebody else to pay, who does."""
    browser = person.browser
    browser.follow("/someone-else")
    if person.offered("what"):
        browser.submit("/someone-else", what=person.offered("what", "/someone-else")[0])
    shared = [word for word in browser.text.replace("<", " ").split() if f"{PORTAL}/p/" in word]
    if not shared:
        raise NotOnThePage("no link for somebody else")
    friend = replace(person, neighbor=person.neighbor)
    friend.browser = Browser(person.stage.line("en"))
    friend.browser.open(shared[0].partition(">")[2] or shared[0])
    friend.browser.submit("/p/")
    friend.pay()
    person.wake_in(BACK_AFTER)


def call(person: Person) -> None:
    """Ask to be called, before proving anything."""
    browser = person.browser
    browser.follow("/call-me/")
    browser.submit(
        "/call-me/", phone=person.neighbor.phone or "+15035550199", part_of_day="morning"
    )
    person.wake_in(BACK_AFTER)


def wrong_person(person: Person) -> None:
    """Say that the message was for somebody else."""
    person.browser.submit("/wrong-person")


def mistype(person: Person) -> None:
    """Give a wrong answer first, then the right ones."""
    wrong = person.neighbor.answers | {"date_of_birth": "1931-01-31"}
    with suppress(PageRefused):
        prove(person.browser, wrong)
    person.browser.open(person.link)
    person.come_in()


def prove_identity(person: Person) -> None:
    """Prove who they are."""
    person.come_in()


def stop_by_text(person: Person) -> None:
    """Text STOP."""
    _text(person, "STOP")


def _text(person: Person, words: str) -> None:
    if not person.neighbor.phone:
        raise NotOnThePage("no phone")
    told = {"from": person.neighbor.phone, "text": words}
    headers = {"Authorization": f"Bearer {TEXTS_TOKEN}"}
    http = person.stage.app.test_client()
    http.post("/texts/inbound", base_url=PORTAL, json=told, headers=headers)


def unsubscribe(person: Person) -> None:
    """Use the button of the mail program that ends the e-mails."""
    mails = person.stage.post.mails.get(person.neighbor.email, [])
    url = next((mail.unsubscribe_url for mail in reversed(mails) if mail.unsubscribe_url), None)
    if url is None:
        raise NotOnThePage("no e-mail with such a button")
    one_click = {"List-Unsubscribe": "One-Click"}
    person.stage.app.test_client().post(urlsplit(url).path, base_url=PORTAL, data=one_click)


def stay_silent(person: Person) -> None:
    """Do nothing."""


def keep_going(person: Person) -> None:
    """Pay what is due by hand, where that is this person's way; else only look."""
    _pay_due(person)


def _pay_due(person: Person) -> None:
    if person.has_form("/method"):
        return
    if person.has_form("/pay"):
        person.browser.submit("/pay")
        person.pay()
    _go_to_plan(person)


def pay_early(person: Person) -> None:
    """Pay the next part before it is due."""
    person.browser.submit("/pay")
    person.pay()
    _go_to_plan(person)


def forget(person: Person) -> None:
    """Look, and pay nothing this time."""
    person.wake_in(18)


def run_dry(person: Person) -> None:
    """Have too little money on the card for a while."""
    if not person.turn_methods("visa_chargeDeclinedInsufficientFunds"):
        raise NotOnThePage("no saved card")
    person.wake_in(24)


def refill(person: Person) -> None:
    """Have money on the card again."""
    if not person.turn_methods("visa"):
        raise NotOnThePage("no saved card")


def lose_card(person: Person) -> None:
    """Lose the card: nothing can be charged to it any more."""
    if not person.turn_methods("visa_chargeDeclinedLostCard"):
        raise NotOnThePage("no saved card")
    person.wake_in(35)


def change_method(person: Person) -> None:
    """Save another card."""
    person.browser.submit("/method")
    person.pay("mastercard")


def stop_automatic(person: Person) -> None:
    """Stop automatic payments, and go on by hand."""
    person.browser.follow("/stop")
    person.browser.submit("/stop")
    _go_to_plan(person)


def dispute_at_bank(person: Person) -> None:
    """Ask the bank for the newest payment back."""
    if not person.dispute():
        raise NotOnThePage("no payment that a bank takes back")


def take_back(person: Person) -> None:
    """Take an unpaid agreement back, to choose something else."""
    person.browser.submit("/withdraw")
    person.wake_in(2)


def move_date(person: Person) -> None:
    """Move the next payment to another day."""
    person.browser.follow("/change/move")
    day = person.offered("to", "/change/move")[0]
    person.browser.submit("/change/move", to=day)
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
    """Pay a little more at a time from now on."""
    person.browser.follow("/change/pace")
    person.browser.submit("/change/pace", amount=str(person.rng.choice((120, 160, 220))))
    _confirm(person)


def pay_extra(person: Person) -> None:
    """Pay something beyond the plan, which ends sooner then."""
    person.browser.follow("/change/extra")
    effect = person.rng.choice(person.offered("effect", "/change/extra"))
    person.browser.submit("/change/extra", amount="40", effect=effect)
    _confirm(person)


def pay_off(person: Person) -> None:
    """Pay all that is left."""
    person.browser.follow("/change/all")
    person.browser.submit("/change/all")
    person.pay()


def end_plan(person: Person) -> None:
    """End the agreement."""
    person.browser.follow("/end")
    person.browser.submit("/end")


def cure(person: Person) -> None:
    """Take the first of the ways that keep a plan after a payment was missed."""
    person.browser.follow("/cure")
    if person.has_form("/pay"):
        person.browser.submit("/pay")
        person.pay()
    else:
        _confirm(person)


def _confirm(person: Person) -> None:
    """Press the button of a change's review, and pay where it leads to Stripe."""
    ticked = {"permission": "y"} if person.offered("permission", "/change") else {}
    person.browser.submit("/change", **ticked)
    if person.at_checkout():
        person.pay()


def ask_for_pause(person: Person) -> None:
    """Ask for a rest because of hardship, while a plan runs."""
    _help(person, "cannot-pay", "health")


DOOR = (
    Way("prove who they are", 94, prove_identity),
    Way("mistype", 2, mistype),
    Way("ask for a call", 3, call),
    Way("wrong person", 1, wrong_person),
)
"""What people do at their link, before they see anything."""

FIRST = (
    Way("pay all", 9, pay_all),
    Way("settle", 9, settle),
    Way("settle in parts", 7, settle_in_parts),
    Way("plan, automatic", 22, plan_automatic),
    Way("plan, by hand", 12, plan_by_hand),
    Way("agree and leave", 5, agree_and_leave),
    Way("propose", 7, propose),
    Way("take an answer", 1, take_answer),
    Way("ask for help", 5, ask_for_help),
    Way("dispute", 3, dispute),
    Way("contest the amount", 2, contest_amount),
    Way("name an adviser", 1, name_adviser),
    Way("pay a part", 4, pay_part),
    Way("ask somebody to pay", 3, ask_somebody),
    Way("text STOP", 2, stop_by_text),
    Way("unsubscribe", 2, unsubscribe),
    Way("silence", 14, stay_silent),
)
"""What people do who owe and have agreed to nothing."""

LATER = (
    Way("keep going", 40, keep_going),
    Way("pay early", 6, pay_early),
    Way("forget", 8, forget),
    Way("run dry", 9, run_dry),
    Way("refill", 5, refill),
    Way("lose the card", 3, lose_card),
    Way("change the card", 5, change_method),
    Way("stop automatic payments", 3, stop_automatic),
    Way("dispute at the bank", 2, dispute_at_bank),
    Way("take back", 2, take_back),
    Way("ask for a pause", 2, ask_for_pause),
    Way("move a date", 6, move_date),
    Way("skip", 4, skip),
    Way("rest", 3, rest),
    Way("change the pace", 3, change_pace),
    Way("pay extra", 3, pay_extra),
    Way("pay off", 2, pay_off),
    Way("cure", 8, cure),
    Way("end the plan", 1, end_plan),
)
"""What people do whose agreement runs."""
