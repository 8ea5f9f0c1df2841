"""What happened before the demo opens: debtors of the demo act on the pages, as anybody would."""

from collections.abc import Callable, Mapping

from portal.demo.browsing import Browser, NetworkLine
from portal.demo.scenarios import answers_of
from portal.demo.seeding import Invited

CARD = "visa"


def act(invited: list[Invited]) -> None:
    """Let each debtor whose scenario has a past live through it, once.

    Raises NotOnThePage or requests.HTTPError where a page is not what it should be.
    """
    for one in invited:
        if one.waits_for_act:
            PASTS[one.scenario.acts](one)


def enter(one: Invited, line: NetworkLine | None = None) -> Browser:
    """Open a debtor's link and prove to be them; the browser then shows their first page."""
    browser = Browser(line or NetworkLine(one.scenario.language))
    browser.open(one.url)
    prove(browser, answers_of(one.scenario))
    return browser


def prove(browser: Browser, answers: Mapping[str, str]) -> None:
    """Answer the identity check of the page; a date of birth is in ISO form."""
    asked = dict(answers)
    year, month, day = asked.pop("date_of_birth").split("-")
    born = {"month": month, "day": day, "year": year}
    boxes = {f"date_of_birth-{part}": value for part, value in born.items()}
    browser.submit("/l/", **boxes, **asked)


def _pay_all(one: Invited) -> None:
    browser = enter(one)
    browser.follow("/review", last=True)
    browser.submit("/accept")
    browser.submit(name=CARD)


def _agree_to_plan(one: Invited) -> None:
    browser = enter(one)
    browser.follow("/plan")
    browser.submit("/plan", own="110", frequency="monthly", start="today", method="automatic")
    browser.submit("/accept", permission="y")
    browser.submit(name=CARD)


def _propose(one: Invited) -> None:
    browser = enter(one)
    browser.follow("/plan")
    browser.submit("/plan", own="25", frequency="monthly", start="today", method="manual")


PASTS: dict[str, Callable[[Invited], None]] = {
    "pay": _pay_all,
    "plan": _agree_to_plan,
    "propose": _propose,
}
