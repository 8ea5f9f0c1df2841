"""The demo's campaign: it went out to Northgate's debtors, with those held back who must be."""

from datetime import datetime
from uuid import UUID

import requests
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import commit, set_tenant
from portal.demo.scenarios import SCENARIOS
from portal.domain.holds import HoldKind
from portal.models import AccessLink, Account, Campaign, Contact, Message, StopKind
from portal.runtime import Runtime
from portal.services.campaign_control import Plan, draw_up
from portal.services.campaigns import send_links
from portal.services.clients import clients
from portal.services.dispatch import dispatch
from portal.services.evidence import SYSTEM
from portal.services.links import url_of
from portal.services.standing import set_hold
from portal.services.stops import stop_address
from portal.writing import carriers_of

CLIENT = "northgate-energy"
PLAN = Plan(name="Welcome to your page", per_minute=30)
DELIVERED = 12
"""Messages that leave at whatever hour the demo begins, as the outbox page lets them."""
DISPUTED, REPRESENTED, STOPPED = "NGE-48261", "NGE-48279", "NGE-48316"
SEEN_BY = ("WhatsApp/2.23.20.0", "Mozilla/5.0 (compatible; Proofpoint URL Defense)")
"""Who fetches links by itself, before any person does."""


def send_campaign(runtime: Runtime) -> None:
    """Write the campaign's messages, once; the worker lets the others go at its pace."""
    now = runtime.clock.now()
    with runtime.sessions() as session:
        client_id = clients(session)[CLIENT]
        set_tenant(session, client_id)
        if session.scalar(select(Campaign.id).limit(1)) is not None:
            return
        _hold_back(session, now)
        campaign = draw_up(session, client_id, PLAN, by=None, now=now, at=now)
        commit(session, "demo.campaign")
        keys, texter = runtime.settings.keys, runtime.texter
        send_links(session, campaign, keys=keys, texter=texter, now=now)
        carriers = carriers_of(runtime)
        for one in _first(session):
            dispatch(session, client_id, one, carriers=carriers, now=now, at_any_hour=True)


def _hold_back(session: Session, now: datetime) -> None:
    """What happened before: a dispute, an attorney, and somebody who wants no e-mail."""
    for reference, kind in ((DISPUTED, HoldKind.DISPUTE), (REPRESENTED, HoldKind.ATTORNEY)):
        account = session.scalars(select(Account).where(Account.reference == reference)).one()
        set_hold(session, account, kind, source="demo", now=now, actor=SYSTEM)
    stopped = select(Contact).join(Account, Account.debtor_id == Contact.debtor_id)
    contact = session.scalars(stopped.where(Account.reference == STOPPED)).first()
    if contact is not None:
        stop_address(session, contact, StopKind.OPTED_OUT, source="demo", actor=SYSTEM, now=now)


def _first(session: Session) -> list[UUID]:
    """Messages to the people of the scenarios, who act later, and some others."""
    acting = [one.reference for one in SCENARIOS if one.client == CLIENT and one.acts]
    debtors = select(Account.debtor_id).where(Account.reference.in_(acting))
    query = select(Message.id).where(Message.campaign_id.is_not(None))
    theirs = session.scalars(query.where(Message.debtor_id.in_(debtors)))
    return [*theirs, *session.scalars(query.order_by(Message.id).limit(DELIVERED))]


def be_scanned(runtime: Runtime) -> None:
    """Let a scanner of mail and a chat open two of the links, as they do by themselves."""
    with runtime.sessions() as session:
        set_tenant(session, clients(session)[CLIENT])
        links = session.scalars(
            select(AccessLink)
            .join(Message, Message.link_id == AccessLink.id)
            .where(Message.sent_at.is_not(None), AccessLink.verified_at.is_(None))
            .order_by(Message.id)
            .limit(len(SEEN_BY))
        )
        urls = [url_of(runtime.settings.keys, link) for link in links]
    for url, agent in zip(urls, SEEN_BY, strict=False):
        requests.get(url, headers={"User-Agent": agent}, timeout=30).raise_for_status()
