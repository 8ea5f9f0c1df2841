"""Offer policies as JSON documents: the published schema, and reading what somebody wrote."""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast, get_args, get_type_hints

from portal.domain import policy as policies
from portal.domain.policy import FORMAT, READABLE, Policy, PolicyUnreadable

if TYPE_CHECKING:
    from pydantic import TypeAdapter

ADDRESS: Final = "https://json-schema.org/draft/2020-12/schema"
FORMAT_SAID: Final = f"The format of the document: {FORMAT}; older ones are read too."


def read_policy(body: bytes) -> Policy:
    """The policy that a JSON document describes, read strictly; its version may be left out.

    Raises PolicyUnreadable.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise PolicyUnreadable(where="JSON") from error
    if isinstance(document, dict):
        document = {"version": 1, **document}
    return policies.from_dict(document)


def typed_policy(values: dict[str, Any]) -> tuple[Policy | None, list[str]]:
    """The policy that plain values come to, as a form has them; or None, and what is wrong."""
    from pydantic import ValidationError  # noqa: PLC0415 - only who writes limits pays for it

    try:
        return _adapter().validate_python(values), []
    except ValidationError as error:
        return None, [str(one["msg"]) for one in error.errors()]


@lru_cache(1)
def _adapter() -> "TypeAdapter[Policy]":
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(Policy)


def schema() -> dict[str, Any]:
    """The JSON Schema of a policy document, as Pydantic sees it and the domain describes it.

    Nothing is null, unknown keys are refused, and ``format`` is beside what the policy has.
    """
    found = _adapter().json_schema()
    defined = found.pop("$defs")
    for kind in _kinds(Policy):
        _describe(found if kind is Policy else defined[kind.__name__], kind)
    formats = {"description": FORMAT_SAID, "enum": list(READABLE), "title": "Format"}
    found["properties"] = {"format": {**formats, "type": "integer"}, **found["properties"]}
    found["required"] = ["format", "currency"]
    return {"$schema": ADDRESS, **found, "$defs": defined}


def _kinds(kind: type[Any]) -> Iterator[type[Any]]:
    """A dataclass, and those that it is made of."""
    yield kind
    for hint in get_type_hints(kind).values():
        for part in (hint, *get_args(hint)):
            if isinstance(part, type) and is_dataclass(part):
                yield from _kinds(part)


def _describe(written: dict[str, Any], kind: type[Any]) -> None:
    said = _attribute_docstrings(kind)
    written["additionalProperties"] = False
    written["description"] = " ".join((inspect.getdoc(kind) or "").replace("``", "").split())
    for field in fields(kind):
        part = written["properties"][field.name]
        if part.get("default", "") is None:
            del part["default"]
            (real,) = (one for one in part.pop("anyOf") if one.get("type") != "null")
            part |= real
        named = {
            "title": field.name.replace("_", " ").capitalize(),
            "description": said[field.name],
        }
        written["properties"][field.name] = {**part, **named}


def _attribute_docstrings(kind: type[Any]) -> dict[str, str]:
    """The sentence under each field of a class."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    lines = cast("ast.ClassDef", body).body
    return {
        cast("ast.Name", field.target).id: ast.literal_eval(said.value)
        for field, said in zip(lines, lines[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(said, ast.Expr)
    }
