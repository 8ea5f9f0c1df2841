"""What people do at their link, and where they have agreed to nothing yet."""

from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from portal.demo.acting import prove
from portal.demo.browsing import Browser, NotOnThePage
from portal.simulation.lines import PageRefused
from portal.simulation.people import Person
from portal.simulation.stage import PORTAL, TEXTS_TOKEN

WORDS = "I lost my job and look for another one."
BACK_AFTER = 25.0
"""Days until people look again who have nothing to wait for."""


def agree(person: Person) -> None:
    """Agree to what the review shows, and go on to Stripe where it leads there."""
    browser = person.browser
    ticked = {"permission": "y"} if person.offered("permission", "/accept") else {}
    browser.submit("/accept", **ticked)
    if person.at_checkout():
        person.pay()
    go_to_plan(person)


def go_to_plan(person: Person) -> None:
    """Go to the page of the plan, and put its dates into the calendar where they are by hand."""
    browser = person.browser
    if not browser.url.endswith("/arrangement") and person.has("/arrangement"):
        browser.follow("/arrangement")
    if not person.has_form("/method"):
        person.plan_dates()


def pay_all(person: Person) -> None:
    """Pay all of it today."""
    person.browser.follow("/review", last=True)
    agree(person)


def settle(person: Person) -> None:
    """Close the account for less, at once."""
    person.browser.follow("/settle")
    least = person.offered("total", "/settle")[-2]  # the last one is an amount of one's own
    person.browser.submit("/settle", total=least, parts="1", start="today")
    agree(person)


def settle_in_parts(person: Person) -> None:
    """Close the account for less, in two parts, taken automatically."""
    browser = person.browser
    browser.follow("/settle")
    parts = person.offered("parts", "/settle")[1]
    most = person.offered("total", "/settle")[0]  # the dearest may be paid in parts
    browser.submit("/settle", total=most, parts=parts, **_when(person, "/settle", "automatic"))
    agree(person)


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
    agree(person)


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
        agree(person)
    else:
        person.wake_in(9)


def take_answer(person: Person) -> None:
    """Agree to what came of a suggestion."""
    person.browser.follow("/proposal")
    person.browser.follow("/review")
    agree(person)


def ask_for_help(person: Person) -> None:
    """Say that they cannot pay now."""
    ask(person, "cannot-pay", "money")


def dispute(person: Person) -> None:
    """Say that this is not their debt."""
    ask(person, "not-my-debt", "not-mine")


def contest_amount(person: Person) -> None:
    """Say that the amount is wrong."""
    ask(person, "amount-wrong", "amount")


def name_adviser(person: Person) -> None:
    """Say that a debt adviser helps them."""
    ask(person, "adviser", "debt-adviser")


def ask(person: Person, topic: str, option: str) -> None:
    """Ask for help on a topic, with an option of it."""
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
