"""portal check-policy, portal policy-schema, and the page that describes the document."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings

from portal.cli import main
from portal.domain import policy as policies
from portal.domain.policy import Policy, PolicyUnreadable
from portal.embedded import PROJECT
from portal.services.policy_documents import read_policy, schema
from tests.domain.policies import policies as random_policies

PAGE = (PROJECT / "docs" / "policy.md").read_text()
COMPILER = sorted((PROJECT / "portal" / "domain" / "compiler").glob("*.py"))


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=typed)


def example() -> dict[str, Any]:
    """The document that docs/policy.md shows."""
    (found,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    document: dict[str, Any] = json.loads(found)
    return document


def test_the_published_schema_is_what_the_command_writes():
    done = run("policy-schema")
    assert done.exit_code == 0
    assert (PROJECT / "docs" / "policy.schema.json").read_text() == done.output


def test_the_example_of_the_manual_can_be_published(tmp_path: Path):
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(example()))
    done = run("check-policy", str(path))
    assert done.exit_code == 0, done.output
    assert done.output.endswith("OK: this policy can be published.\n")
    assert "Caution: bands[0].agree_settlement_bps: These accounts are offered no" in done.output


def test_each_problem_is_told_with_its_place():
    document = example()
    del document["bands"][0]
    document["rounding_cents"] = 7
    done = run("check-policy", "-", typed=json.dumps(document))
    assert done.exit_code == 1
    assert "rounding_cents: Settlements are rounded to the cent" in done.output
    assert "bands: A balance of $0.01, 0 days after default, product Medical" in done.output


@pytest.mark.parametrize(
    ("text", "where"),
    [("nothing", "JSON"), ("[]", "format"), ('{"format": 2, "colour": 1}', "policy.colour")],
)
def test_what_is_no_policy_is_told_in_one_line(text: str, where: str):
    done = run("check-policy", "-", typed=text)
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert f"not an offer policy: {where} is not" in done.output


@given(random_policies())
@settings(max_examples=25, derandomize=True, deadline=None)
def test_every_policy_keeps_to_the_published_schema(policy: Policy):
    checker = jsonschema.Draft202012Validator(schema())
    assert list(checker.iter_errors(policies.to_dict(policy))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"currency": None},
        {"plan": {"colour": "red"}},
        {"bands": [{"tiers": [{"pay_bps": "80"}]}]},
        {"bands": {}},
        {"format": 3},
        {"pay_in_full": 1},
    ],
)
def test_the_schema_and_the_portal_refuse_the_same(change: dict[str, Any]):
    document = example() | change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())
    with pytest.raises(PolicyUnreadable):
        read_policy(json.dumps(document).encode())


def rules() -> set[str]:
    """The name of every rule that the compiler says, as far as it is written out."""
    found: set[str] = set()
    for path in COMPILER:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            at = {"Problem": 0, "payable": 1}.get(node.func.id)
            if at is not None and isinstance(node.args[at], ast.Constant):
                found.add(str(node.args[at].value))
    return found


def test_the_manual_has_every_rule_with_an_example():
    cells = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    told = {name for cell in cells for name in re.findall(r"`([a-z_.]+)`", cell)}
    assert len(rules()) > 25
    assert rules() <= told
    written = "".join(path.read_text() for path in COMPILER)
    for name in told - rules():
        head, _, tail = name.partition(".")
        assert head in ("plan", "agree", "review")
        assert f'"{{rule}}.{tail}"' in written or f'"{head}.{tail}"' in written
