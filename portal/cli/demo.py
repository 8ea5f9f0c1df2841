"""portal demo: the whole portal on one machine, with accounts that look real."""

import shutil
from pathlib import Path

import click

VAR = Path(__file__).resolve().parents[2] / "var"


def _writable(path: Path | None) -> Path | None:
    if path is not None and not path.absolute().parent.is_dir():
        raise click.ClickException(f"There is no folder {path.parent} for the ready file.")
    return path


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8000,
    show_default=True,
    help="Where the portal answers; 0: any.",
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=lambda _context, _option, path: _writable(path),
    help="Write what is printed as JSON.",
)
@click.option("--reset", is_flag=True, help="Begin again with fresh data.")
def demo(port: int, ready_file: Path | None, reset: bool) -> None:
    """Start the database, the portal, a worker and a stand-in for Stripe; Ctrl-C ends them all.

    The data is kept for the next time, in var/ or where PORTAL_PGDATA says. With STRIPE_SECRET_KEY
    set to a test key, payments go to Stripe's test mode instead of the stand-in.
    """
    from portal.demo.processes import DidNotStart, alone_in
    from portal.demo.running import run_demo
    from portal.embedded import default_folder

    data = default_folder().expanduser().resolve()
    var = VAR if data.parent == VAR else data.with_name(f"{data.name}-demo")
    try:
        with alone_in(var):
            if ready_file is not None:
                ready_file.unlink(missing_ok=True)
            if reset:
                _forget(var)
            run_demo(port=port, ready_file=ready_file, var=var, say=click.echo)
    except DidNotStart as error:
        raise click.ClickException(str(error)) from error


def _forget(var: Path) -> None:
    from portal.embedded import EmbeddedServer, default_folder

    server = EmbeddedServer(default_folder())
    server.stop()
    for folder in (server.data, var / "sandbox", var / "log"):
        shutil.rmtree(folder, ignore_errors=True)
