"""What people wish for about the copies that the law requires: by e-mail only, tried out first."""

import re

from portal.demo.browsing import NotOnThePage
from portal.simulation.people import Person

COPIES = "/copies-by-email"
_CODE = re.compile(r"\b[A-Z0-9]{4}[-\u2011][A-Z0-9]{4}\b")


def ask_for_sample(person: Person) -> None:
    """Ask for the sample that shows whether they can read what comes by e-mail."""
    _go_to_copies(person)
    person.browser.submit(f"{COPIES}/sample")
    person.wake_in(1)


def type_code(person: Person) -> None:
    """Type the code of the sample, and agree to get the copies by e-mail only."""
    _go_to_copies(person)
    code = sample_code(person)
    if code is None:
        raise NotOnThePage("no sample came")
    agreed = person.offered("agreed", COPIES)[0]
    person.browser.submit(COPIES, code=code, agreed=agreed)
    person.has_paper = False


def sample_code(person: Person) -> str | None:
    """The code in the newest e-mail with a file, if one came."""
    for mail in reversed(person.stage.post.mails.get(person.neighbor.email, [])):
        for file in mail.attached:
            if found := _CODE.search(file.body.decode("utf-8", "replace")):
                return found[0]
    return None


def _go_to_copies(person: Person) -> None:
    if not person.has("/preferences"):
        person.browser.follow("/account/")
    person.browser.follow("/preferences")
    person.browser.follow(COPIES)
