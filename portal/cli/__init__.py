"""The ``portal`` command. Each command lives in a module of its family, imported when it runs."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

# name: (where it is, what --help says)
COMMANDS = {
    "client": ("portal.cli.clients:client", "Clients: add one with its offer policy."),
    "staff": ("portal.cli.clients:staff", "Staff: let somebody log in."),
    "db": ("portal.cli.database:db", "The embedded database: start, stop, url, psql."),
    "translations": (
        "portal.cli.translations:translations",
        "The words of the interface: extract, check, compile.",
    ),
    "place": ("portal.cli.placements:place", "Place the accounts of a CSV file with a client."),
    "recall": ("portal.cli.placements:recall", "Take accounts back for a client."),
    "check-policy": (
        "portal.cli.policies:check_policy",
        "Check an offer policy without publishing it.",
    ),
    "policy-schema": (
        "portal.cli.policies:policy_schema",
        "The JSON Schema of an offer policy.",
    ),
    "contacts": ("portal.cli.contacts:contacts", "Addresses: what others know of them."),
    "demo": ("portal.cli.demo:demo", "The whole portal on this machine, with demo accounts."),
    "evidence": ("portal.cli.evidence:evidence", "The evidence log: export, keys, retention."),
    "messages": ("portal.cli.messages:messages", "Messages: take in bounces and complaints."),
    "reconcile": ("portal.cli.money:reconcile", "Go over Stripe's objects and finish what hangs."),
    "send-links": ("portal.cli.messages:send_links", "Send a client's debtors their links."),
    "simulate": ("portal.cli.simulate:simulate", "A year of the demo in minutes, and verify."),
    "upgrade": ("portal.cli.database:upgrade", "Bring the database to the newest schema."),
    "verify": ("portal.cli.money:verify", "Check every invariant of money and evidence."),
    "worker": ("portal.cli.worker:worker", "Work on the job queue."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that --help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run, and say in one line what is wrong with the machine; a traceback is for bugs."""
        try:
            return super().main(args, *rest, **extra)
        except Exception as error:
            line = _explain(error)
            if line is None:
                raise
            click.echo(f"portal: {line}", err=True)
            sys.exit(1)


def _explain(error: Exception) -> str | None:
    """The one line for an error that is not a bug, by class name: nothing is imported for it."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"EmbeddedFailure", "DomainError", "UnsuitableDatabase"}:
        return str(error)
    if names & {"OperationalError", "InsufficientPrivilege"}:
        line = str(error).splitlines()[0]
        said = "does not answer" if "connect" in line else "refused"
        return f"The database {said}: {line}"
    return None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="portal", prog_name="portal")
def main() -> None:
    """Debtor self-service payment portal."""
