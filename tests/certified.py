"""An acceptance as its record keeps it, with later leaves and a checkpoint, for certificates."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from portal.domain.evidence import format_time
from portal.services.certificates import CheckpointFacts, LeafFacts, Told
from portal.services.evidence import Entry, Payload

AGREED_AT = datetime(2026, 11, 23, 17, 5, 9, 123000, tzinfo=UTC)
ARRANGEMENT = "01939f7e-0000-7000-8000-0000000000a1"
NAME = "José Ñandú"


def hash_of(text: str) -> str:
    """A hash as the record has it."""
    return sha256(text.encode()).hexdigest()


def before(**passed: int) -> str:
    """A time before the agreement, as the record writes it."""
    return format_time(AGREED_AT - timedelta(**passed))


def record(*, parts: int = 3, locale: str = "en_US", name: str = NAME) -> Payload:
    """The payload of an acceptance: a plan with a settlement's saving, paid automatically."""
    return {
        "type": "acceptance",
        "v": 1,
        "actor": {"kind": "debtor", "id": "d"},
        "arrangement": ARRANGEMENT,
        "reference": "K7MP-42XD",
        "client": {
            "id": "c",
            "legal_name": "Harbor Recovery Services LLC",
            "trade_name": "Harbor Recovery",
            "role": "third_party_agency",
            "license": "California license 10123-99 · New York City license 2098765-DCA",
        },
        "debt": _debt(),
        "party": _party(name),
        "link": _link(),
        "visit": _visit(locale),
        "disclosures": _disclosures(locale),
        "documents": [{"name": "agreement", "sha256": hash_of("agreement")}],
        "offer": {
            "key": "settlement:2",
            "basis": "offered",
            "policy_version": 4,
            "policy_sha256": hash_of("policy"),
        },
        "terms": terms(parts),
        "terms_sha256": hash_of("terms"),
        "review": {"terms_sha256": hash_of("terms"), "shown_at": before(minutes=2)},
        "assent": {
            "control_label": "Agree and pay $80.00 today",
            "control_sha256": hash_of("Agree and pay $80.00 today"),
            "act": "typed_name",
            "ticked": ["I allow these payments"],
            "typed": name,
            "default_unchecked": True,
            "accepted_at": format_time(AGREED_AT),
            "build": "0.1.0+9cf3a6b",
        },
        "authorization": {
            "id": "a",
            "kind": "recurring",
            "cap_cents": 24_000,
            "currency": "USD",
            "first_on": "2026-11-23",
            "last_on": "2027-01-23",
            "document_sha256": hash_of("authorization"),
        },
    }


def terms(parts: int) -> Payload:
    """Monthly parts of $80.00 from the day of the agreement."""
    begin = AGREED_AT.date()
    days = [date(begin.year + (10 + n) // 12, (10 + n) % 12 + 1, begin.day) for n in range(parts)]
    return {
        "v": 1,
        "kind": "settlement",
        "offer_key": "settlement:2",
        "policy_version": 4,
        "currency": "USD",
        "balance_cents": 8_000 * parts + 16_000,
        "total_cents": 8_000 * parts,
        "saved_cents": 16_000,
        "method": "automatic",
        "frequency": "monthly",
        "valid_until": "2026-12-07",
        "schedule": [
            {"n": n, "due_on": day.isoformat(), "amount_cents": 8_000}
            for n, day in enumerate(days, start=1)
        ],
    }


def _debt() -> Payload:
    return {
        "account": "x",
        "reference": "HR-20491",
        "original_creditor": "Northwind Bank",
        "current_creditor": "Seaside Funding",
        "category": "credit_card",
        "currency": "USD",
        "itemization": {
            "kind": "charge_off",
            "on": "2025-10-03",
            "amount_cents": 45_000,
            "interest_cents": 0,
            "fees_cents": 0,
            "payments_cents": 5_000,
            "credits_cents": 0,
            "sum_cents": 40_000,
        },
        "balance_cents": 40_000,
        "as_of": format_time(AGREED_AT),
    }


def _party(name: str) -> Payload:
    identity = {
        "method": "date_of_birth+postal_code",
        "factors": ["date_of_birth", "postal_code"],
        "result": "passed",
        "passed_at": before(minutes=6),
        "attempts": 1,
    }
    return {"debtor": "d", "name_shown": name, "role": "consumer", "identity": identity}


def _link() -> Payload:
    return {
        "id": "01939f7e-0000-7000-8000-0000000000b1",
        "channel": "email",
        "issued_at": before(days=2, minutes=41),
        "issued_by": "system",
        "first_passed_at": before(days=1, hours=3),
        "contact": "k",
        "address_sha256": hash_of("link jose@example.com"),
    }


def _visit(locale: str) -> Payload:
    return {
        "id": "v",
        "ip": "203.0.113.24",
        "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"
        " AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
        "locale": locale,
        "time_zone": "America/New_York",
        "time_zone_basis": "region",
        "utc_offset": "-0500",
        "started_at": before(minutes=6),
    }


def _disclosures(locale: str) -> list[Payload]:
    names = ("review", "terms-settlement", "authorization", "offer-renewal", "card-disclosure")
    names = (*names, "electronic-copy", "debt-collector-subsequent")
    texts: list[Payload] = [
        {
            "doc_id": name,
            "version": "1",
            "locale": locale.partition("_")[0],
            "media": "text/plain",
            "sha256": hash_of(name),
            "shown_at": before(minutes=2),
        }
        for name in names
    ]
    ticked = {"control_label": "I allow these payments", "acknowledged_at": format_time(AGREED_AT)}
    texts[2] |= ticked
    return texts


def later(*events: tuple[str, Payload]) -> list[Entry]:
    """Leaves after the acceptance, an hour after each other."""
    return [
        Entry(8 + n, kind, AGREED_AT + timedelta(hours=n), hash_of(kind), payload)
        for n, (kind, payload) in enumerate(events, start=1)
    ]


COPY = {"message": "m1", "template": "agreement_copy", "channel": "email"}
PERMISSION_COPY = {"message": "m2", "template": "authorization_copy", "channel": "email"}
OURS = {"arrangement": ARRANGEMENT, "currency": "USD"}
VISA = {"brand": "visa", "last4": "4242", "funding": "credit"}
PAID = {**OURS, "payment": "p1", "reference": "PAY-1", "amount_cents": 8_000}

USUAL = later(
    ("message.sent", {**COPY, "queued_at": format_time(AGREED_AT)}),
    ("payment.succeeded", PAID),
    ("authorization.granted", {**OURS, "authorization": "a", "method": VISA}),
    ("message.sent", {**PERMISSION_COPY, "queued_at": format_time(AGREED_AT)}),
    ("message.failed", {**PERMISSION_COPY, "error": "550"}),
    ("payment.refunded", {**OURS, "payment": "p1", "refund": "r", "amount_cents": 1_000}),
    ("arrangement.amended", {**OURS, "reference": "K7MP-42XD"}),
    ("authorization.revoked", {**OURS, "authorization": "a", "reason": "stopped"}),
)


def told(payload: Payload | None = None, entries: Sequence[Entry] = USUAL, **changes: Any) -> Told:
    """All that a certificate is made of, with what a test changes."""
    chain = "01939f7e-0000-7000-8000-000000000001"
    log = "portal.example/evidence/agency-1"
    usual = Told(
        acceptance=record() if payload is None else payload,
        leaf=LeafFacts(n=8, at=AGREED_AT, hash=hash_of("leaf"), log=log, chain=chain),
        entries=entries,
        checkpoint=CheckpointFacts(
            size=48_211, root="+dvh8t4Pg+v5ggNRk1rV+05zT/7+q9vJ2TXqZfdZNE0=", key_id="4cfa732c"
        ),
        base_url="https://pay.example.com",
        country="US",
        made_at=AGREED_AT + timedelta(days=1),
    )
    return replace(usual, **changes)
