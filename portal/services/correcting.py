"""Correct who a debtor is, with a source and a reason; identity answers are hashed anew.

A correction outranks the client's file as long as the file says what it said before, and the first
file with another value is taken over (decision 0044). Taking one back is another correction.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.db import psycopg_connection
from portal.domain.access import Permission, may
from portal.domain.channels import Channel
from portal.domain.corrections import (
    FIELDS,
    POSTAL,
    PROVES,
    SECRET,
    Change,
    ChangedMeanwhile,
    NameMissing,
    NothingCorrected,
    RegionUnknown,
    Source,
    SupervisorNeeded,
    is_untouched,
    read,
    told,
)
from portal.domain.help import LONGEST_NOTE, kept_words
from portal.domain.identity import Factor, keyed_hash
from portal.domain.keys import Keys
from portal.domain.wording import search_key
from portal.models import AccessLink, Account, Correction, Debtor, Staff
from portal.rules.regions import find_region
from portal.services import call_sessions, evidence
from portal.services.dossier import ReasonMissing
from portal.services.heard_addresses import NobodyOnTheLine
from portal.services.ledger import lock_accounts, lock_row
from portal.services.links import revoke_link, tell_accounts
from portal.services.standing import today_of
from portal.services.words import learn

TYPE = "debtor.corrected"
PLACED = {
    "first_name": ("first_name",),
    "last_name": ("last_name",),
    "date_of_birth": ("date_of_birth_hash",),
    "address_line": ("address_line",),
    "city": ("city",),
    "region": ("region",),
    "postal_code": ("postal_code", "postal_code_hash"),
}
"""The columns that a field stands in and a client's file writes too."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should be on file, who says so, why, and whether letters reached somebody else.

    ``seen``: what was on file when they were asked; None: what is on file now. A field that is as
    it was seen is left alone.
    """

    values: Mapping[str, str]
    source: Source
    reason: str
    old_address_wrong: bool = False
    seen: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Act:
    """A correction while it is written; accounts and debtor are locked."""

    session: Session
    debtor: Debtor
    keys: Keys
    staff: Staff
    now: datetime


def on_file(debtor: Debtor) -> dict[str, str]:
    """What is on file of a debtor, by field; empty where only a hash is."""
    return {name: "" if name in SECRET else getattr(debtor, name) or "" for name in FIELDS}


def changes_of(debtor: Debtor, wanted: Wanted, today: date) -> dict[str, Change]:
    """What would change, by field, from what is on file now. What was left as seen stays as it is.

    Raises NothingCorrected, NameMissing, RegionUnknown, and what ``read`` raises.
    """
    found = dict(_changes(debtor, wanted, today))
    if not found:
        raise NothingCorrected
    return found


def _changes(debtor: Debtor, wanted: Wanted, today: date) -> Iterator[tuple[str, Change]]:
    now_on_file = on_file(debtor)
    seen = now_on_file if wanted.seen is None else wanted.seen
    for name, before in now_on_file.items():
        typed = wanted.values.get(name, "")
        if is_untouched(name, typed, seen.get(name, "")):
            continue
        after = read(name, typed, today)
        if name == "region":
            after = _region(after, debtor.country)
        if name in ("first_name", "last_name") and not after:
            raise NameMissing
        if name in SECRET or after != before:
            yield name, Change(name, before, after)


def _region(typed: str, country: str) -> str:
    found = find_region(typed, country)
    if found is None:
        raise RegionUnknown
    return found.code


def correct(
    session: Session, account: Account, wanted: Wanted, *, keys: Keys, staff: Staff, now: datetime
) -> None:
    """Put the right values on file, on the record of each account; the caller commits.

    What the debtor says counts while they are on the line and known. What proves who they are
    (PR-01) else takes a supervisor. Raises NobodyOnTheLine, ReasonMissing, SupervisorNeeded,
    ChangedMeanwhile, and what ``changes_of`` raises.
    """
    if not (reason := kept_words(wanted.reason, most=LONGEST_NOTE)):
        raise ReasonMissing
    known = call_sessions.verified(session, staff, account, now)
    if wanted.source is Source.DEBTOR and not known:
        raise NobodyOnTheLine
    accounts = lock_accounts(session, account.client_id, account.debtor_id)
    debtor = lock_row(session, Debtor, (account.client_id, account.debtor_id))
    changes = changes_of(debtor, wanted, today_of(debtor, now))
    require_right(changes, wanted.source, staff)
    _require_seen(changes, wanted)
    act = _Act(session, debtor, keys, staff, now)
    for name, one in changes.items():
        _write(act, name, one.after)
    if not changes.keys().isdisjoint(("first_name", "last_name")):
        debtor.name_key = search_key(f"{debtor.first_name} {debtor.last_name}")
        session.flush()
        learn(psycopg_connection(session), debtor.client_id, [debtor.name_key])
    if wanted.old_address_wrong and not changes.keys().isdisjoint(POSTAL):
        _revoke_letters(act)
    if not changes.keys().isdisjoint(PROVES):
        _revoke_codes(act)
    said = {"source": str(wanted.source), "reason": reason, "fields": told(changes)}
    tell_accounts(session, accounts, TYPE, {"actor": evidence.staff(staff.id), **said}, now)


def require_right(changes: Mapping[str, Change], source: Source, staff: Staff) -> None:
    """Let no agent alone change what proves identity, but as the debtor says. SupervisorNeeded."""
    if changes.keys().isdisjoint(PROVES) or source is Source.DEBTOR:
        return
    if not may(staff.role, Permission.SUPERVISE):
        raise SupervisorNeeded


def _require_seen(changes: Mapping[str, Change], wanted: Wanted) -> None:
    """What is overwritten is what its writer saw; of a secret field nobody sees anything."""
    if wanted.seen is None:
        return
    for name, one in changes.items():
        if name not in SECRET and one.before != wanted.seen.get(name, ""):
            raise ChangedMeanwhile


def _write(act: _Act, name: str, after: str) -> None:
    """One field, and what the file had said of it."""
    debtor = act.debtor
    for column in PLACED.get(name, ()):
        _remember(act, column)
    match name:
        case "date_of_birth":
            debtor.date_of_birth_hash = _hashed(debtor, act.keys, Factor.DATE_OF_BIRTH, after)
        case "postal_code":
            debtor.postal_code = after or None
            hashed = after and _hashed(debtor, act.keys, Factor.POSTAL_CODE, after)
            debtor.postal_code_hash = hashed or None
        case "language":
            debtor.language, debtor.language_chosen_at = after, act.now
        case _:
            setattr(debtor, name, after or None)


def _hashed(debtor: Debtor, keys: Keys, factor: Factor, answer: str) -> bytes:
    return keyed_hash(keys.pepper, debtor.client_id, factor, answer)


def _remember(act: _Act, column: str) -> None:
    """Keep what the file said, once: a second correction is of the first, not of the file."""
    value, by = getattr(act.debtor, column), act.staff.id
    row = insert(Correction).values(
        client_id=act.debtor.client_id,
        debtor_id=act.debtor.id,
        field=column,
        placed=value.hex() if isinstance(value, bytes) else value,
        corrected_by=by,
        corrected_at=act.now,
    )
    placed = func.coalesce(Correction.placed, row.excluded.placed)
    again = {"placed": placed, "corrected_by": by, "corrected_at": act.now}
    key = ["client_id", "debtor_id", "field"]
    act.session.execute(row.on_conflict_do_update(index_elements=key, set_=again))


def _revoke_letters(act: _Act) -> None:
    """Close the links that went to a postal address where somebody else lives."""
    _revoke(act, reason="wrong_person")


def _revoke_codes(act: _Act) -> None:
    """Close the codes that staff read aloud: whoever knows one now knows an answer as well."""
    _revoke(act, AccessLink.issued_by.is_not(None), reason="corrected")


def _revoke(act: _Act, *which: ColumnElement[bool], reason: str) -> None:
    actor = evidence.staff(act.staff.id)
    for link in act.session.scalars(
        select(AccessLink)
        .where(
            AccessLink.client_id == act.debtor.client_id,
            AccessLink.debtor_id == act.debtor.id,
            AccessLink.channel == Channel.LETTER,
            AccessLink.revoked_at.is_(None),
            AccessLink.expires_at > act.now,
            *which,
        )
        .order_by(AccessLink.id)
    ):
        revoke_link(act.session, link, reason=reason, actor=actor, now=act.now)
