"""Send a new link, or read its code aloud, and follow how far its reader comes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import flash
from sqlalchemy import exists, select
from wtforms import RadioField, SelectChoice  # type: ignore[attr-defined]

from portal import i18n
from portal.blueprints.consoles import attempt, options, page
from portal.blueprints.opening import open_account, open_account_of
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.meanwhile import SeenForm
from portal.blueprints.support.repeated import sent_before
from portal.blueprints.support.sending import (
    choices_of,
    how_far,
    name_of,
    permitted_by,
    previews,
    texter,
)
from portal.domain import N_, DomainError
from portal.domain.access import Permission
from portal.domain.codes import aloud
from portal.models import AccessLink, Account, Channel, Client, Debtor, Message
from portal.security import audience, current_staff, keys
from portal.services.corrected_lately import require_other_hands
from portal.services.evidence import Payload
from portal.services.links import LinkState, code_of, issue_link, state_of
from portal.services.sent_enough import lock_accounts, require_not_often
from portal.services.standing import standing
from portal.services.texting import why_closed
from portal.services.ways import Way, best_way, reach, send_link, ways
from portal.web import gettext as _
from portal.web import locale, now, see_other, session, url_for

ALOUD = "aloud"


class WayGone(DomainError):
    """A colleague took an address out of use while this was sent."""

    message = N_("This address is not in use any more. Choose another way.")


class LinkForm(SeenForm):
    """Which way the link goes, and who asked for it."""

    way = RadioField(N_("Which way?"))
    asked = RadioField(
        N_("Who asked for it?"),
        default="debtor",
        choices=options(
            {
                "debtor": N_("The person asks for it now, and waits for it"),
                "staff": N_("We write first, at an hour when we may"),
            }
        ),
    )


@bp.route("/accounts/<uuid:account_id>/link", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def link(account_id: UUID) -> Any:
    """Choose the way; a closed one says why."""
    account = open_account(account_id)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    found = ways(session, debtor, texter=texter(), now=now())
    form, made = LinkForm().of(account), list[AccessLink | None]()
    aloud_too = SelectChoice(ALOUD, N_("Read a code aloud on the phone"))
    form.way.choices = [*choices_of(found), aloud_too]
    if not form.is_submitted() and (best := best_way(session, debtor, texter=texter(), now=now())):
        form.way.data = best.key

    def do() -> None:
        lock_accounts(session, debtor)
        sent = sent_before(form, account, "link.issued", lambda told: _is_same(form, told))
        made.append(_spoken_in(sent) if sent else _issue(form, debtor))

    if form.validate_on_submit() and attempt(form, do):
        return see_other(_after(form, made[0], account, found))
    answer = page("support/link.html", form=form, found=found, **_about(account, debtor, found))
    return (answer, 422) if form.errors else answer


def _about(account: Account, debtor: Debtor, found: Sequence[Way]) -> dict[str, Any]:
    verdict, client = standing(session, account, now()).link, _client(account)
    return {
        "account": account,
        "verdict": verdict,
        "reach": reach(session, debtor, now=now()),
        "now": now(),
        "zone": client.time_zone,
        "name_of": name_of,
        "permitted_by": permitted_by,
        "previews": list(previews(found)) if verdict.allowed else (),
        "texts_off": why_closed(client, texter()),
    }


def _client(account: Account) -> Client:
    return session.get_one(Client, account.client_id)


def _after(form: LinkForm, made: AccessLink | None, account: Account, found: Sequence[Way]) -> str:
    if made is not None:
        return url_for("support.code", link_id=made.id)
    way = _chosen(form, found)
    decided = way.asked if form.asked.data == "debtor" else way.first
    if way.contact is None:
        flash(_("The letter is on the list. Its link is made when it is printed."), "ok")
    elif decided.until is None:
        flash(_("The link is on its way."), "ok")
    else:
        at = i18n.voice(locale()).datetime(decided.until, _client(account).time_zone)
        flash(_("The link waits and leaves on %(at)s.", at=at), "ok")
    return back_to(account)


def _chosen(form: LinkForm, found: Sequence[Way]) -> Way:
    for way in found:
        if way.key == form.way.data:
            return way
    raise WayGone


def _issue(form: LinkForm, debtor: Debtor) -> AccessLink | None:
    """The link whose code is read aloud; None where a message brings it."""
    staff = current_staff()
    if form.way.data == ALOUD:
        require_other_hands(session, staff.id, debtor, now=now())
        return issue_link(session, debtor, keys=keys(), issued_by=staff.id, now=now()).link
    asked = form.asked.data == "debtor"
    if asked:
        require_not_often(session, debtor, now=now())
    way = _chosen(form, ways(session, debtor, texter=texter(), now=now()))
    send_link(session, way, asked_for=asked, keys=keys(), staff=staff, now=now())
    return None


def _issued(told: Payload) -> AccessLink:
    client_ids = session.info["client_ids"]
    wanted = AccessLink.client_id.in_(client_ids), AccessLink.id == UUID(told["link"])
    return session.scalars(select(AccessLink).where(*wanted)).one()


def _is_same(form: LinkForm, told: Payload) -> bool:
    """Whether a link goes the way that is chosen now."""
    link = _issued(told)
    chosen: str = form.way.data
    return chosen == (str(link.contact_id) if link.contact_id else ALOUD)


def _spoken_in(told: Payload) -> AccessLink | None:
    link = _issued(told)
    return None if link.contact_id else link


@bp.get("/links/<uuid:link_id>/code")
@audience(Permission.CONTACT)
def code(link_id: UUID) -> Any:
    """The code of a link that one reads aloud oneself, and how far the person is with it."""
    found, account = _spoken(link_id)
    written = code_of(keys(), found)
    return page(
        "support/code.html",
        link=found,
        live=state_of(found, now()) is LinkState.LIVE,
        code=written,
        groups=[[aloud(symbol) for symbol in group] for group in written.split("-")],
        base_url=keys().base_url,
        account=account,
        zone=_client(account).time_zone,
        **how_far(account, now()),
    )


def _spoken(link_id: UUID) -> tuple[AccessLink, Account]:
    """A link that this member of staff reads aloud, and the first account of its reader.

    What a letter, a message or a colleague brings stays hidden: it opens the debtor's pages.
    """
    found = session.scalars(
        select(AccessLink).where(
            AccessLink.client_id.in_(session.info["client_ids"]),
            AccessLink.id == link_id,
            AccessLink.channel == Channel.LETTER,
            AccessLink.issued_by == current_staff().id,
            ~exists().where(
                Message.client_id == AccessLink.client_id, Message.link_id == AccessLink.id
            ),
        )
    ).one()
    return found, open_account_of(found)


@bp.get("/accounts/<uuid:account_id>/progress")
@audience(Permission.CONTACT)
def progress(account_id: UUID) -> Any:
    """How far the person came with the newest link; a page with a script asks again and again."""
    account = open_account(account_id)
    return page(
        "support/progress.html",
        account=account,
        zone=_client(account).time_zone,
        **how_far(account, now()),
    )
