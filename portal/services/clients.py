"""Clients: how one is added, and how they are found before any client is known."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain import N_, DomainError, compiler, hours, theme
from portal.domain.debts import CollectorRole
from portal.domain.identity import Factor
from portal.domain.neutral import pretending_words, revealing_word
from portal.domain.policy import Policy
from portal.domain.sms import sms_text_fits
from portal.models import Client, fresh_id
from portal.models.base import Json
from portal.rules.emails import parse_email
from portal.services.policies import publish_policy

COUNTRIES = {"US": "USD", "CA": "CAD"}
LANGUAGES = ("en", "es", "fr")
LONGEST_SENDER = 22  # a text message with the link still fits one segment
LONGEST_LINK_DAYS = 90
LONGEST_ANSWER_DAYS = 30
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class ClientUnsuitable(DomainError):
    """What is wrong with a new client or its offer policy, each point in ``problems``."""

    message = N_("The client cannot be added: %(problems)s")

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems=" ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """Who shall place accounts, and how debtors are to be told of it.

    ``sender_name``, ``street_address`` and ``phone`` stand on pages before identity is verified,
    so they must not give collection away. Debtors are written to in the first language unless
    their account says otherwise; identity is asked for in the order of ``identity_factors``.
    ``phone_hours`` are words that everybody reads, or words for each language.
    ``sms_registration`` names the brand and campaign that carriers know its texts by (EC-07).
    """

    slug: str
    legal_name: str
    trade_name: str
    sender_name: str
    street_address: str
    phone: str
    phone_hours: str | dict[str, str]
    email: str
    country: str
    currency: str
    time_zone: str
    collector_role: CollectorRole
    languages: tuple[str, ...]
    identity_factors: tuple[Factor, ...]
    license_line: str | None = None
    brand_color: str = theme.NEUTRAL
    action_color: str | None = None
    link_days: int = 14
    identity_codes: bool = True
    sms_enabled: bool = False
    sms_registration: str | None = None
    answer_working_days: int = 3
    placement_defaults: Json = field(default_factory=dict)
    header_synonyms: Json = field(default_factory=dict)


def clients(session: Session) -> Mapping[str, UUID]:
    """The id of every client by its slug: periodic jobs fan out over them."""
    rows = session.execute(text("SELECT slug, client_id FROM resolve_clients()"))
    return {row.slug: row.client_id for row in rows}


def add_client(session: Session, new: NewClient, policy: Policy, *, now: datetime) -> Client:
    """A client with the first version of its offer policy; the session sees it from now on.

    The caller commits. Raises ClientUnsuitable with every problem at once.
    """
    client = _row(new, now)
    problems = list(_problems(new, client, policy))
    if new.slug in clients(session):
        problems.append(f"slug: there is a client {new.slug} already.")
    if problems:
        raise ClientUnsuitable(problems)
    set_tenant(session, client.id)
    session.add(client)
    session.flush()
    publish_policy(session, client.id, policy, by=None, now=now)
    return client


def _row(new: NewClient, now: datetime) -> Client:
    given = asdict(new)
    lists = {name: [str(one) for one in given[name]] for name in ("languages", "identity_factors")}
    given["phone_hours"] = hours.as_kept(new.phone_hours)
    return Client(id=fresh_id(), created_at=now, **given | lists)


def _problems(new: NewClient, client: Client, policy: Policy) -> Iterator[str]:
    yield from _of_names(new)
    yield from _of_place(new)
    yield from _of_dealing(new)
    yield from _of_files(new, client)
    if policy.currency != new.currency:
        yield f"policy: its currency is {policy.currency}, and the client's {new.currency}."
    for problem in compiler.check(policy):
        yield f"policy: {problem}"


def _of_names(new: NewClient) -> Iterator[str]:
    if not _SLUG.fullmatch(new.slug):
        yield f"slug: {new.slug!r} is not small letters, digits and hyphens."
    for name in ("legal_name", "trade_name", "sender_name", "street_address"):
        if not getattr(new, name).strip():
            yield f"{name}: it is empty."
    yield from _of_hours(new)
    yield from _of_neutral_lines(new)
    if parse_email(new.email) is None:
        yield f"email: {new.email!r} is not an address."
    if sum(sign.isdigit() for sign in new.phone) < 10:
        yield f"phone: {new.phone!r} is not a number such as 1-800-555-0100."


def _of_neutral_lines(new: NewClient) -> Iterator[str]:
    if len(new.sender_name) > LONGEST_SENDER or not sms_text_fits(new.sender_name):
        yield (
            f"sender_name: a text message has room for {LONGEST_SENDER} characters of the GSM"
            " alphabet."
        )
    law_firm = new.collector_role == CollectorRole.LAW_FIRM
    if words := pretending_words(new.sender_name, legal_name=new.legal_name, law_firm=law_firm):
        yield f"sender_name: {words!r} pretends urgency or an authority (TX-02)."
    for name in ("sender_name", "street_address"):
        if word := revealing_word(getattr(new, name)):
            yield f"{name}: {word!r} tells of a debt before identity is verified (EC-08)."


def _of_hours(new: NewClient) -> Iterator[str]:
    given = new.phone_hours
    by_language = {"en": given} if isinstance(given, str) else given
    if not by_language or not all(said.strip() for said in by_language.values()):
        yield "phone_hours: they are empty."
    if unknown := sorted(set(by_language) - set(LANGUAGES)):
        yield f"phone_hours: {unknown[0]!r} is not one of {', '.join(LANGUAGES)}."


def _of_place(new: NewClient) -> Iterator[str]:
    if new.country not in COUNTRIES:
        yield f"country: {new.country!r} is not one of {', '.join(COUNTRIES)}."
    if new.currency not in COUNTRIES.values():
        yield f"currency: {new.currency!r} is not one of {', '.join(COUNTRIES.values())}."
    if new.time_zone not in available_timezones():
        yield f"time_zone: {new.time_zone!r} is not one such as America/New_York."
    if not new.languages or not set(new.languages) <= set(LANGUAGES):
        yield f"languages: at least one of {', '.join(LANGUAGES)}."


def _of_dealing(new: NewClient) -> Iterator[str]:
    if not new.identity_factors:
        yield f"identity_factors: at least one of {', '.join(Factor)}."
    if not 1 <= new.link_days <= LONGEST_LINK_DAYS:
        yield f"link_days: {new.link_days} is not from 1 to {LONGEST_LINK_DAYS}."
    if not 1 <= new.answer_working_days <= LONGEST_ANSWER_DAYS:
        yield f"answer_working_days: {new.answer_working_days} is not from 1 to 30."
    if new.sms_enabled and not new.sms_registration:
        yield (
            "sms_registration: text messages need the ids of the brand and the campaign that are"
            " registered with the carriers (EC-07)."
        )
    yield from _of_colors(new)


def _of_colors(new: NewClient) -> Iterator[str]:
    given = {"brand_color": new.brand_color, "action_color": new.action_color or theme.NEUTRAL}
    for name, value in given.items():
        try:
            theme.color(value)
        except theme.NotAColor:
            yield f"{name}: {value!r} is not a color such as {theme.NEUTRAL}."


def _of_files(new: NewClient, client: Client) -> Iterator[str]:
    # Everybody finds clients; only who adds one pays for these.
    from portal.services.placements.defaults import DefaultsUnclear, defaults_of  # noqa: PLC0415
    from portal.services.placements.headers import FIELDS  # noqa: PLC0415

    try:
        if new.currency in COUNTRIES.values() and new.languages:
            defaults_of(client)
    except DefaultsUnclear as error:
        yield f"placement_defaults: {error.params['why']}."
    for column, name in new.header_synonyms.items():
        if name not in FIELDS:
            yield f"header_synonyms: {column!r} stands for {name!r}, which is no field."
