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
    click.echo(
        f"{added.slug} is a client now. Next: portal staff invite, portal place {added.slug}."
    )


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


@staff.command("invite")
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
def invite_staff(email: str, name: str, role: str, slugs: tuple[str, ...]) -> None:
    """Invite somebody, and print the link with which they choose a password and a second step.

    A client_admin or client_viewer belongs to one client; agent, supervisor and compliance to one
    or more. The link opens once, within three days; it is sent by e-mail, too.
    """
    from portal.config import load
    from portal.db import commit, set_tenant
    from portal.domain import DomainError
    from portal.runtime import build_runtime
    from portal.services.clients import clients
    from portal.services.hiring import NewInvitation, invitation_url, invite

    runtime = build_runtime(load(), worker=True)
    with runtime.sessions() as session:
        ids = clients(session)
        if unknown := [slug for slug in slugs if slug not in ids]:
            names = ", ".join(ids) or "none yet"
            raise _refused([f"There is no client {unknown[0]!r}. The clients are: {names}."])
        allowed = tuple(ids[slug] for slug in slugs)
        set_tenant(session, *allowed)
        new = NewInvitation(email=email, name=name, role=Role(role), clients=allowed)
        try:
            invited = invite(session, new, by=None, now=runtime.clock.now())
        except DomainError as error:
            raise _refused([str(error)]) from None
        commit(session, "staff.invited")
        click.echo(invitation_url(runtime.settings.keys, invited))


@staff.command("reset-second-step")
@click.argument("email")
def reset_second_step(email: str) -> None:
    """Take back the second step of whoever lost their telephone and their recovery codes.

    They set up a new one when they next come in with their password: know first that it is them.
    """
    from portal.config import load
    from portal.db import commit
    from portal.runtime import build_runtime
    from portal.services.team import NoSuchStaff, reset_second_step_of

    runtime = build_runtime(load(), worker=True)
    with runtime.sessions() as session:
        try:
            reset_second_step_of(session, email, now=runtime.clock.now())
        except NoSuchStaff as error:
            raise _refused([str(error)]) from None
        commit(session, "staff.second_step_reset")
    click.echo(f"{email} sets up a new second step when they next log in.")
