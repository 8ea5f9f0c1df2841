"""portal place, portal recall: accounts that a client hands over, and takes back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from portal.db import PortalSession
    from portal.models import Client
    from portal.runtime import Runtime
    from portal.services.placements import PlacementFile, PlacementReport, RecallReport

SOME_REFUSED = 3
SHOWN = 5


@click.command()
@click.argument("client")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where refused rows go, with the reason, safe to open in a spreadsheet"
    " [default: rejects.csv].",
)
def place(client: str, file: Path, rejects: Path | None) -> None:
    """Place the accounts of FILE (CSV, UTF-8) with CLIENT, named by its slug.

    Good rows land, bad ones are refused and written to the rejects file: correct that one and
    place it. The same file twice changes nothing.

    Exit code: 0 all rows are in, 3 some were refused, 1 nothing could be placed, 2 wrong usage.
    """
    from portal.config import load
    from portal.runtime import build_runtime
    from portal.services.placements import inspect_file

    refused = _rejects_path(file, rejects)
    found = inspect_file(file)
    runtime = build_runtime(load(), worker=True)
    with session_of(runtime, client) as (session, owner):
        report = _place(runtime, session, owner, found, refused)
    _say(report, owner, refused)
    if report.refused:
        raise click.exceptions.Exit(SOME_REFUSED)


def _rejects_path(file: Path, given: Path | None) -> Path:
    """Where refused rows go: never into the file that is placed, which may be such a file."""
    path = given or Path("rejects.csv")
    if path.exists() and path.samefile(file):
        if given:
            raise click.UsageError("--rejects names the file that is placed: choose another name.")
        path = Path("rejects-again.csv")
    if not os.access(path.parent, os.W_OK):
        raise click.UsageError(f"{path.parent} is not a folder that can be written to.")
    return path


def _place(
    runtime: Runtime, session: PortalSession, owner: Client, file: PlacementFile, rejects: Path
) -> PlacementReport:
    from portal.services.placements import RejectsFile, Watch, place_file

    with (
        RejectsFile(rejects) as refused,
        click.progressbar(
            length=file.size, label=file.path.name, file=sys.stderr, show_eta=True
        ) as bar,
    ):
        return place_file(
            session,
            owner,
            file,
            pepper=runtime.settings.keys.pepper,
            now=runtime.clock.now(),
            watch=Watch(refused=refused.write, read=bar.update),
        )


@contextmanager
def session_of(runtime: Runtime, slug: str) -> Iterator[tuple[PortalSession, Client]]:
    """A session that sees this client. Exits with code 2 where there is none."""
    from portal.db import set_tenant
    from portal.models import Client
    from portal.services.clients import clients

    with runtime.sessions() as session:
        known = clients(session)
        if slug not in known:
            names = ", ".join(known) or "none yet"
            raise click.UsageError(f"There is no client {slug!r}. The clients are: {names}.")
        set_tenant(session, known[slug])
        owner = session.get_one(Client, known[slug])
        session.commit()
        yield session, owner


def _say(report: PlacementReport, owner: Client, rejects: Path) -> None:
    click.echo(
        f"{report.rows:,} rows: {report.landed:,} placed, {report.updated:,} updated,"
        f" {report.unchanged:,} unchanged, {report.refused:,} refused."
    )
    for count, what in (
        (report.warned, "of them have a warning; the client's console has each with its reason."),
        (report.unoffered, "are not in the currency of the offer limits and are shown no offers."),
        (report.held, "changed balances wait for a person (money exceptions)."),
        (report.without_notice, "get no link before their validation notice is sent."),
        (report.time_barred, "are time-barred and get no link."),
    ):
        if count:
            click.echo(f"{count:,} {what}")
    _say_unverifiable(report, owner)
    for refusal in report.first_refusals[:SHOWN]:
        value = f" {refusal.value!r}" if refusal.value else ""
        click.echo(f"line {refusal.line}, {refusal.column or 'row'}{value}: {refusal.reason}")
    if report.refused > SHOWN:
        click.echo(f"and {report.refused - SHOWN:,} more.")
    if report.refused:
        click.echo(f"All refused rows with their reasons: {rejects}")


def _say_unverifiable(report: PlacementReport, owner: Client) -> None:
    if not report.unverifiable:
        return
    named = ", ".join(report.unverifiable_references)
    more = report.unverifiable - len(report.unverifiable_references)
    factors = ", ".join(factor.replace("_", " ") for factor in owner.identity_factors)
    click.echo(
        f"{report.unverifiable:,} debtors cannot be verified, for want of {factors}: {named}"
        + (f" and {more:,} more." if more else ".")
    )


@click.command()
@click.argument("client")
@click.argument("what", nargs=-1, required=True, metavar="FILE|REFERENCE...")
def recall(client: str, what: tuple[str, ...]) -> None:
    """Take accounts back for CLIENT: those of a CSV file, or account numbers one by one.

    Live arrangements are canceled and links revoked; balances stay as they are, on record.

    Exit code: 0 all are back, 3 some were refused, 1 nothing could be read, 2 wrong usage.
    """
    from portal.config import load
    from portal.runtime import build_runtime
    from portal.services import placements

    file_given = len(what) == 1 and Path(what[0]).is_file()
    if not file_given and what[0].lower().endswith(".csv"):
        raise click.UsageError(f"There is no file {what[0]}.")
    runtime = build_runtime(load(), worker=True)
    with session_of(runtime, client) as (session, owner):
        if file_given:
            file = placements.inspect_file(Path(what[0]))
            wanted = placements.read_recall(file, owner.header_synonyms)
        else:
            wanted = placements.listed(what)
        report = placements.recall(session, owner, wanted, now=runtime.clock.now())
    _say_recalled(report)
    if report.refused:
        raise click.exceptions.Exit(SOME_REFUSED)


def _say_recalled(report: RecallReport) -> None:
    noun = "account" if report.rows == 1 else "accounts"
    click.echo(
        f"{report.rows:,} {noun}: {report.recalled:,} taken back, {report.unchanged:,} were back"
        f" already, {report.refused:,} refused."
    )
    for line, _, reference, _, reason in report.first_refusals:
        click.echo(f"line {line}, {reference or 'empty'}: {reason}")
    if report.refused > len(report.first_refusals):
        click.echo(f"and {report.refused - len(report.first_refusals):,} more.")
