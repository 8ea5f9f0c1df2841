"""Offer policies as files: the schema of the document, and the check before it is published."""

import json
from typing import Any

import click


@click.command("policy-schema")
def policy_schema() -> None:
    """Write the JSON Schema of an offer policy to standard output.

    docs/policy.schema.json is this.
    """
    from portal.services.policy_documents import schema

    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


@click.command("check-policy")
@click.argument("file", type=click.File("rb"))
def check_policy(file: Any) -> None:
    """Check the offer policy in FILE (JSON; - reads standard input) without publishing it.

    Exit code: 0 it can be published, with a line for each caution; 1 a line for each problem.
    """
    from portal.domain import compiler
    from portal.domain.policy import PolicyUnreadable
    from portal.services.policy_documents import read_policy

    try:
        compiled = compiler.compile(read_policy(file.read()))
    except PolicyUnreadable as error:
        raise click.ClickException(str(error)) from None
    except compiler.PolicyRefused as refused:
        raise click.ClickException("\n".join(map(_line, refused.problems))) from None
    for caution in compiled.cautions:
        click.echo(f"Caution: {_line(caution)}")
    click.echo("OK: this policy can be published.")


def _line(problem: Any) -> str:
    return f"{problem.place.path}: {problem}" if problem.place.path else str(problem)
