"""The evidence log: chains of leaves, their payloads, and the documents that were shown."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Owned, belongs_to, of_client


class Chain(Base):
    """The head of one chain (an account's, or its client's own): the next leaf builds on it."""

    __tablename__ = "chain"
    __table_args__ = (of_client(),)

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int]
    at: Mapped[datetime]
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Leaf(Base):
    """One entry of the evidence log, append-only; ``body`` is stored as it was hashed."""

    __tablename__ = "leaf"
    __table_args__ = (
        of_client(),
        CheckConstraint("octet_length(hash) = 32", name="hash_length"),
        Index("ix_leaf_at", "client_id", "at"),
        Index("ix_leaf_export", "client_id", "at", postgresql_where=text("type = 'export.made'")),
    )

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class ChainKey(Owned, Base):
    """What one chain's payloads and documents are sealed with, wrapped by a master key.

    ``sealed`` is gone once the record was erased; later leaves of the chain get another key.
    """

    __tablename__ = "chain_key"
    __table_args__ = (
        of_client(),
        Index("ix_chain_key_chain", "client_id", "chain_id"),
        Index(
            "ix_chain_key_destroyed",
            "client_id",
            "chain_id",
            postgresql_where=text("destroyed_at IS NOT NULL"),
        ),
        CheckConstraint("(sealed IS NULL) = (destroyed_at IS NOT NULL)", name="destroyed"),
    )

    chain_id: Mapped[UUID]
    master: Mapped[str]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    destroyed_at: Mapped[datetime | None]


class LeafPayload(Base):
    """The salt and the payload that a leaf commits to, sealed, so that erasure leaves the log."""

    __tablename__ = "leaf_payload"
    __table_args__ = (of_client(), belongs_to("chain_key", "key_id"))

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[UUID]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Document(Base):
    """Exact bytes that were shown or delivered, under their own hash, sealed with their chain."""

    __tablename__ = "document"
    __table_args__ = (of_client(), belongs_to("chain_key", "key_id"))

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    key_id: Mapped[UUID]
    media: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class PendingLeaf(Base):
    """A leaf that has no place in the tree yet; the sequencer takes it away with its place."""

    __tablename__ = "pending_leaf"
    __table_args__ = (of_client(),)

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)


class LeafPosition(Base):
    """The place of a leaf in its client's tree, counted from 0."""

    __tablename__ = "leaf_position"
    __table_args__ = (of_client(), UniqueConstraint("client_id", "chain_id", "n"))

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    chain_id: Mapped[UUID]
    n: Mapped[int]


class TreeNode(Base):
    """The hash of a complete subtree of ``2**level`` leaves, from level 1 up."""

    __tablename__ = "tree_node"
    __table_args__ = (of_client(),)

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class StoredCheckpoint(Base):
    """A signed head of a client's tree, as it was published."""

    __tablename__ = "checkpoint"
    __table_args__ = (of_client(),)

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str]
    signed_at: Mapped[datetime]


class LogKey(Base):
    """A public key that signed checkpoints of a client's log, as the line that is published."""

    __tablename__ = "log_key"
    __table_args__ = (of_client(),)

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[str] = mapped_column(primary_key=True)
    first_at: Mapped[datetime]


class EvidenceCheck(Owned, Base):
    """One run over a client's record: of all of it, or of the chains with new leaves.

    ``size``: how many leaves of the tree have been looked at; ``broken``: places that did not hold.
    """

    __tablename__ = "evidence_check"
    __table_args__ = (of_client(), Index("ix_evidence_check_at", "client_id", "at"))

    whole: Mapped[bool]
    size: Mapped[int] = mapped_column(BigInteger)
    broken: Mapped[int]
    at: Mapped[datetime]


class EvidenceAlarm(Owned, Base):
    """An invariant that does not hold at one place; open until somebody answered for it.

    What was cleared is not raised again: ``seen_at`` says whether it still does not hold.
    """

    __tablename__ = "evidence_alarm"
    __table_args__ = (of_client(), UniqueConstraint("client_id", "invariant", "place"))

    invariant: Mapped[str]
    place: Mapped[str]
    found_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    cleared_by: Mapped[UUID | None]
    reason: Mapped[str | None]
