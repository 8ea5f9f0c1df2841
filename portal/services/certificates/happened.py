"""When and how somebody agreed, and by which act."""

from collections.abc import Iterator
from datetime import datetime

from portal.domain import N_, labels
from portal.domain.evidence import parse_time
from portal.services.certificates.parts import (
    Exact,
    Moment,
    Notes,
    Row,
    Rows,
    Said,
    Section,
    Table,
    Tongue,
    Utc,
    Zone,
    quote,
    say,
)
from portal.services.evidence import Payload
from portal.services.timeline import Words

ACTS = {
    "click": N_("The button was pressed."),
    "typed_name": N_("A name was typed in, and the button was pressed."),
}


def when(record: Payload, kept_at: datetime, made_at: datetime) -> Section:
    """Each step with its time, in the debtor's time and in UTC."""
    zone = Zone(record["visit"]["time_zone"])
    table = Table(
        caption=say(N_("Local times: %(zone)s"), zone=zone),
        head=(say(N_("What happened")), say(N_("Local time")), "UTC"),
        rows=tuple((what, Moment(at), Utc(at)) for what, at in _steps(record, kept_at, made_at)),
    )
    return Section(say(N_("When it happened")), (table,))


def _steps(
    record: Payload, kept_at: datetime, made_at: datetime
) -> Iterator[tuple[Words, datetime]]:
    link, identity = record["link"], record["party"]["identity"]
    accepted_at = parse_time(record["assent"]["accepted_at"])
    yield say(N_("The link was made")), parse_time(link["issued_at"])
    if link["first_passed_at"] < identity["passed_at"]:
        first = N_("The identity check was first passed with this link")
        yield say(first), parse_time(link["first_passed_at"])
    yield say(N_("The identity check was passed")), parse_time(identity["passed_at"])
    yield say(N_("The exact terms were shown")), parse_time(record["review"]["shown_at"])
    yield say(N_("The button was pressed")), accepted_at
    if kept_at != accepted_at:
        yield say(N_("The record was written")), kept_at
    yield say(N_("This certificate was made")), made_at


def how(record: Payload) -> Section:
    """The link and its way, the device, and the language of the page."""
    link, visit = record["link"], record["visit"]
    by_system = link["issued_by"] == "system"
    by = N_("Made by the portal") if by_system else N_("Made by a member of staff")
    channel = say(labels.CHANNELS.get(link["channel"], link["channel"]))
    rows = [
        Row(say(N_("Link sent by")), (channel, say(by), Exact(link["id"]))),
        Row(say(N_("Device, as it names itself")), (Exact(visit["user_agent"] or "–"),)),
        Row(say(N_("Language of the page")), (Tongue(visit["locale"]),)),
        Row(say(N_("Version of the portal")), (Exact(record["assent"]["build"]),)),
    ]
    if "address_sha256" in link:
        hidden = say(N_("Kept as a fingerprint only"))
        where = Row(say(N_("Address that it went to")), (hidden, Exact(link["address_sha256"])))
        rows.insert(1, where)
    return Section(say(N_("How it happened")), (Rows(tuple(rows)),))


def intent(record: Payload) -> Section:
    """What was pressed, ticked and typed, and that nothing was so before."""
    assent = record["assent"]
    button = (quote(assent["control_label"]), Exact(assent["control_sha256"]))
    rows = (
        Row(say(N_("Words of the button")), button),
        Row(say(N_("What was done")), (say(ACTS.get(assent["act"], assent["act"])),)),
        Row(say(N_("Ticked")), tuple(_ticked(assent))),
        Row(say(N_("Typed")), _typed(assent)),
    )
    before = [say(N_("Nothing was ticked or filled in before."))]
    notes = Notes(tuple(before if assent["default_unchecked"] else ()))
    return Section(say(N_("How the choice was made")), (Rows(rows), notes))


def _ticked(assent: Payload) -> Iterator[Said]:
    yield from (quote(label) for label in assent["ticked"])
    if not assent["ticked"]:
        yield say(N_("There was nothing to tick."))


def _typed(assent: Payload) -> tuple[Said, ...]:
    return (quote(assent["typed"]) if "typed" in assent else say(N_("There was nothing to type.")),)
