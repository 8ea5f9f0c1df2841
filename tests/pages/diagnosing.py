"""Dana on the phone: her account comes from a file, she and Sam act, and what keeps her shows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.deliveries import Fate, Report
from portal.gateways.clock import SetClock
from portal.gateways.mail import OutboxMailer
from portal.gateways.sms import OutboxTexter
from portal.models import AccessLink, Account, Client, Contact, Debtor, Message, Payment, Role
from portal.sandbox import control
from portal.services.deliveries import take_report
from portal.services.dispatch import Carriers, dispatch
from portal.services.links import token_of
from portal.services.placements import inspect_file, place_file
from portal.writing import write
from tests.factories import make_client, make_policy
from tests.pages.agreeing import PLAN, link
from tests.pages.agreeing import send as fill_in
from tests.pages.debtors import RIGHT, WRONG, csrf_of, send
from tests.pages.staff import enter, make_staff
from tests.sandbox.checked import CheckedStripe
from tests.services.placing import row, text_of

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"
OWN = {"amount": "other", "own": "40", "method": "manual"}


@dataclass
class Scene:
    """One client, Dana's browser, and Sam's, on one clock; nothing is placed or sent yet."""

    app: Flask
    session: PortalSession
    settings: Settings
    clock: SetClock
    stripe: CheckedStripe
    folder: Path
    mailer: OutboxMailer = field(default_factory=OutboxMailer)

    def __post_init__(self) -> None:
        self.dana, self.sam = self.app.test_client(), self.app.test_client()

    def begin(self, *, limits: dict[str, Any] | None = None, **given: Any) -> "Scene":
        """The client, with limits unless ``limits`` is None there, and Sam, who decides."""
        client = make_client(self.session, **given)
        self.client_id = client.id
        if limits is not None:
            make_policy(self.session, client, **limits)
        enter(self.sam, self.session, make_staff(self.session, Role.SUPERVISOR, client))
        self.see()
        return self

    def see(self) -> None:
        """What the test reads next is as the portal left it."""
        self.session.expire_all()
        set_tenant(self.session, self.client_id)

    def place(self, **cells: str) -> "Scene":
        """The client's file comes with Dana's row."""
        path = self.folder / "placement.csv"
        path.write_text(text_of(row(**cells)))
        client = self.session.get_one(Client, self.client_id)
        pepper, now = self.settings.keys.pepper, self.clock.now()
        report = place_file(self.session, client, inspect_file(path), pepper=pepper, now=now)
        assert report.landed + report.updated == 1, report
        self.session.commit()
        self.see()
        self.account_id = self.session.scalars(select(Account.id)).one()
        return self

    @property
    def account(self) -> Account:
        """Dana's account."""
        return self.session.scalars(select(Account)).one()

    @property
    def debtor(self) -> Debtor:
        """Dana."""
        return self.session.scalars(select(Debtor)).one()

    def contact(self, channel: str = "email") -> Contact:
        """Her address."""
        return self.session.scalars(select(Contact).where(Contact.channel == channel)).one()

    def newest(self, kind: type[Any]) -> Any:
        """The row that was written last."""
        self.see()
        return self.session.scalars(select(kind).order_by(kind.id.desc()).limit(1)).one()

    def wait(self, **given: float) -> "Scene":
        """Time goes by, here and at Stripe."""
        self.clock.advance(timedelta(**given))
        self.stripe.clock.now = self.clock.now()
        client = self.session.get_one(Client, self.client_id)
        enter(self.sam, self.session, make_staff(self.session, Role.SUPERVISOR, client))
        return self

    def desk(self, path: str, **typed: str) -> TestResponse:
        """Sam fills in a form of the console."""
        page = self.sam.get(path)
        answer = self.sam.post(path, data={"csrf_token": csrf_of(page), **typed})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        self.see()
        return answer

    @property
    def desk_path(self) -> str:
        """The account's page in the console."""
        return f"/support/accounts/{self.account_id}"

    def ask_link(self, way: str = "email", asked: str = "debtor") -> "Scene":
        """Sam sends a link on its way."""
        key = way if way in ("letter", "aloud") else str(self.contact(way).id)
        self.desk(f"{self.desk_path}/link", way=key, asked=asked)
        return self

    def deliver(self) -> Message:
        """The job that hands over what waits."""
        message: Message = self.newest(Message)
        carriers = Carriers(
            mailer=self.mailer, texter=OutboxTexter(), write=write, keys=self.settings.keys
        )
        now = self.clock.now()
        dispatch(self.session, message.client_id, message.id, carriers=carriers, now=now)
        self.session.commit()
        self.see()
        return message

    def invite(self, way: str = "email", asked: str = "debtor") -> "Scene":
        """A link is asked for and handed over."""
        self.ask_link(way, asked).deliver()
        return self

    def carrier_says(self, kind: Fate, code: str) -> None:
        """A carrier's word about the last message."""
        message: Message = self.newest(Message)
        report = Report(
            carrier="email", event_id="e-1", kind=kind, code=code, message_id=message.id
        )
        take_report(self.session, report, message.channel, now=self.clock.now())
        self.session.commit()

    @property
    def door(self) -> str:
        """The address of the newest link."""
        newest: AccessLink = self.newest(AccessLink)
        return f"/l/{token_of(self.settings.keys, newest)}"

    def open(self, agent: str = PHONE, *, looks: bool = True) -> None:
        """Something opens the newest link; a browser of a person draws the page as well."""
        door, headers = self.door, {"User-Agent": agent}
        self.dana.get(door, headers=headers)
        if looks:
            self.dana.get(f"{door}/form.css", headers=headers)
        self.see()

    def answer(self, typed: dict[str, str] = WRONG, times: int = 1) -> "Scene":
        """Dana answers the identity check."""
        door = self.door
        for _ in range(times):
            send(self.dana, door, typed)
        self.see()
        return self

    def come_in(self) -> "Scene":
        """Dana passes the identity check."""
        return self.answer(RIGHT)

    @property
    def home(self) -> str:
        """Her account's address."""
        return f"/account/{self.account_id}"

    def start_paying(self, words: str = "Pay it all today") -> Payment:
        """Dana agrees to an offer and is sent to Stripe."""
        page = self.dana.get(link(self.dana.get(self.home), words))
        answer = fill_in(self.dana, page, f"{self.home}/accept")
        assert answer.status_code == 303, answer.get_data(as_text=True)
        payment: Payment = self.newest(Payment)
        return payment

    def try_to_pay(self, name: str = "visa") -> Payment:
        """She types a card or bank account on Stripe's page and comes back."""
        payment = self.start_paying()
        control.pay(self.stripe.world, payment.checkout_id or "", name)
        return self.land(payment)

    def land(self, payment: Payment) -> Payment:
        """She comes back to our page."""
        self.dana.get(f"/payment/{payment.id}?session_id={payment.checkout_id}")
        found: Payment = self.newest(Payment)
        return found

    def suggest(self) -> str:
        """Dana suggests $40.00 a month; the proposal's page in the console."""
        to = f"{self.home}/plan"
        answer = fill_in(self.dana, self.dana.get(to), to, **(PLAN | OWN))
        assert answer.location == f"{self.home}/proposal", answer.get_data(as_text=True)
        from portal.models import Proposal

        return f"/support/proposals/{self.newest(Proposal).id}"

    def answer_proposal(self, how: str, **typed: str) -> None:
        """Sam answers it."""
        page = self.suggest()
        token = csrf_of(self.sam.get(page))
        answer = self.sam.post(f"{page}/{how}", data={"csrf_token": token, **typed})
        assert answer.status_code == 303, answer.get_data(as_text=True)

    def why(self) -> TestResponse:
        """What Sam reads of why she cannot pay."""
        answer = self.sam.get(f"{self.desk_path}/why")
        assert answer.status_code == 200
        return answer


Act = Callable[[Scene], object]
