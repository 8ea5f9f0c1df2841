"""Frozen dataclasses as plain JSON values, and back, read strictly."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Unreadable(ValueError):
    """A document has something, at ``where``, that is not what it should be."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


def plain(value: Any) -> Any:
    """A dataclass as plain JSON values; what is None is left out."""
    if is_dataclass(value):
        named = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: plain(part) for name, part in named if part is not None}
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, StrEnum) else value


def read(kind: type[T], value: object, where: str) -> T:
    """The dataclass of a plain document; nothing is converted, guessed or skipped.

    ``where`` names the document in errors. Raises Unreadable.
    """
    return cast(T, _read(kind, value, where))


def _read(kind: Any, value: Any, where: str) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        kind = get_args(kind)[0]
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise Unreadable(where)
        part = get_args(kind)[0]
        return tuple(_read(part, one, f"{where}[{n}]") for n, one in enumerate(value))
    if is_dataclass(kind):
        return _read_fields(kind, value, where)
    return _read_word(kind, value, where)


def _read_fields(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise Unreadable(where)
    kinds = _kinds(kind)
    for name in value:
        if name not in kinds:
            raise Unreadable(f"{where}.{name}")
    given = {name: _read(kinds[name], part, f"{where}.{name}") for name, part in value.items()}
    try:
        return kind(**given)
    except TypeError as error:
        raise Unreadable(where) from error


@cache
def _kinds(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _read_word(kind: Any, value: Any, where: str) -> Any:
    if kind is int and (not isinstance(value, int) or isinstance(value, bool)):
        raise Unreadable(where)
    if kind is bool and not isinstance(value, bool):
        raise Unreadable(where)
    if issubclass(kind, (str, date)) and not isinstance(value, str):
        raise Unreadable(where)
    try:
        return date.fromisoformat(value) if kind is date else kind(value)
    except ValueError as error:
        raise Unreadable(where) from error
