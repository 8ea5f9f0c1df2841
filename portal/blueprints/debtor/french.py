"""The French version of a review first, with the way to another language below it (CA-04)."""

from collections.abc import Callable
from dataclasses import dataclass

from portal.blueprints.debtor.shown import Shown
from portal.domain import N_
from portal.domain.french import FRENCH
from portal.i18n import LANGUAGES, locale_for, translate
from portal.security import current_visit
from portal.services import french
from portal.services.balance import Balance
from portal.services.french import Wished
from portal.services.reviews import ShownDocument
from portal.web import locale, now, session, speak, url_for

TITLE = N_("Would you rather have this in English?")
WHY = N_(
    "This page is your agreement in French. In Quebec you get it in French first. After that you"
    " can have it in English, together with the papers that belong to it."
)
BUTTON = N_("I have the French version. I want this agreement and its papers in English")


@dataclass(frozen=True, slots=True)
class Way:
    """The way from the French version to another language, in the words of that language."""

    language: str
    title: str
    why: str
    button: str
    action: str


def first(view: Balance, endpoint: str, *hashes: str) -> Way | None:
    """Turn this page to French where its French version comes first; None where it need not.

    ``endpoint`` takes the wish for the language that the reader has now. ``hashes`` as in
    ``french.may_bind``.
    """
    asked = locale()
    if french.may_bind(session, view.account, asked, *hashes):
        return None
    speak(locale_for(FRENCH, view.client.country))
    return Way(
        asked[:2],
        title=translate(asked, TITLE),
        why=translate(asked, WHY),
        button=translate(asked, BUTTON),
        action=url_for(endpoint, account_id=view.account.id),
    )


def keep_wish(
    view: Balance,
    shown: Shown,
    language: str,
    *,
    again: Callable[[], tuple[ShownDocument, ...]],
    stale: Exception,
    build: str,
) -> None:
    """Keep that the French version was shown, and the wish for a language; the caller commits.

    ``again`` makes the documents of the page once more, which must be those that were shown:
    raises ``stale`` where they are not.
    """
    asked = language if language in LANGUAGES else locale()[:2]
    speak(shown.locale)
    documents = again()
    if tuple(one.sha256 for one in documents) != shown.hashes:
        raise stale
    wished = Wished(
        terms_sha256=shown.sha256,
        documents=documents,
        shown_at=shown.at,
        language=asked,
        control_label=translate(locale_for(asked, view.client.country), BUTTON),
        build=build,
    )
    french.wish(session, view.account, wished, visit=current_visit(), now=now())
