"""portal simulate: a year of the portal in minutes, on a database of its own."""

from __future__ import annotations

import click


@click.command()
@click.option("--days", type=click.IntRange(1, 1_500), default=400, show_default=True)
@click.option(
    "--accounts",
    type=click.IntRange(1, 10_000),
    help="Generate so many accounts; without it, the demo's own are used.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed, the same year."
)
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
def simulate(days: int, accounts: int | None, seed: int, *, as_json: bool) -> None:
    """Live through DAYS days of the portal with simulated people, and check every invariant.

    People open links, agree, pay, fail, change their minds and keep silent, on the real pages, with
    Stripe's stand-in on the same clock. For the demo only: the database is made for it and thrown
    away. Exit 1 where an invariant is broken, a page breaks or a job is given up.
    """
    import json
    import os

    from portal.config import Settings
    from portal.demo.processes import interrupt_on_termination
    from portal.simulation.database import own_database
    from portal.simulation.report import lines
    from portal.simulation.running import Wish
    from portal.simulation.running import simulate as run
    from portal.simulation.stage import NotForSimulation, refuse_real

    settings = Settings.from_env()
    try:
        refuse_real(settings, os.environ)
    except NotForSimulation as error:
        raise click.ClickException(str(error)) from error
    wish = Wish(days=days, accounts=accounts, seed=seed)
    interrupt_on_termination()
    with own_database() as (own, folder):
        report = run(own, wish, folder=folder, say=lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(lines(report)))
    if not report.holds:
        raise click.exceptions.Exit(1)
