"""What is kept of a change of a running arrangement: its page, its row, its leaf, the message."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain import amendments as law
from portal.domain.amendments import rhythm_to_dict
from portal.domain.evidence import format_time
from portal.domain.statuses import InstallmentStatus
from portal.models import Account, Amendment, Arrangement, Installment, fresh_id
from portal.services import evidence, french, notices
from portal.services.arrangements import lock_parts, said_part
from portal.services.evidence import Actor, Payload
from portal.services.reviews import ShownDocument
from portal.services.running import change_parts

PLAN_CHANGED = "plan_changed"
PERMISSIONS = ("authorization", "authorization-changed")


@dataclass(frozen=True, slots=True)
class Act:
    """Who changes which arrangement when; account and arrangement are locked."""

    session: Session
    account: Account
    agreed: Arrangement
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What stood on the page of a change when its button was pressed.

    ``amendment_id`` was fixed when the page was shown: sent twice, it is one change.
    ``documents`` are the page and the texts of law on it, ``ticked`` the words beside the box for
    the changed permission to charge, if it was checked. ``call_id``: the page was read aloud in
    that call, and its button is what the debtor said.
    """

    amendment_id: UUID
    change_sha256: str
    documents: tuple[ShownDocument, ...]
    shown_at: datetime
    visit_id: UUID | None
    control_label: str
    build: str
    ticked: str | None = None
    call_id: UUID | None = None

    @property
    def page(self) -> ShownDocument:
        """The page's own part: all that is changed, before and after."""
        return self.documents[0]

    @property
    def where(self) -> Payload:
        """In which visit it was read, or in which call it was heard."""
        if self.call_id is not None:
            return {"call_session": str(self.call_id)}
        return {"visit": str(self.visit_id)}

    @property
    def permission(self) -> ShownDocument | None:
        """The text of the changed permission to charge, where there is one."""
        return next((one for one in self.documents if one.doc_id in PERMISSIONS), None)


def keep_review(act: Act, reviewed: Reviewed) -> Payload:
    """Keep the page of a change as it was shown, on the record; what the change's leaf names.

    The caller commits. Raises FrenchComesFirst.
    """
    agreed_terms = act.agreed.terms_sha256.hex()
    locale = reviewed.page.locale
    french.require(act.session, act.account, locale, reviewed.change_sha256, agreed_terms)
    chain = (act.account.client_id, act.account.chain_id)
    for one in reviewed.documents:
        evidence.store_document(act.session, *chain, one.media, one.body, act.now)
    review: Payload = {
        "terms_sha256": reviewed.change_sha256,
        "shown_at": format_time(reviewed.shown_at),
    }
    told: Payload = {
        **review,
        "actor": act.actor,
        "locale": locale,
        **reviewed.where,
        "documents": [{"name": one.doc_id, "sha256": one.sha256} for one in reviewed.documents],
    }
    _record(act, "terms.reviewed", told)
    assent: Payload = {"control_label": reviewed.control_label, "build": reviewed.build}
    if reviewed.call_id is not None:
        assent |= reviewed.where
    if reviewed.ticked:
        assent["ticked"] = [reviewed.ticked]
    return {"review": review, "assent": assent, "documents": told["documents"]}


def new_row(act: Act, change: law.Amendment) -> Amendment:
    """The row of a change, to be added by ``apply``."""
    return Amendment(
        client_id=act.agreed.client_id,
        id=fresh_id(),
        arrangement_id=act.agreed.id,
        account_id=act.agreed.account_id,
        n=_number(act),
        kind=str(change.change),
        counts=change.counts,
        rhythm=rhythm_to_dict(change.rhythm),
        actor=act.actor,
        at=act.now,
        change_sha256=bytes.fromhex(change.sha256),
    )


def _number(act: Act) -> int:
    newest = select(func.coalesce(func.max(Amendment.n), 0)).where(
        Amendment.client_id == act.agreed.client_id, Amendment.arrangement_id == act.agreed.id
    )
    return int(act.session.scalar(newest) or 0) + 1


def apply(
    act: Act,
    parts: Sequence[Installment],
    change: law.Amendment,
    row: Amendment,
    told: Payload,
) -> None:
    """Change the parts, keep the row, write the leaf, and tell the debtor (PY-07).

    ``parts`` are those of the arrangement before the change, locked.
    """
    before = _said(parts)
    change_parts(act.session, act.agreed, parts, change)
    after = _said(lock_parts(act.session, act.agreed))
    row.before, row.after = {"parts": before}, {"parts": after}
    act.session.add(row)
    payload: Payload = {
        **told,
        **_dates(change),
        "actor": row.actor,
        "arrangement": str(act.agreed.id),
        "reference": act.agreed.reference,
        "amendment": str(row.id),
        "kind": row.kind,
        "before": before,
        "after": after,
        "rhythm": row.rhythm,
        "change_sha256": change.sha256,
    }
    _record(act, "arrangement.amended", payload)
    fact = f"amendment:{row.id}"
    notices.tell(act.session, act.account, PLAN_CHANGED, fact=fact, now=act.now)


def _said(parts: Iterable[Installment]) -> list[Payload]:
    return [said_part(part) for part in parts if part.status != InstallmentStatus.CANCELED]


def _dates(change: law.Amendment) -> Payload:
    """The first date that is not there any more, and the first one that is new."""
    before, after = ({day for day, _ in parts} for parts in (change.before, change.after))
    dates = {"from_on": before - after, "to_on": after - before}
    return {name: min(days).isoformat() for name, days in dates.items() if days}


def _record(act: Act, kind: str, payload: Payload) -> None:
    evidence.record(
        act.session,
        client_id=act.account.client_id,
        chain_id=act.account.chain_id,
        type=kind,
        payload=payload,
        now=act.now,
    )
