"""What the evidence log keeps of an acceptance: who, what, when, how, by which act (EV-02)."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import terms as wording
from portal.domain.capabilities import Capabilities, is_time_barred
from portal.domain.evidence import format_time
from portal.domain.french import in_quebec
from portal.domain.holds import Capability
from portal.models import (
    AccessLink,
    Account,
    Arrangement,
    Authorization,
    Client,
    Contact,
    Debtor,
    DebtorSession,
)
from portal.services import esign, evidence
from portal.services.choices import Draft
from portal.services.evidence import Payload
from portal.services.reviews import Reviewed, ShownDocument
from portal.services.standing import holds_in_force, zone_of
from portal.services.visits import Visit


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one acceptance is told from."""

    session: Session
    account: Account
    drafted: Draft
    reviewed: Reviewed
    visit: Visit
    allowed: Capabilities
    now: datetime


def tell(facts: Facts, agreed: Arrangement, permission: Authorization | None) -> None:
    """Keep the texts that were shown, then write ``terms.reviewed`` and ``acceptance``."""
    for shown in (*facts.reviewed.documents, facts.reviewed.copy):
        chain_id = facts.account.chain_id
        evidence.store_document(
            facts.session, agreed.client_id, chain_id, shown.media, shown.body, facts.now
        )
    _record(facts, "terms.reviewed", _review(facts))
    _record(facts, "acceptance", acceptance(facts, agreed, permission))


def acceptance(facts: Facts, agreed: Arrangement, permission: Authorization | None) -> Payload:
    """The payload of an acceptance (compliance 17.1); ``docs/decisions/0010`` has its limits."""
    said: Payload = {
        "arrangement": str(agreed.id),
        "reference": agreed.reference,
        "client": _client(facts),
        "debt": _debt(facts),
        "party": _party(facts),
        "link": _link(facts),
        "visit": _visit(facts),
        "rules": _rules(facts),
        "disclosures": [_acknowledged(facts, shown) for shown in facts.reviewed.documents],
        "documents": [{"name": "agreement", "sha256": facts.reviewed.copy.sha256}],
        "offer": _offer(facts),
        "terms": wording.to_dict(facts.drafted.terms),
        "terms_sha256": facts.reviewed.terms_sha256,
        "review": _reviewed(facts),
        "assent": _assent(facts),
    }
    if (consent := _esign(facts)) is not None:
        said["esign"] = consent
    if permission is not None:
        said["authorization"] = _permission(facts, permission)
    if (earlier := _earlier(facts, agreed)) is not None:
        said["supersedes"] = str(earlier)
    return said


def _reviewed(facts: Facts) -> Payload:
    return {
        "terms_sha256": facts.reviewed.terms_sha256,
        "shown_at": format_time(facts.reviewed.shown_at),
    }


def _review(facts: Facts) -> Payload:
    return {
        **_reviewed(facts),
        "locale": facts.reviewed.locale,
        "visit": str(facts.visit.session_id),
        "disclosures": [_disclosure(facts, shown) for shown in facts.reviewed.documents],
    }


def _client(facts: Facts) -> Payload:
    client = facts.session.get_one(Client, facts.account.client_id)
    said = {
        "id": str(client.id),
        "legal_name": client.legal_name,
        "trade_name": client.trade_name,
        "role": str(facts.account.collector_role),
    }
    return said | ({"license": client.license_line} if client.license_line else {})


def _debt(facts: Facts) -> Payload:
    account = facts.account
    return {
        "account": str(account.id),
        "reference": account.reference,
        "original_creditor": account.original_creditor,
        "current_creditor": account.current_creditor,
        "category": account.debt_category,
        "currency": account.currency,
        "itemization": {
            "kind": account.itemization_kind,
            "on": account.itemization_on.isoformat(),
            "amount_cents": account.itemization_cents,
            "interest_cents": account.interest_cents,
            "fees_cents": account.fees_cents,
            "payments_cents": account.payments_cents,
            "credits_cents": account.credits_cents,
            "sum_cents": account.itemized_cents,
        },
        "balance_cents": account.balance_cents,
        "as_of": format_time(facts.now),
    }


def _party(facts: Facts) -> Payload:
    debtor = facts.session.get_one(Debtor, (facts.account.client_id, facts.account.debtor_id))
    return {
        "debtor": str(debtor.id),
        "name_shown": f"{debtor.first_name} {debtor.last_name}",
        "role": "consumer",
        "identity": _identity(facts),
    }


def _identity(facts: Facts) -> Payload:
    """How the person was known; ``attempts`` counts until the check passed, that one included."""
    said: Payload = {
        "method": facts.visit.identity_method,
        "factors": facts.visit.identity_method.split("+"),
        "result": "passed",
        "passed_at": format_time(facts.visit.started_at),
    }
    key = (facts.visit.client_id, facts.visit.session_id)
    attempts = facts.session.get_one(DebtorSession, key).identity_attempts
    return said | ({"attempts": attempts} if attempts else {})


def _link(facts: Facts) -> Payload:
    key = (facts.visit.client_id, facts.visit.link_id)
    link = facts.session.get_one(AccessLink, key)
    said = {
        "id": str(link.id),
        "channel": str(link.channel),
        "issued_at": format_time(link.issued_at),
        "issued_by": str(link.issued_by) if link.issued_by else "system",
        "first_passed_at": format_time(link.verified_at or facts.visit.started_at),
    }
    return said | (_sent_to(facts, link) if link.contact_id else {})


def _sent_to(facts: Facts, link: AccessLink) -> Payload:
    """Where the link went: the address itself stays out, and can be shown to be this one."""
    contact = facts.session.get_one(Contact, (link.client_id, link.contact_id))
    commit = sha256(f"{link.id} {contact.address}".encode()).hexdigest()
    return {"contact": str(contact.id), "address_sha256": commit}


def _visit(facts: Facts) -> Payload:
    visit = facts.visit
    debtor = facts.session.get_one(Debtor, (facts.account.client_id, facts.account.debtor_id))
    local = facts.now.astimezone(ZoneInfo(zone_of(debtor)))
    return {
        "id": str(visit.session_id),
        "ip": visit.ip,
        "user_agent": visit.user_agent,
        "locale": facts.reviewed.locale,
        "time_zone": zone_of(debtor),
        "time_zone_basis": "declared" if debtor.time_zone else "region",
        "utc_offset": local.strftime("%z"),
        "started_at": format_time(visit.started_at),
    }


def _rules(facts: Facts) -> Payload:
    said: Payload = {
        "holds_checked": [h.kind for h in holds_in_force(facts.session, facts.account, facts.now)],
        "capabilities": {
            str(capability): facts.allowed.of(capability).permission.name.lower()
            for capability in Capability
        },
        "today": facts.drafted.today.isoformat(),
        "sol_status": "unknown",
    }
    debtor = facts.session.get_one(Debtor, (facts.account.client_id, facts.account.debtor_id))
    if in_quebec(debtor.country, debtor.region):
        said["french_first"] = True
    if ends_on := facts.account.sol_expires_on:
        said["sol_expires_on"] = ends_on.isoformat()
        over = is_time_barred(ends_on, facts.drafted.today)
        said["sol_status"] = "expired" if over else "running"
    if facts.account.validation_ends_on:
        said["validation_ends_on"] = facts.account.validation_ends_on.isoformat()
    return said


def _disclosure(facts: Facts, shown: ShownDocument) -> Payload:
    said = {
        "doc_id": shown.doc_id,
        "version": shown.version,
        "locale": shown.locale,
        "media": shown.media,
        "sha256": shown.sha256,
        "shown_at": format_time(facts.reviewed.shown_at),
    }
    return said | ({"control_label": shown.label} if shown.label else {})


def _acknowledged(facts: Facts, shown: ShownDocument) -> Payload:
    """The same with when the control beside it was ticked: with the acceptance, which sends it."""
    ticked = shown.label in facts.reviewed.ticked
    at = {"acknowledged_at": format_time(facts.now)} if ticked else {}
    return _disclosure(facts, shown) | at


def _offer(facts: Facts) -> Payload:
    terms, published = facts.drafted.terms, facts.drafted.published
    said: Payload = {
        "key": terms.key,
        "basis": str(terms.basis),
        "policy_version": published.version,
        "policy_sha256": published.sha256,
    }
    if facts.drafted.proposal is not None:
        said["proposal"] = str(facts.drafted.proposal.id)
    if facts.drafted.counted_cents:
        said["counted_cents"] = facts.drafted.counted_cents
    return said


def _assent(facts: Facts) -> Payload:
    reviewed = facts.reviewed
    said: Payload = {
        "control_label": reviewed.control_label,
        "control_sha256": sha256(reviewed.control_label.encode()).hexdigest(),
        "act": "typed_name" if reviewed.typed else "click",
        "ticked": list(reviewed.ticked),
        "default_unchecked": True,
        "accepted_at": format_time(facts.now),
        "build": reviewed.build,
    }
    return said | ({"typed": reviewed.typed} if reviewed.typed else {})


def _esign(facts: Facts) -> Payload | None:
    """The consent to get required copies online only, where one stands (ES-01)."""
    visit = facts.visit
    found = esign.standing_consent(facts.session, visit.client_id, visit.debtor_id)
    return esign.consent_said(facts.session, found) if found else None


def _earlier(facts: Facts, agreed: Arrangement) -> UUID | None:
    """The newest agreement on the same account before this one, if there was one: it is over."""
    return facts.session.scalar(
        select(Arrangement.id)
        .where(
            Arrangement.client_id == agreed.client_id,
            Arrangement.account_id == agreed.account_id,
            Arrangement.id != agreed.id,
        )
        .order_by(Arrangement.accepted_at.desc(), Arrangement.id.desc())
        .limit(1)
    )


def _permission(facts: Facts, permission: Authorization) -> Payload:
    terms = facts.drafted.terms
    return {
        "id": str(permission.id),
        "kind": "recurring" if len(terms.schedule) > 1 else "single",
        "cap_cents": permission.cap_cents,
        "currency": terms.currency,
        "first_on": terms.first_on.isoformat(),
        "last_on": terms.last_on.isoformat(),
        "document_sha256": permission.document_sha256.hex(),
    }


def _record(facts: Facts, kind: str, payload: Payload) -> None:
    evidence.record(
        facts.session,
        client_id=facts.account.client_id,
        chain_id=facts.account.chain_id,
        type=kind,
        payload={"actor": evidence.debtor(facts.visit.debtor_id), **payload},
        now=facts.now,
    )
