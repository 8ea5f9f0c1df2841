"""portal reconcile, portal verify: money and evidence against Stripe and against the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SHOWN = 20


@click.command()
def reconcile() -> None:
    """Go over Stripe's objects since the last time and finish every attempt that hangs.

    What cannot be taken over is named, tried again at each run, and lets this exit with code 1.
    """
    from portal.config import load
    from portal.gateways.payments import GatewayError
    from portal.runtime import build_runtime
    from portal.services import reconcile as service
    from portal.services.clients import clients

    runtime = build_runtime(load(), worker=True)
    with runtime.sessions() as session:
        try:
            done = service.reconcile(
                session, runtime.stripe, clients(session).values(), now=runtime.clock.now()
            )
        except GatewayError as error:
            raise click.ClickException(
                f"Stripe gave no answer, nothing is lost: {error}"
            ) from error
        click.echo(f"{done.ours} objects at Stripe are ours, and they stand in the ledger.")
        waiting = _say_failures(session)
    if done.unfinished:
        click.echo(
            f"{done.unfinished} of our own attempts could not be finished; the log says why."
        )
    if waiting or done.unfinished:
        raise click.exceptions.Exit(1)


def _say_failures(session: Session) -> int:
    """Name what Stripe has and we could not take over; returns how many objects there are."""
    from portal.services.stripe_lists import failures

    named, count = failures(session, most=SHOWN)
    for one in named:
        click.echo(
            f"Not taken over since {one.first_at:%Y-%m-%d %H:%M} UTC, tried at each run: {one.kind}"
            f" {one.object_id} ({one.stripe_account}): {one.why}"
        )
    if count > len(named):
        click.echo(f"and {count - len(named):,} more.")
    return count


@click.command()
def verify() -> None:
    """Check every invariant of money, evidence and contact; exit 1 with a list of what breaks.

    The record is also held against the checkpoints in EVIDENCE_FOLDER.

    What Stripe has and could not be taken over is in the list.
    """
    from portal.config import load
    from portal.runtime import build_runtime
    from portal.services.verify import COUNT
    from portal.services.verify.whole import verify_whole

    runtime = build_runtime(load(), worker=True)
    found = 0
    with runtime.sessions() as session:
        for slug, broken in verify_whole(session, runtime.signer):
            found += 1
            click.echo(f"{slug}: broken: {broken.invariant}: {broken.where}")
        found += _say_failures(session)
    if found:
        raise click.exceptions.Exit(1)
    click.echo(f"All invariants hold ({COUNT} checks for each client).")
