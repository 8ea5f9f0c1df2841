"""Why can't they pay? The causes, what shows each of them, and one click to mend it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app
from wtforms import StringField

from portal import i18n
from portal.blueprints.consoles import Task, page, perform, words_of
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.domain import N_
from portal.domain.access import Permission
from portal.domain.diagnosis import Finding, Seen
from portal.domain.diagnosis.facts import REMEDIES, SOURCES, Remedy
from portal.models import Account, Client, Debtor
from portal.security import audience, current_staff, danger, keys
from portal.services import diagnosis, unlocking
from portal.web import Form, gettext, locale, now, say, session, url_for
from portal.web import gettext as _

WAYS: dict[Remedy, tuple[str, ...]] = {
    Remedy.LINK: ("support.link", "account_id"),
    Remedy.OTHER_WAY_TO_PAY: ("support.link", "account_id"),
    Remedy.REOPEN: ("support.reopen", "account_id", "stop_id"),
    Remedy.UNLOCK: ("support.unlock", "account_id"),
    Remedy.LIFT: ("support.lift", "hold_id"),
    Remedy.PROPOSAL: ("support.proposal", "proposal_id"),
    Remedy.QUESTION: ("support.question", "question_id"),
    Remedy.LETTERS: ("support.letters",),
    Remedy.WRITE: ("support.account", "account_id"),
}
"""Where a remedy is done, and the ids that its address takes."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One fact as staff read it: when, the sentence, and where on the account's page it stands."""

    at: datetime | None
    words: str
    where: str
    url: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Told:
    """A cause as staff read it; ``tell`` is in the debtor's language, ``also`` in the reader's."""

    code: str
    sure: bool
    title: str
    shown: Sequence[Shown]
    remedy: str
    tell: str
    tongue: str
    also: str


class UnlockForm(Form):
    """Why somebody may try again."""

    reason = StringField(
        N_("Reason"), description=N_("How you know that it is them. It is kept on the record.")
    )


@bp.get("/accounts/<uuid:account_id>/why", endpoint="why")
@audience(Permission.SEE_ACCOUNTS)
def why_page(account_id: UUID) -> Any:
    """Every cause with its evidence and its remedy, the likeliest first."""
    found = open_account(account_id)
    return page(
        "support/why.html",
        account=found,
        zone=session.get_one(Client, found.client_id).time_zone,
        why=causes_of(found),
    )


@bp.route("/accounts/<uuid:account_id>/unlock", methods=["GET", "POST"])
@audience(Permission.SUPERVISE)
@danger
def unlock(account_id: UUID) -> Any:
    """Let somebody try again at the identity check, with the reason."""
    found, form = open_account(account_id), UnlockForm()

    def do() -> None:
        reason, staff = form.reason.data or "", current_staff()
        unlocking.unlock(session, found, reason=reason, staff=staff, keys=keys(), now=now())

    back = url_for("support.why", account_id=found.id)
    task = Task(
        title=_("Let the person of account %(reference)s try again", reference=found.reference),
        button=_("Let them try again"),
        back=back,
        notes=(
            _("Their wrong answers are forgotten, and they have 5 new tries at once."),
            _("Do this only if you know that it is them."),
        ),
    )
    return perform(form, do, task=task, done=_("They can try again now."), to=back)


def causes_of(account: Account) -> Sequence[Told]:
    """The causes that an account shows now, in the words of whoever reads them."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    client = session.get_one(Client, account.client_id)
    theirs = i18n.locale_for(debtor.language, client.country)
    found = diagnosis.why(session, account, keys=keys(), now=now())
    return [_told(one, account, client.time_zone, theirs) for one in found]


def _told(found: Finding, account: Account, zone: str, theirs: str) -> Told:
    cause = found.cause
    tell, also = i18n.translate(theirs, cause.tell), say(cause.tell)
    return Told(
        code=cause.code,
        sure=cause.sure,
        title=say(cause.title),
        shown=[_shown(found, seen, account, zone) for seen in found.evidence],
        remedy=say(REMEDIES[cause.remedy]),
        tell=tell,
        tongue=theirs.replace("_", "-"),
        also="" if also == tell else also,
    )


def _shown(found: Finding, seen: Seen, account: Account, zone: str) -> Shown:
    cause = found.cause
    params = {name: _spoken(value, zone) for name, value in seen.said.items()}
    anchor = url_for("support.account", account_id=account.id, _anchor=str(cause.source))
    return Shown(
        at=seen.at,
        words=gettext(cause.seen, **params),
        where=say(SOURCES[cause.source]),
        url=anchor,
        remedy=_way(cause.remedy, seen, account),
    )


def _spoken(value: object, zone: str) -> object:
    if isinstance(value, datetime):
        return i18n.voice(locale()).datetime(value, zone)
    return words_of(value) if isinstance(value, str) else value


def _way(remedy: Remedy, seen: Seen, account: Account) -> str:
    """Where the remedy is done; empty where there is nothing to click, or it is not for them."""
    endpoint, *ids = WAYS.get(remedy, ("",))
    if not endpoint or not _may(endpoint):
        return ""
    given = {name: account.id if name == "account_id" else seen.about for name in ids}
    anchor = "thread" if remedy is Remedy.WRITE else None
    return url_for(endpoint, **given, **({"_anchor": anchor} if anchor else {}))


def _may(endpoint: str) -> bool:
    view: Any = current_app.view_functions[endpoint]
    return current_staff().role in view.audience.roles
