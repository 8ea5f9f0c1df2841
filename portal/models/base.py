"""What every table shares: identifiers, times, constraint names, and the client that owns a row."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Enum, ForeignKeyConstraint, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from portal.domain.ids import new_id
from portal.domain.money import Cents

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Json = dict[str, Any]


class Base(DeclarativeBase):
    """Typed columns: aware times, text without a length, cents as bigint, documents as jsonb."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        str: Text(),
        UUID: Uuid(),
        Cents: BigInteger(),
        Json: JSONB(),
        StrEnum: Enum(
            StrEnum,
            native_enum=False,
            length=40,
            values_callable=lambda kind: [member.value for member in kind],
        ),
    }


class _Ids:
    """Where new identifiers come from; the battery puts its own clock and random source here."""

    now_ms: Callable[[], int] = staticmethod(lambda: time.time_ns() // 1_000_000)
    randbytes: Callable[[int], bytes] = staticmethod(os.urandom)


ids = _Ids()


def fresh_id() -> UUID:
    """A new UUIDv7, from the injected sources."""
    return new_id(ids.now_ms(), ids.randbytes)


def utc(at: datetime) -> datetime:
    """The same instant in UTC, for times that come back from the database."""
    return at.astimezone(UTC)


class Owned:
    """A row of one client: its key begins with the client; row-level security hides the rest."""

    client_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-2)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=fresh_id, sort_order=-1)


def of_client() -> ForeignKeyConstraint:
    """The row's client exists."""
    return ForeignKeyConstraint(["client_id"], ["client.id"])


def belongs_to(table: str, column: str | None = None) -> ForeignKeyConstraint:
    """The row points at a row of the same client, whatever row-level security would show."""
    return ForeignKeyConstraint(
        ["client_id", column or f"{table}_id"], [f"{table}.client_id", f"{table}.id"]
    )
