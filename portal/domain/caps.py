"""How often a debtor may be reached (CT-05)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from portal.domain.channels import Channel

WEEK = timedelta(hours=168)
DAY = timedelta(hours=24)
EVERY_CHANNEL = frozenset(Channel)
ELECTRONIC = frozenset({Channel.EMAIL, Channel.SMS})


class Per(StrEnum):
    """What contacts are counted for: a person, or one of their debts."""

    PERSON = "person"
    DEBT = "debt"


@dataclass(frozen=True, slots=True)
class ContactCap:
    """The most contacts in a rolling span, on the channels that count and are bound by it."""

    most: int
    span: timedelta = WEEK
    per: Per = Per.PERSON
    channels: frozenset[Channel] = EVERY_CHANNEL


PRODUCT_CAPS = (ContactCap(3), ContactCap(1, DAY, channels=ELECTRONIC))
"""What binds everywhere: three contacts in seven days, one electronic message in one."""


@dataclass(frozen=True, slots=True)
class MadeContact:
    """One contact that was made: when, by which way, about which account; None: about all.

    ``channel`` is None for a telephone call, which counts where every channel does.
    """

    at: datetime
    channel: Channel | None
    account: UUID | None = None


def next_contact(
    made: Iterable[MadeContact],
    now: datetime,
    *,
    channel: Channel | None,
    accounts: Collection[UUID] = (),
    caps: Iterable[ContactCap] = PRODUCT_CAPS,
) -> datetime:
    """The first instant from ``now`` on at which one more contact stays within every cap (CT-05).

    ``made`` are the contacts with one person, without answers and the copies that the law requires.
    ``accounts`` are those that the new one is about.
    """
    counted = list(made)
    bound = [cap for cap in caps if _counts(channel, cap)]
    return max([now, *(_free_at(counted, cap, accounts, now) for cap in bound)])


def _counts(channel: Channel | None, cap: ContactCap) -> bool:
    return cap.channels == EVERY_CHANNEL if channel is None else channel in cap.channels


def _free_at(
    made: list[MadeContact], cap: ContactCap, accounts: Collection[UUID], now: datetime
) -> datetime:
    heard = [one for one in made if _counts(one.channel, cap)]
    if cap.per is Per.PERSON:
        return _after([one.at for one in heard], cap, now)
    of_each = [[one.at for one in heard if one.account in (None, debt)] for debt in accounts]
    return max((_after(times, cap, now) for times in of_each), default=now)


def _after(times: list[datetime], cap: ContactCap, now: datetime) -> datetime:
    return sorted(times)[-cap.most] + cap.span if len(times) >= cap.most else now
