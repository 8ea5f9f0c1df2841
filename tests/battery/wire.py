"""The line to Stripe: faults are drawn here, and every request is judged as it goes by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from portal.sandbox.inprocess import InProcess
from tests.battery.bench import Bench
from tests.battery.books import mark_of, open_pages
from tests.battery.history import History
from tests.battery.stage import Stage

ONE_WAY = "one live way to pay an account"
NO_TRANSACTION = "no HTTP inside a database transaction"
NOT_STOPPED = "H3 no charge begun after a stop"
NOT_EARLY = "H7 nothing charged before its due date, as it was last agreed"
ONE_BODY = "H8 no idempotency key with two bodies"

_CHARGED = """
    SELECT p.account_id, p.arrangement_id, i.due_on, d.time_zone, a.reference,
      CASE WHEN m.after IS NULL THEN r.terms::jsonb #>> ARRAY['schedule', (i.n - 1)::text, 'due_on']
        ELSE jsonb_path_query_first(m.after::jsonb, '$.parts[*] ? (@.n == $n)',
          jsonb_build_object('n', i.n)) ->> 'due_on' END AS promised_on
    FROM payment p JOIN account a ON (a.client_id, a.id) = (p.client_id, p.account_id)
    JOIN debtor d ON (d.client_id, d.id) = (a.client_id, a.debtor_id)
    LEFT JOIN installment i ON (i.client_id, i.id) = (p.client_id, p.installment_id)
    LEFT JOIN arrangement r ON (r.client_id, r.id) = (p.client_id, p.arrangement_id)
    LEFT JOIN LATERAL (SELECT after FROM amendment WHERE arrangement_id = r.id
      ORDER BY n DESC LIMIT 1) m ON true
    WHERE p.id = %(payment)s"""
_SHOWN = """
    SELECT checkout_id, account_id FROM payment
    WHERE status = 'open' AND checkout_id IS NOT NULL"""


@dataclass(kw_only=True)
class Wire(InProcess):
    """The in-process transport, with a judge on it."""

    bench: Bench
    history: History
    stage: Stage

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One request of the SDK."""
        path = urlsplit(url).path
        self._judge(method, path, headers, body.decode())
        try:
            status, answered, reply = super().__call__(method, url, headers, body)
        except OSError:
            self.history.note(f"  {method} {path}: cut off")
            raise
        self.history.note(f"  {method} {path}: {status}")
        return status, answered, reply

    def _draw(self) -> Any:
        return None if self.stage.calm else super()._draw()

    def _judge(self, method: str, path: str, headers: Mapping[str, str], body: str) -> None:
        if self.bench.in_transaction:
            self.history.broke(NO_TRANSACTION, f"{method} {path}")
        key = headers.get("Idempotency-Key")
        if method != "POST" or not key:
            return
        before = self.history.bodies.setdefault(key, f"{path} {body}")
        if before != f"{path} {body}":
            self.history.broke(ONE_BODY, f"{path}: {before} / {body}")
        if path == "/v1/payment_intents":
            self._judge_charge(_marked(body))

    def _judge_charge(self, payment_id: UUID) -> None:
        found = self.bench.rows(_CHARGED, payment=payment_id)
        if not found:
            self.history.broke("a row before each charge", str(payment_id))
            return
        account_id, arrangement_id, due_on, zone, reference, promised_on = found[0]
        if self.history.forbidden(account_id, arrangement_id, self.stage.decided):
            self.history.broke(NOT_STOPPED, f"{reference}: {payment_id}")
        days, today = (str(due_on), str(promised_on)), self._today(zone).isoformat()
        if None in (due_on, promised_on) or today < max(days):
            self.history.broke(NOT_EARLY, f"{reference}: due {days}, {today}")
        if live := self.live_pages().get(account_id):
            self.history.broke(ONE_WAY, f"{reference}: charged while {live} can be paid")

    def _today(self, zone: str) -> date:
        return self.stage.clock.now().astimezone(ZoneInfo(zone)).date()

    def live_pages(self) -> dict[UUID, list[str]]:
        """The pages of each account that somebody holds, or can see with us, and can pay now."""
        self.sandbox.run_timers()
        known = self.history.handed | dict(self.bench.rows(_SHOWN))
        live: dict[UUID, list[str]] = {}
        for page in open_pages(self.sandbox.world):
            if (account_id := known.get(page["id"])) and page["mode"] == "payment":
                live.setdefault(account_id, []).append(page["id"])
        return live

    def judge_pages(self) -> None:
        """Hold that at most one page of each account can be paid."""
        for account_id, pages in self.live_pages().items():
            if len(pages) > 1:
                self.history.broke(ONE_WAY, f"{account_id}: {len(pages)} pages")


def _marked(body: str) -> UUID:
    given = parse_qs(body)
    marks = {"metadata": {"payment": given.get("metadata[payment]", [""])[0]}}
    return mark_of(marks) or UUID(int=0)
