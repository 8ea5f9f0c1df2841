"""portal client, portal staff: who places accounts here, and who works here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from portal.domain.access import Role

if TYPE_CHECKING:
    from portal.domain.policy import Policy
    from portal.services.clients import NewClient

ROLES = [str(role) for role in Role]


@click.group()
def client() -> None:
    """Clients: whoever places accounts here."""


@client.command("add")
@click.argument("file", type=click.File("rb"))
def add_client(file: Any) -> None:
    """Add the client that FILE (JSON; - reads standard input) describes, with its offer policy.

    docs/operating.md shows such a file. Exit code: 0 added, 1 a list of what is wrong.
    """
    from portal.config import load
    from portal.db import commit
    from portal.runtime import build_runtime
    from portal.services import clients

    new, policy = _read(file.read())
    runtime = build_runtime(load(), worker=True)
    with runtime.sessions() as session:
        try:
            added = clients.add_client(session, new, policy, now=runtime.clock.now())
        except clients.ClientUnsuitable as error:
            raise _refused(error.problems) from None
        commit(session, "client.added")
    click.echo(f"{added.slug} is a client now. Next: portal staff add, portal place {added.slug}.")


def _read(body: bytes) -> tuple[NewClient, Policy]:
    from pydantic import TypeAdapter, ValidationError, with_config
    from pydantic_core import from_json

    from portal.domain.policy import PolicyUnreadable, from_dict
    from portal.services.clients import NewClient

    try:
        document = from_json(body)
    except ValueError as error:
        raise _refused([f"This is not JSON: {error}."]) from None
    if not isinstance(document, dict):
        raise _refused(["This is not a JSON object."])
    problems: list[str] = []
    try:
        policy = from_dict({"version": 1, **_object(document.pop("policy", None))})
    except PolicyUnreadable as error:
        problems.append(f"policy: {error.params['where']} is missing, or not what it should be.")
    try:
        new = TypeAdapter(with_config(extra="forbid")(NewClient)).validate_python(document)
    except ValidationError as error:
        problems += [_told(one) for one in error.errors()]
    if problems:
        raise _refused(problems)
    return new, policy


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _told(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    words = {
        "missing": "it is missing",
        "missing_keyword_only_argument": "it is missing",
        "unexpected_keyword_argument": "there is no such field",
    }
    return f"{where}: {words.get(error['type'], error['msg'])}."


def _refused(problems: list[str]) -> click.ClickException:
    return click.ClickException("\n".join(problems))


@click.group()
def staff() -> None:
    """Staff: the people who log in."""


@staff.command("add")
@click.option("--email", required=True, help="What they log in with.")
@click.option("--name", required=True, help="What debtors' timelines and threads call them.")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option(
    "--client",
    "slugs",
    multiple=True,
    metavar="SLUG",
    help="Whose accounts they see; once for each client. An operator sees all.",
)
@click.password_option(help="Asked for where it is not given.")
def add_staff(email: str, name: str, role: str, slugs: tuple[str, ...], password: str) -> None:
    """Let somebody log in.

    A client_admin or client_viewer belongs to one client; agent, supervisor and compliance to one
    or more.
    """
    from portal.config import load
    from portal.db import commit, set_tenant
    from portal.domain import DomainError
    from portal.runtime import build_runtime
    from portal.services.clients import clients
    from portal.services.staff import NewStaff, create_staff

    runtime = build_runtime(load(), worker=True)
    with runtime.sessions() as session:
        ids = clients(session)
        if unknown := [slug for slug in slugs if slug not in ids]:
            names = ", ".join(ids) or "none yet"
            raise _refused([f"There is no client {unknown[0]!r}. The clients are: {names}."])
        allowed = tuple(ids[slug] for slug in slugs)
        set_tenant(session, *allowed)
        new = NewStaff(email=email, name=name, role=Role(role), password=password, clients=allowed)
        try:
            added = create_staff(session, new, now=runtime.clock.now())
        except DomainError as error:
            raise _refused([str(error)]) from None
        commit(session, "staff.added")
        click.echo(f"{added.email} can log in.")
