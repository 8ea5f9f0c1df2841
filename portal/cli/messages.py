"""portal send-links: a link for every debtor of a client who may have one; portal messages."""

from __future__ import annotations

from pathlib import Path
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
@click.option("--letters", is_flag=True, help="Letters too, to whom nothing else may reach.")
@click.option("--only", multiple=True, metavar="REFERENCE", help="The debtor of this account.")
def send_links(client: str, dry_run: bool, letters: bool, only: tuple[str, ...]) -> None:
    """Send a link to the debtors of CLIENT, named by its slug, where the law allows it now.

    Says how many go out, how many of them wait for their hour, and who is held back and why.
    Messages leave by `portal worker`, letters once they were printed and posted. Begun again, it
    sends nothing twice.
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
            wanted = campaign_audience.Wanted(owner, audience, letters=letters)
            report = campaign_audience.count(session, wanted, texter=texter, now=now).report
        else:
            plan = Plan(name=NAME, audience=audience, letters=letters)
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


@click.group()
def messages() -> None:
    """Messages: what became of them."""


@messages.command("bounces")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def bounces(file: Path) -> None:
    """Take in the bounces and complaints of FILE: an mbox, or one message as .eml.

    Read are reports as RFC 3464 (delivery status) and RFC 5965 (complaints) have them. The same
    file again changes nothing; what is no report, or about no message of ours, has no effect.
    """
    from collections import Counter

    from portal.config import load
    from portal.db import commit
    from portal.gateways.bounces import read_mailbox
    from portal.models import Channel
    from portal.runtime import build_runtime
    from portal.services.deliveries import take_report

    runtime = build_runtime(load(), worker=True)
    found: Counter[str] = Counter()
    with runtime.sessions() as session:
        for report in read_mailbox(file):
            if report is None:
                found["no report"] += 1
                continue
            now = runtime.clock.now()
            outcome = take_report(session, report, Channel.EMAIL, now=now)
            commit(session, "delivery.taken")
            found[f"{report.kind} ({outcome})"] += 1
    for name, count in sorted(found.items()):
        click.echo(f"{count:,} {name}")
    if not found:
        click.echo("There is nothing in this file.")
