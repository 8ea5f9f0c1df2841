"""The demo's checks: one that counts, and one that waits for a second person."""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.db import commit, set_staff, set_tenant
from portal.domain.counter import CounterKind
from portal.domain.money import Cents
from portal.models import Account, Client, Role, SecondLook, Staff
from portal.runtime import Runtime
from portal.services import second_person
from portal.services.counter_payments import Received
from portal.services.demo_staff import STAFF
from portal.services.late_proposals import client_day
from portal.services.staff import clients_of

CHECKS = {"NGE-48544": (Cents(60_00), "1041"), "NGE-48895": (Cents(750_00), "2207")}
"""By the reference of their account: the second is above what one person records alone."""


def receive(runtime: Runtime) -> None:
    """Let an agent record each check, once; the runtime is the web's, as theirs is."""
    now = runtime.clock.now()
    with runtime.sessions() as session:
        sam = _agent(session)
        set_tenant(session, *clients_of(session, sam))
        if session.scalar(select(SecondLook.id).limit(1)) is not None:
            return
        for account in session.scalars(select(Account).where(Account.reference.in_(CHECKS))).all():
            amount, number = CHECKS[account.reference]
            today = client_day(session.get_one(Client, account.client_id), now)
            check = Received(
                kind=CounterKind.CHECK, amount_cents=amount, received_on=today, number=number
            )
            act = second_person.recording(account, check, "It came by post.")
            second_person.ask(session, act, staff=sam, now=now)
        commit(session, "demo.checks")


def _agent(session: Session) -> Staff:
    (email,) = (one.email for one in STAFF if one.role is Role.AGENT)
    set_staff(session, session.scalar(text("SELECT resolve_staff(:email)"), {"email": email}))
    return session.scalars(select(Staff).where(Staff.email == email)).one()
