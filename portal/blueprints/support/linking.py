"""Send a new link, or read its code aloud."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import current_app, flash
from sqlalchemy import select
from wtforms import RadioField, SelectChoice  # type: ignore[attr-defined]

from portal import i18n
from portal.blueprints.consoles import attempt, options, page
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to, masked_contact
from portal.domain import N_, labels
from portal.domain.access import Permission
from portal.gateways.sms import Texter
from portal.models import AccessLink, Account, Channel, Client, Debtor
from portal.security import audience, current_staff, keys
from portal.services.dossier import find_account
from portal.services.links import IssuedLink, LinkState, code_of, issue_link, state_of
from portal.services.standing import standing
from portal.services.texting import why_closed
from portal.services.ways import Way, send_link, ways
from portal.web import Form, locale, now, see_other, session, url_for
from portal.web import gettext as _

ALOUD = "aloud"


class LinkForm(Form):
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
    account = find_account(session, account_id)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    found = ways(session, debtor, texter=_texter(), now=now())
    form, made = LinkForm(), list[IssuedLink | None]()
    form.way.choices = _choices(found)

    def do() -> None:
        made.append(_issue(form, debtor, found))

    if form.validate_on_submit() and attempt(form, do):
        return see_other(_after(form, made[0], account, found))
    answer = page(
        "support/link.html",
        form=form,
        account=account,
        found=found,
        verdict=standing(session, account, now()).link,
        zone=_zone(account),
        name_of=_name,
        texts_off=_texts_off(account),
    )
    return (answer, 422) if form.errors else answer


def _texter() -> Texter:
    texter: Texter = current_app.extensions["portal"].texter
    return texter


def _texts_off(account: Account) -> str | None:
    client = session.get_one(Client, account.client_id)
    return why_closed(client, _texter())


def _after(form: LinkForm, made: IssuedLink | None, account: Account, found: Sequence[Way]) -> str:
    if made is not None:
        return url_for("support.code", link_id=made.link.id)
    way = _chosen(form, found)
    decided = way.asked if form.asked.data == "debtor" else way.first
    if way.contact is None:
        flash(_("The letter is on the list. Its link is made when it is printed."), "ok")
    elif decided.until is None:
        flash(_("The link is on its way."), "ok")
    else:
        at = i18n.voice(locale()).datetime(decided.until, _zone(account))
        flash(_("The link waits and leaves on %(at)s.", at=at), "ok")
    return back_to(account)


def _chosen(form: LinkForm, found: Sequence[Way]) -> Way:
    return next(way for way in found if way.key == form.way.data)


def _zone(account: Account) -> str:
    return session.get_one(Client, account.client_id).time_zone


def _choices(found: Sequence[Way]) -> list[SelectChoice]:
    sendable = [SelectChoice(way.key, _name(way)) for way in found if way.open]
    return [*sendable, SelectChoice(ALOUD, N_("Read a code aloud on the phone"))]


def _name(way: Way) -> str:
    """A way as staff tell it from others: masked, but the city where a letter goes."""
    if way.contact is None:
        return _("By letter, to the address in %(city)s", city=way.debtor.city)
    return f"{_(labels.CHANNELS[way.channel])}: {masked_contact(way.contact)}"


def _issue(form: LinkForm, debtor: Debtor, found: Sequence[Way]) -> IssuedLink | None:
    """The link whose code is read aloud; None where a message brings it."""
    staff = current_staff()
    if form.way.data == ALOUD:
        return issue_link(session, debtor, keys=keys(), issued_by=staff.id, now=now())
    way = _chosen(form, found)
    asked = form.asked.data == "debtor"
    send_link(session, way, asked_for=asked, keys=keys(), staff=staff, now=now())
    return None


@bp.get("/links/<uuid:link_id>/code")
@audience(Permission.CONTACT)
def code(link_id: UUID) -> Any:
    """The code of a link that is read aloud, and how the person uses it."""
    mine = AccessLink.client_id.in_(session.info["client_ids"])
    aloud = AccessLink.channel == Channel.LETTER
    found = session.scalars(select(AccessLink).where(mine, aloud, AccessLink.id == link_id)).one()
    account = session.scalars(
        select(Account)
        .where(Account.client_id == found.client_id, Account.debtor_id == found.debtor_id)
        .order_by(Account.id)
        .limit(1)
    ).one()
    return page(
        "support/code.html",
        link=found,
        live=state_of(found, now()) is LinkState.LIVE,
        code=code_of(keys(), found),
        base_url=keys().base_url,
        account=account,
        zone=_zone(account),
    )
