"""portal db, portal upgrade: the database and its schema."""

import os

import click


@click.group()
def db() -> None:
    """The embedded database of this project folder."""


@db.command()
def start() -> None:
    """Start it; it keeps running."""
    from portal.config import load

    settings = load()
    click.echo("running" if settings.embedded else "DATABASE_URL is set: nothing to start")


@db.command()
def stop() -> None:
    """Stop it; the data stays."""
    from portal.embedded import EmbeddedServer, default_folder

    stopped = EmbeddedServer(default_folder()).stop()
    click.echo("stopped" if stopped else "it was not running")


@db.command()
def url() -> None:
    """Print the address the web uses."""
    from portal.config import load

    click.echo(_plain(load().database_url))


@db.command()
@click.argument("arguments", nargs=-1)
def psql(arguments: tuple[str, ...]) -> None:
    """Open psql as the owner of the data."""
    from portal.config import load
    from portal.embedded import find_programs

    settings = load()
    program = str(find_programs() / "psql") if settings.embedded else "psql"
    os.execvp(program, ["psql", _plain(settings.migration_database_url), *arguments])  # noqa: S606


def _plain(url: str) -> str:
    """The address without SQLAlchemy's mark, whose import would take most of the time here."""
    return url.replace("+psycopg://", "://", 1)


@click.command()
def upgrade() -> None:
    """Create roles that are missing and run the migrations that are new."""
    from sqlalchemy import make_url

    from portal.config import load
    from portal.schema import powers
    from portal.schema import upgrade as run

    settings = load()
    addresses = (settings.database_url, settings.worker_database_url)
    logins = {u.username: u.password for u in map(make_url, addresses)}
    passwords = {user: str(word) for user, word in logins.items() if user and word}
    run(settings.migration_database_url, passwords=passwords)
    click.echo("The database is at the newest schema.")
    for complaint in dict.fromkeys(line for address in addresses for line in powers(address)):
        click.echo(f"Warning: {complaint} Log in as portal_app and portal_worker.", err=True)
