"""portal contacts: what others know of the addresses that we use."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click


@click.group()
def contacts() -> None:
    """Addresses: what others know of them."""


@contacts.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def rnd(file: Path) -> None:
    """Take over answers of the reassigned numbers database from FILE, for every client.

    FILE is CSV with the columns number (+15035550123), checked_at and result: no keeps a consent to
    texts fresh for 60 days, yes closes the number. Taken over again, it changes nothing.
    """
    from portal.config import load
    from portal.db import commit, set_tenant
    from portal.gateways.rnd import ReassignedNumbersFile
    from portal.runtime import build_runtime
    from portal.services.clients import clients
    from portal.services.permissions import record_check

    runtime = build_runtime(load(), worker=True)
    checks, ours = list(ReassignedNumbersFile(file).checks()), Counter[str]()
    with runtime.sessions() as session:
        for client_id in clients(session).values():
            set_tenant(session, client_id)
            for check in checks:
                ours[check.result] += record_check(
                    session, client_id, check, now=runtime.clock.now()
                )
            commit(session, "contacts.rnd")
    click.echo(
        f"{len(checks):,} answers; of our numbers {ours['no']:,} are confirmed,"
        f" {ours['yes']:,} closed, of {ours['no_data']:,} nothing is known."
    )


@contacts.command()
@click.argument("client")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def notices(client: str, file: Path) -> None:
    """Take over a creditor's notices about e-mail addresses of CLIENT, named by its slug.

    FILE is CSV with the columns email, sent_on, deadline_on (at least 35 days later) and
    copy_sha256, the hash of the notice that is kept. Each permits its address after its deadline.
    """
    from portal.cli.placements import session_of
    from portal.config import load
    from portal.db import commit
    from portal.runtime import build_runtime
    from portal.services.permissions import read_notices, record_notices

    runtime = build_runtime(load(), worker=True)
    with session_of(runtime, client) as (session, owner), file.open("rb") as body:
        found = read_notices(body)
        known = record_notices(
            session, owner.id, found, source=f"file:{file.name}", now=runtime.clock.now()
        )
        commit(session, "contacts.notices")
    click.echo(f"{len(found):,} notices; {known:,} of our addresses go with them.")
