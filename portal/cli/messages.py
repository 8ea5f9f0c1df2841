"""portal send-links: a link for every debtor of a client who may have one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from portal.cli.placements import session_of

if TYPE_CHECKING:
    from portal.services.campaign_audience import CampaignReport

NAME = "portal send-links"
"""What the campaign of a command is called."""


@click.command("send-links")
@click.argument("client")
@click.option("--dry-run", is_flag=True, help="Only count who would get one.")
@click.option("--only", multiple=True, metavar="REFERENCE", help="The debtor of this account.")
def send_links(client: str, dry_run: bool, only: tuple[str, ...]) -> None:
    """Send a link to the debtors of CLIENT, named by its slug, where the law allows it now.

    Says how many go out, how many of them wait for their hour, and who is held back and why.
    Messages leave by `portal worker`. Begun again, it sends nothing twice.
    """
    from portal.config import load
    from portal.domain.audience import Audience
    from portal.runtime import build_runtime
    from portal.services import campaign_audience, campaigns
    from portal.services.campaign_control import Plan, draw_up

    runtime = build_runtime(load(), worker=True)
    now, texter = runtime.clock.now(), runtime.texter
    with session_of(runtime, client) as (session, owner):
        campaigns.require_accounts(session, owner.id, only)
        audience = Audience(references=only)
        if dry_run:
            wanted = campaign_audience.Wanted(owner, audience)
            report = campaign_audience.count(session, wanted, texter=texter, now=now).report
        else:
            plan = Plan(name=NAME, audience=audience)
            campaign = draw_up(session, owner.id, plan, by=None, now=now, at=now)
            keys = runtime.settings.keys
            report = campaigns.send_links(session, campaign, keys=keys, texter=texter, now=now)
    _say(report, owner.slug, dry_run=dry_run)


def _say(report: CampaignReport, slug: str, *, dry_run: bool) -> None:
    from portal.domain.outgoing import reason_of

    would = "would go out" if dry_run else "go out"
    later = f" ({report.later:,} at their hour)" if report.later else ""
    click.echo(f"{slug}: {report.goes:,} links {would}{later}, {report.held_back:,} held back.")
    for rule, count in report.held.items():
        click.echo(f"  {count:,} {rule}: {reason_of(rule)}")
