"""portal reconcile, portal verify: money and evidence against Stripe and against the rules."""

import click


@click.command()
def reconcile() -> None:
    """Go over Stripe's objects since the last time and finish every attempt that hangs."""
    from portal.config import load
    from portal.gateways.payments import GatewayError
    from portal.runtime import build_runtime
    from portal.services import reconcile as service
    from portal.services.clients import clients

    runtime = build_runtime(load(), worker=True)
    with runtime.sessions() as session:
        try:
            ours = service.reconcile(
                session, runtime.stripe, clients(session).values(), now=runtime.clock.now()
            )
        except GatewayError as error:
            raise click.ClickException(
                f"Stripe gave no answer, nothing is lost: {error}"
            ) from error
    click.echo(f"{ours} objects at Stripe are ours, and they stand in the ledger.")


@click.command()
def verify() -> None:
    """Check every invariant of money and evidence; exit 1 with a list where one does not hold."""
    from portal.config import load
    from portal.runtime import build_runtime
    from portal.services.clients import clients
    from portal.services.verify import CHECKS, verify_client

    runtime = build_runtime(load(), worker=True)
    found = 0
    with runtime.sessions() as session:
        for slug, client_id in clients(session).items():
            for broken in verify_client(session, client_id):
                found += 1
                click.echo(f"{slug}: broken: {broken.invariant}: {broken.where}")
    if found:
        raise click.exceptions.Exit(1)
    click.echo(f"All invariants hold ({len(CHECKS) + 3} checks for each client).")
