"""Form-encoded parameters in bracket notation, read against a shape.

A shape maps a parameter's name to a reader; a reader takes the raw value and the parameter's
full name, and returns the value or raises ApiError. Nothing has been executed by then.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from portal.sandbox.errors import invalid

Reader = Callable[[Any, str], Any]
Shape = Mapping[str, Reader]

DEEPEST = 6
KEY = re.compile(r"(\w+)((?:\[\w*\])*)")
METADATA_KEYS, METADATA_KEY, METADATA_VALUE = 50, 40, 500


def nested(text: str) -> dict[str, Any]:
    """``a[b]=1&c[]=2`` as ``{"a": {"b": "1"}, "c": {"0": "2"}}``."""
    tree: dict[str, Any] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=2000)
    except ValueError as bad:
        raise invalid("The request's parameters cannot be decoded.") from bad
    for key, value in pairs:
        _place(tree, key, value)
    return tree


def _place(tree: dict[str, Any], key: str, value: str) -> None:
    parts = KEY.fullmatch(key)
    path = [parts[1], *re.findall(r"\[(\w*)\]", parts[2])] if parts else []
    if not path or len(path) > DEEPEST:
        raise invalid(f"Invalid parameter name: {key[:100]}", param=key[:100])
    node: Any = tree
    for step in path[:-1]:
        node = node.setdefault(step or str(len(node)), {})
        if not isinstance(node, dict):
            raise invalid(f"Invalid {path[0]}: both a value and a hash", param=path[0])
    last = path[-1] or str(len(node))
    if last in node:
        raise invalid(f"Parameter given twice: {key}", param=key)
    node[last] = value


def read(form: Mapping[str, Any], shape: Shape, *required: str, under: str = "") -> dict[str, Any]:
    """The typed parameters of ``form``; unknown and missing ones are refused by name."""
    for name in form:
        if name not in shape:
            full = _full(under, name)
            raise invalid(
                f"Received unknown parameter: {full}", code="parameter_unknown", param=full
            )
    for name in required:
        if name not in form:
            full = _full(under, name)
            raise invalid(f"Missing required param: {full}.", code="parameter_missing", param=full)
    return {name: shape[name](value, _full(under, name)) for name, value in form.items()}


def _full(under: str, name: str) -> str:
    return f"{under}[{name}]" if under else name


def text(longest: int = 5000) -> Reader:
    """Text of 1 to ``longest`` characters."""

    def reader(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {name}", param=name)
        if not value:
            raise invalid(
                f"You passed an empty string for '{name}'.",
                code="parameter_invalid_empty",
                param=name,
            )
        if len(value) > longest:
            raise invalid(f"Invalid string: {name} is too long (maximum {longest})", param=name)
        return value

    return reader


def one_of(*choices: str) -> Reader:
    """One of a few words."""

    def reader(value: Any, name: str) -> str:
        if value not in choices:
            allowed = ", ".join(choices)
            raise invalid(f"Invalid {name}: must be one of {allowed}", param=name)
        return str(value)

    return reader


def whole(least: int = 0, most: int = 99_999_999_999) -> Reader:
    """An integer in a range."""

    def reader(value: Any, name: str) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,15}", value):
            raise invalid(
                f"Invalid integer: {str(value)[:50]}", code="parameter_invalid_integer", param=name
            )
        if not least <= int(value) <= most:
            raise invalid(
                f"Invalid integer: {name} must be between {least} and {most}",
                code="parameter_invalid_integer",
                param=name,
            )
        return int(value)

    return reader


def flag(value: Any, name: str) -> bool:
    """``true`` or ``false``."""
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {str(value)[:50]}", param=name)
    return bool(value == "true")


def web_address(value: Any, name: str) -> str:
    """An absolute http or https address."""
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s/?#]+[^\s]*", value):
        raise invalid("Not a valid URL", code="url_invalid", param=name)
    return value


def metadata(value: Any, name: str) -> dict[str, str]:
    """Stripe's key-value pairs, within its limits; empty text clears them."""
    if value == "":
        return {}
    if not isinstance(value, dict) or len(value) > METADATA_KEYS:
        raise invalid(f"Invalid {name}: at most {METADATA_KEYS} keys", param=name)
    for key, one in value.items():
        if not isinstance(one, str) or len(key) > METADATA_KEY or len(one) > METADATA_VALUE:
            raise invalid(f"Invalid {name}[{key[:50]}]: too long or nested", param=name)
    return {key: one for key, one in value.items() if one}


def hash_of(shape: Shape, *required: str) -> Reader:
    """A nested hash."""

    def reader(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid(f"Invalid object: {name}", param=name)
        return read(value, shape, *required, under=name)

    return reader


def list_of(item: Reader) -> Reader:
    """A list, with or without indexes."""

    def reader(value: Any, name: str) -> list[Any]:
        if not isinstance(value, dict) or not all(key.isdigit() for key in value):
            raise invalid(f"Invalid array: {name}", param=name)
        ordered = sorted(value, key=int)
        return [item(value[key], f"{name}[{key}]") for key in ordered]

    return reader


CURRENCY = one_of("usd", "cad")
EXPAND: Shape = {"expand": list_of(text(100))}
RANGE = hash_of({word: whole() for word in ("gt", "gte", "lt", "lte")})


def moment_or_range(value: Any, name: str) -> dict[str, int]:
    """``created=1`` or ``created[gte]=1``, both as a range."""
    if isinstance(value, str):
        at = whole()(value, name)
        return {"gte": at, "lte": at}
    return dict(RANGE(value, name))
