"""The evidence log: chains of leaves, their payloads, and the documents that were shown."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, of_client


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
    )

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class LeafPayload(Base):
    """What a leaf commits to, and its salt, kept apart so that erasure leaves the log whole."""

    __tablename__ = "leaf_payload"
    __table_args__ = (of_client(),)

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    payload: Mapped[str]
    salt: Mapped[bytes] = mapped_column(LargeBinary)


class Document(Base):
    """Exact bytes that were shown or delivered, under their own hash."""

    __tablename__ = "document"
    __table_args__ = (of_client(),)

    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    media: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
