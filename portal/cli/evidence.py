"""portal evidence: bundles, keys that are wrapped anew, and how long records are kept."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from portal.models import Arrangement
    from portal.services.retention import Record


@click.group()
def evidence() -> None:
    """The evidence log: export an agreement's record, wrap its keys anew, list what may go."""


@evidence.command()
@click.argument("reference")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write, such as evidence-HR-000123.zip.",
)
@click.option("--client", "slug", help="The client, where several have such a reference.")
def export(reference: str, out: Path, slug: str | None) -> None:
    """Write the evidence bundle of the agreement REFERENCE; that it was made is on the record."""
    from portal.certifying import certificate
    from portal.config import load
    from portal.runtime import build_runtime
    from portal.services import evidence as log
    from portal.services.exports import Outside
    from portal.services.exports import export as bundle

    runtime = build_runtime(load(), worker=True)
    outside = Outside(runtime.signer, certificate, runtime.settings.base_url)
    with runtime.sessions() as session:
        agreed = _find(session, reference, slug)
        actor = log.SYSTEM | {"id": f"command:{getpass.getuser()}"}
        made = bundle(session, agreed, outside, actor=actor, now=runtime.clock.now())
    out.write_bytes(made.body)
    click.echo(f"{out}: {len(made.body):,} bytes. Check it with: python3 verify.py {out.name}")


def _find(session: Session, reference: str, slug: str | None) -> Arrangement:
    """The one arrangement with this reference; leaves its client as the session's."""
    from portal.db import set_tenant
    from portal.services.clients import clients
    from portal.services.exports import find_arrangement

    known = clients(session)
    if slug is not None and slug not in known:
        raise click.ClickException(f"There is no client {slug}. Known: {', '.join(known)}.")
    found: list[tuple[UUID, Arrangement]] = []
    for name, client_id in known.items():
        if slug in (None, name):
            set_tenant(session, client_id)
            if agreed := find_arrangement(session, client_id, reference):
                found.append((client_id, agreed))
    if not found:
        raise click.ClickException(f"There is no agreement {reference}.")
    if len(found) > 1:
        raise click.ClickException(f"Several clients have {reference}: say which by --client.")
    set_tenant(session, found[0][0])
    return found[0][1]


@evidence.command()
@click.option("--client", "slug", required=True, help="The client whose log lost entries.")
@click.option("--reason", required=True, help="What happened; it is on the record for good.")
@click.confirmation_option(prompt="Entries that were signed are lost for good. Go on?")
def restart(slug: str, reason: str) -> None:
    """Sign a log anew that cannot continue what was signed, such as after a database was lost."""
    from portal.config import load
    from portal.db import set_tenant
    from portal.runtime import build_runtime
    from portal.services import evidence as log
    from portal.services.clients import clients
    from portal.services.succession import begin_anew

    runtime = build_runtime(load(), worker=True)
    actor = log.SYSTEM | {"id": f"command:{getpass.getuser()}"}
    with runtime.sessions() as session:
        known = clients(session)
        if slug not in known:
            raise click.ClickException(f"There is no client {slug}. Known: {', '.join(known)}.")
        set_tenant(session, known[slug])
        at = runtime.clock.now()
        seen = begin_anew(session, known[slug], runtime.signer, reason=reason, actor=actor, now=at)
    before = f"{seen.head.size:,} entries had been signed" if seen else "nothing had been signed"
    click.echo(f"The log is signed anew; {before}. Send the client word of it.")


@evidence.command()
def rewrap() -> None:
    """Wrap every key with the newest master key, so that older ones may leave EVIDENCE_KEY."""
    from portal.config import load
    from portal.db import commit, set_tenant
    from portal.runtime import build_runtime
    from portal.services import second_steps
    from portal.services.clients import clients
    from portal.services.sealing import rewrap as wrap_again

    runtime, total = build_runtime(load(), worker=True), 0
    with runtime.sessions() as session:
        total += second_steps.rewrap(session)
        commit(session, "staff.rewrapped")
        for client_id in clients(session).values():
            set_tenant(session, client_id)
            while done := wrap_again(session, client_id):
                commit(session, "evidence.rewrapped")
                total += done
    click.echo(f"{total:,} keys are wrapped with the newest master key.")


@evidence.command()
@click.option("--client", "slug", required=True, help="The client, such as northgate.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="A day to come; today without.")
@click.option(
    "--limitation/--no-limitation",
    default=True,
    help="Keep records until the limitation period of their debt is over, too.",
)
def retention(slug: str, as_of: datetime | None, *, limitation: bool) -> None:
    """List the records whose last day has passed, and what holds them back; erases nothing."""
    from portal.config import load
    from portal.db import set_tenant
    from portal.models import Client
    from portal.runtime import build_runtime
    from portal.services.clients import clients
    from portal.services.retention import Asked, over, today_of_client

    runtime = build_runtime(load(), worker=True)
    with runtime.sessions() as session:
        known = clients(session)
        if slug not in known:
            raise click.ClickException(f"There is no client {slug}. Known: {', '.join(known)}.")
        set_tenant(session, known[slug])
        client, now = session.get_one(Client, known[slug]), runtime.clock.now()
        day = as_of.date() if as_of else today_of_client(client, now)
        found = held = 0
        for one in over(session, Asked(client, day, now, limitation)):
            click.echo(_line(one))
            found, held = found + 1, held + bool(one.term.held_by)
    click.echo(f"{found:,} records have passed their last day by {day}; {held:,} are held back.")


def _line(record: Record) -> str:
    term = record.term
    held = f"held back by {', '.join(term.held_by)}" if term.held_by else "may be erased"
    kept = f"{record.leaves} leaves, {record.documents} documents"
    until = f"last activity {record.last_activity_on}, kept until {term.last_day}"
    return f"{record.reference}: {until} ({term.decided_by.rule}), {kept}: {held}"
