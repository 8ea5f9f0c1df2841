"""Access links: short signed tokens that name a row; the row decides who, until when, and whether.

A token is the link's public id (12 random characters of base 62, 71 bits) and an HMAC-SHA256 cut
to 80 bits: somebody without the key guesses an existing, rightly signed one with a chance of
2^-151 a try, somebody with a copy of the database still needs the 80 bits, each at the price of a
request. 27 characters leave an SMS room for its words within one segment.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from itsdangerous import BadSignature
from itsdangerous.signer import HMACAlgorithm, Signer
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain import N_, DomainError, codes
from portal.domain.keys import Keys
from portal.models import AccessLink, Account, Channel, Client, Contact, Debtor
from portal.models.base import fresh_id, ids
from portal.services import evidence
from portal.services.bulk import write_rows
from portal.services.evidence import Actor, Payload
from portal.services.standing import standing

ID_LENGTH = 12
MAC_BYTES = 10
TOKEN_LENGTH = ID_LENGTH + 1 + 14
ACCESS, PAYER = b"portal.link.v1", b"portal.payer.v1"
"""What a token is for: one that was signed for one purpose opens nothing else."""
ISSUE_TRIES = 8
ON_PAPER = timedelta(days=10)
"""How much longer the link of a letter lasts, which is posted and delivered before it is read."""

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN = re.compile(r"[0-9A-Za-z]{12}\.[0-9A-Za-z_-]{14}", re.ASCII)
_NO_TOKEN = f"{'0' * ID_LENGTH}.{'A' * 14}"
_NO_CODE = "0" * codes.LETTER_CODE_LENGTH

_RESOLVE_LINK = text("SELECT client_id, link_id FROM resolve_link(:wanted)")
_RESOLVE_CODE = text("SELECT client_id, link_id FROM resolve_link_code(:wanted)")


class NoLinkAllowed(DomainError):
    """No account of the debtor may have a link now (SC-04); ``rules`` says why."""

    message = N_("No link can be sent now (%(rules)s).")


class LinkState(StrEnum):
    """What has become of a link."""

    LIVE = "live"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A new link: its row, what goes into the address, the address, and the code for a letter."""

    link: AccessLink
    token: str
    url: str
    code: str


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """A link that somebody holds rightly signed, with whom it leads to."""

    link: AccessLink
    debtor: Debtor
    client: Client
    state: LinkState


class _ShortHmac(HMACAlgorithm):
    """HMAC-SHA256 cut to its first ten bytes."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return super().get_signature(key, value)[:MAC_BYTES]


@lru_cache(8)
def _signer(keys: Keys, salt: bytes = ACCESS) -> Signer:
    return Signer(
        keys.oldest_first(),
        salt=salt,
        key_derivation="hmac",
        digest_method=hashlib.sha256,
        algorithm=_ShortHmac(hashlib.sha256),
    )


def random_public_id(randbytes: Callable[[int], bytes]) -> str:
    """Twelve random characters of base 62, 71 bits."""
    number = int.from_bytes(randbytes(16), "big")
    symbols = []
    for _ in range(ID_LENGTH):
        number, place = divmod(number, len(_BASE62))
        symbols.append(_BASE62[place])
    return "".join(symbols)


def token_of(keys: Keys, link: AccessLink) -> str:
    """The token of a link under the newest key; older tokens of it stay good."""
    return token_of_id(keys, link.public_id)


def token_of_id(keys: Keys, public_id: str, *, purpose: bytes = ACCESS) -> str:
    """The same by the link's public id alone."""
    return _signer(keys, purpose).sign(public_id).decode()


def url_of(keys: Keys, link: AccessLink) -> str:
    """The address that goes into a message."""
    return f"{keys.base_url}/l/{token_of(keys, link)}"


def code_of(keys: Keys, link: AccessLink) -> str:
    """The link's code as a letter prints it and staff read it out: K7MP-42XD, 40 bits."""
    return codes.spaced(_letter_code(keys, link.public_id))


def _letter_code(keys: Keys, public_id: str) -> str:
    derived = keys.peppered("letter code", public_id.encode())
    return codes.letter_code(lambda size: derived[:size])


def _code_hash(keys: Keys, code: str) -> bytes:
    return keys.peppered("letter code hash", code.encode())


def issue_link(
    session: Session,
    debtor: Debtor,
    *,
    keys: Keys,
    contact: Contact | None = None,
    issued_by: UUID | None = None,
    now: datetime,
) -> IssuedLink:
    """Make a link for a contact of the debtor, or one to be read aloud where ``contact`` is None.

    One leaf on each account's chain. Raises NoLinkAllowed where no account may have one (SC-04).
    """
    values: dict[str, object] = {
        "contact_id": contact and contact.id,
        "channel": contact.channel if contact else Channel.LETTER,
        "issued_by": issued_by,
    }
    return _issue(session, debtor, keys, values, now)


def issue_on_paper(session: Session, debtor: Debtor, *, keys: Keys, now: datetime) -> IssuedLink:
    """Make the link of a letter that is printed now; it lasts ten days more, for the post.

    Like `issue_link`.
    """
    values: dict[str, object] = {"contact_id": None, "channel": Channel.LETTER, "issued_by": None}
    return _issue(session, debtor, keys, values, now, longer=ON_PAPER)


def _issue(
    session: Session,
    debtor: Debtor,
    keys: Keys,
    values: dict[str, object],
    now: datetime,
    longer: timedelta = timedelta(0),
) -> IssuedLink:
    accounts = accounts_of(session, debtor)
    require_link(session, accounts, now=now)
    client = session.get_one(Client, debtor.client_id)
    common: dict[str, object] = {
        "client_id": debtor.client_id,
        "debtor_id": debtor.id,
        "locale": debtor.language,
        "issued_at": now,
        "expires_at": now + timedelta(days=client.link_days) + longer,
    }
    link = _insert(session, keys, common | values)
    actor = evidence.staff(link.issued_by) if link.issued_by else evidence.SYSTEM
    told = {"actor": actor, "link": str(link.id), "channel": str(link.channel)}
    told["expires_at"] = link.expires_at.isoformat()
    tell_accounts(session, accounts, "link.issued", told, now)
    return IssuedLink(link, token_of(keys, link), url_of(keys, link), code_of(keys, link))


def issue_links(
    session: Session,
    contacts: Sequence[tuple[Debtor, Contact]],
    *,
    keys: Keys,
    issued_by: UUID | None = None,
    now: datetime,
) -> dict[UUID, UUID]:
    """Make links for many contacts of one client in one statement; link ids by contact ids.

    Whether each may have one is the caller's question, and so is the one leaf over all of them.
    """
    if not contacts:
        return {}
    client = session.get_one(Client, contacts[0][0].client_id)
    wanted: dict[UUID, dict[str, object]] = {
        contact.id: {
            "client_id": client.id,
            "debtor_id": debtor.id,
            "contact_id": contact.id,
            "channel": contact.channel,
            "locale": debtor.language,
            "issued_at": now,
            "issued_by": issued_by,
            "expires_at": now + timedelta(days=client.link_days),
        }
        for debtor, contact in contacts
    }
    made: dict[UUID, UUID] = {}
    for _ in range(ISSUE_TRIES):
        rows = [_named(keys, values) for key, values in wanted.items() if key not in made]
        if not rows:
            return made
        made |= dict(write_rows(session, "access_link", rows, returning=("contact_id", "id")))
    raise RuntimeError("the random source repeats itself: no free public id")


def _insert(session: Session, keys: Keys, values: dict[str, object]) -> AccessLink:
    session.flush()
    for _ in range(ISSUE_TRIES):  # the codes of letters have 40 bits: among a million, some meet
        row = insert(AccessLink).values(_named(keys, values))
        made = session.scalars(row.on_conflict_do_nothing().returning(AccessLink))
        if link := made.one_or_none():
            return link
    raise RuntimeError("the random source repeats itself: no free public id")


def _named(keys: Keys, values: dict[str, object]) -> dict[str, object]:
    """The values of a link's row with a new public id and the hash of the code that follows."""
    public_id = random_public_id(ids.randbytes)
    code_hash = _code_hash(keys, _letter_code(keys, public_id))
    return values | {"id": fresh_id(), "public_id": public_id, "code_hash": code_hash}


def accounts_of(session: Session, debtor: Debtor) -> Sequence[Account]:
    """The accounts of a debtor, in the order in which everybody locks them."""
    return session.scalars(
        select(Account)
        .where(Account.client_id == debtor.client_id, Account.debtor_id == debtor.id)
        .order_by(Account.id)
    ).all()


def require_link(session: Session, accounts: Sequence[Account], *, now: datetime) -> None:
    """Go on only if one account at least may have a link (SC-04). Raises NoLinkAllowed."""
    verdicts = [standing(session, account, now).link for account in accounts]
    if not any(verdict.allowed for verdict in verdicts):
        rules = dict.fromkeys(rule for verdict in verdicts for rule in verdict.rules)
        raise NoLinkAllowed(rules=", ".join(rules) or "SC-04")


def open_token(session: Session, token: str, *, keys: Keys, now: datetime) -> OpenedLink | None:
    """The link that a token names, with the session scoped to its client; writes nothing.

    None for every token that we did not sign, or whose link does not exist: they cannot be told
    apart, and cost the same look-ups.
    """
    public_id = id_of_token(keys, token)
    found = session.execute(_RESOLVE_LINK, {"wanted": public_id or ""}).one_or_none()
    return _load(session, found.client_id, found.link_id, now) if public_id and found else None


def id_of_token(keys: Keys, token: str, *, purpose: bytes = ACCESS) -> str | None:
    """The public id of a token that we signed for this, in its one canonical spelling."""
    whole = _TOKEN.fullmatch(token) is not None
    try:
        public_id = _signer(keys, purpose).unsign((token if whole else _NO_TOKEN).encode()).decode()
    except BadSignature:
        return None
    return public_id if token[-1] in "AQgw" else None


def open_code(session: Session, typed: str, *, keys: Keys, now: datetime) -> OpenedLink | None:
    """The link whose letter has this code, however it is typed; the session sees its client."""
    code = codes.normalize_letter_code(typed)
    wanted = _code_hash(keys, code or _NO_CODE)
    found = session.execute(_RESOLVE_CODE, {"wanted": wanted}).one_or_none()
    return _load(session, found.client_id, found.link_id, now) if code and found else None


def load_link(session: Session, client_id: UUID, link_id: UUID, now: datetime) -> OpenedLink:
    """A link by its ids, for jobs; the session sees its client from now on."""
    return _load(session, client_id, link_id, now)


def _load(session: Session, client_id: UUID, link_id: UUID, now: datetime) -> OpenedLink:
    set_tenant(session, client_id)
    link, debtor, client = session.execute(
        select(AccessLink, Debtor, Client)
        .join(
            Debtor,
            (Debtor.client_id == AccessLink.client_id) & (Debtor.id == AccessLink.debtor_id),
        )
        .join(Client, Client.id == AccessLink.client_id)
        .where(AccessLink.client_id == client_id, AccessLink.id == link_id)
    ).one()
    return OpenedLink(link, debtor, client, state_of(link, now))


def state_of(link: AccessLink, now: datetime) -> LinkState:
    """Whether a link opens now; one that was revoked says so even after it expired."""
    if link.revoked_at is not None:
        return LinkState.REVOKED
    return LinkState.LIVE if now < link.expires_at else LinkState.EXPIRED


def revoke_link(
    session: Session, link: AccessLink, *, reason: str, actor: Actor, now: datetime
) -> None:
    """Close a link for good, on the record; its visits end at their next request.

    A link that was revoked before stays as it is.
    """
    session.refresh(link, with_for_update=True)
    if link.revoked_at is not None:
        return
    link.revoked_at, link.revoked_reason = now, reason
    debtor = session.get_one(Debtor, (link.client_id, link.debtor_id))
    told: Payload = {"actor": actor, "link": str(link.id), "reason": reason}
    tell_accounts(session, accounts_of(session, debtor), "link.revoked", told, now)


def revoke_all(
    session: Session, debtor: Debtor, *, reason: str, actor: Actor, now: datetime
) -> int:
    """Close every link of a debtor that still opens; how many these were. The caller commits."""
    live = session.scalars(
        select(AccessLink)
        .where(
            AccessLink.client_id == debtor.client_id,
            AccessLink.debtor_id == debtor.id,
            AccessLink.revoked_at.is_(None),
            AccessLink.expires_at > now,
        )
        .order_by(AccessLink.id)
    ).all()
    for link in live:
        revoke_link(session, link, reason=reason, actor=actor, now=now)
    return len(live)


def tell_accounts(
    session: Session, accounts: Sequence[Account], kind: str, payload: Payload, now: datetime
) -> None:
    """Write one leaf on the chain of each account."""
    for account in accounts:
        evidence.record(
            session,
            client_id=account.client_id,
            chain_id=account.chain_id,
            type=kind,
            payload=dict(payload),
            now=now,
        )
