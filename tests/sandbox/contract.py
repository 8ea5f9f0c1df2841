"""Stripe's published OpenAPI document as a judge of requests, replies and events.

Types, names, required fields, enumerations and lengths are held, nested ones included. What
Stripe states only in prose (which parameters go together) is not in the document.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DOCUMENT = Path(__file__).with_name("openapi-subset.json")
KEPT = ("type", "enum", "required", "maxLength", "pattern")
EVENT_OBJECTS = {"charge.dispute": "dispute", "charge.refund": "refund"}
READERS = {
    "integer": (r"-?[0-9]+", int),
    "number": (r"-?[0-9]+(\.[0-9]+)?", float),
    "boolean": ("true|false", "true".__eq__),
}

Json = dict[str, Any]


class ContractBroken(AssertionError):
    """Something that Stripe would not accept, or would not send."""


class Contract:
    """Judges against one version of Stripe's API; every check is closed: no unpublished field."""

    def __init__(self, document: Path = DOCUMENT) -> None:
        self.document: Json = json.loads(document.read_text())
        self.version: str = self.document["info"]["version"]
        schemas: Json = self.document["components"]["schemas"]
        translated = {name: _translated(schema) for name, schema in schemas.items()}
        resource = DRAFT202012.create_resource({"components": {"schemas": translated}})
        self._registry = Registry().with_resource("stripe:", resource)
        self._objects = {
            schema["x-resourceId"]: {"$ref": f"#/components/schemas/{name}"}
            for name, schema in schemas.items()
            if "x-resourceId" in schema
        }
        endpoint = _form(self.document["paths"]["/v1/webhook_endpoints"]["post"])
        self.event_types = set(endpoint["properties"]["enabled_events"]["items"]["enum"]) - {"*"}
        self._validators: dict[str, Draft202012Validator] = {}

    def request(self, method: str, url: str, body: str = "") -> Json:
        """The typed parameters of a call: its form for POST, its query otherwise."""
        operation = self._operation(method, url)
        if method == "POST":
            schema, text = _form(operation), body
        else:
            schema, text = _query(operation), urlsplit(url).query
        params = self._typed(_nested(text), schema)
        self._check(f"{method} {urlsplit(url).path}", params, schema)
        return params

    def reply(self, method: str, url: str, status: int, body: Json) -> None:
        """A reply to a call, success or error."""
        replies = self._operation(method, url)["responses"]
        found = replies.get(str(status), replies["default"])
        schema = found["content"]["application/json"]["schema"]
        self._check(f"{status} from {method} {urlsplit(url).path}", body, schema)

    def event(self, event: Json) -> None:
        """A snapshot event: its envelope, its type, and the object that it carries."""
        kind = str(event.get("type"))
        self._check(kind, event, self._objects["event"])
        prefix = kind.rpartition(".")[0]
        carried = event["data"]["object"]
        wanted = EVENT_OBJECTS.get(prefix, prefix)
        if kind not in self.event_types or carried.get("object") != wanted:
            raise ContractBroken(f"{kind}: no such event carries a {carried.get('object')!r}")
        self._check(f"{kind} data.object", carried, self._objects[wanted])

    def _operation(self, method: str, url: str) -> Json:
        path = urlsplit(url).path
        for template in sorted(self.document["paths"], key=lambda one: one.count("{")):
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                found = self.document["paths"][template].get(method.lower())
                if found is not None:
                    return dict(found)
        raise ContractBroken(f"{method} {path}: no such operation")

    def _validator(self, schema: Json) -> Draft202012Validator:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator(
                _translated(schema), registry=self._registry
            )
        return self._validators[key]

    def _check(self, what: str, value: Any, schema: Json) -> None:
        worst = [best_match([error]) for error in self._validator(schema).iter_errors(value)]
        if worst:
            problems = (f"{e.json_path.removeprefix('$.')}: {e.message[:300]}" for e in worst)
            raise ContractBroken(f"{what}: " + "; ".join(problems))

    def _typed(self, value: Any, schema: Json) -> Any:
        """Form text in the type that its schema asks for; what does not fit stays text."""
        if options := schema.get("anyOf"):
            typed = [self._typed(value, option) for option in options]
            pairs = zip(typed, options, strict=True)
            return next((one for one, o in pairs if self._validator(o).is_valid(one)), typed[0])
        kind = schema.get("type")
        if isinstance(value, dict):
            return self._typed_tree(value, schema, kind)
        pattern, read = READERS.get(str(kind), ("", str))
        fits = isinstance(value, str) and pattern and re.fullmatch(pattern, value)
        return read(value) if fits else value

    def _typed_tree(self, value: Json, schema: Json, kind: str | None) -> Any:
        if kind == "array" and all(key.isdigit() for key in value):
            return [self._typed(value[key], schema["items"]) for key in sorted(value, key=int)]
        if kind != "object":
            return value
        known, more = schema.get("properties", {}), schema.get("additionalProperties")
        other = more if isinstance(more, dict) else {}
        return {name: self._typed(one, known.get(name, other)) for name, one in value.items()}


@cache
def the_contract() -> Contract:
    """The contract of the version that the portal speaks, read once."""
    return Contract()


def _translated(node: Mapping[str, Any]) -> Json:
    """An OpenAPI 3.0 schema as a closed JSON Schema."""
    out: Json = {key: node[key] for key in KEPT if key in node}
    if "$ref" in node:
        out["$ref"] = f"stripe:{node['$ref']}"
    if "properties" in node:
        out["properties"] = {name: _translated(one) for name, one in node["properties"].items()}
        out["additionalProperties"] = False
    if "items" in node:
        out["items"] = _translated(node["items"])
    if "anyOf" in node:
        out["anyOf"] = [_translated(one) for one in node["anyOf"]]
    if "additionalProperties" in node:
        more = node["additionalProperties"]
        out["additionalProperties"] = _translated(more) if isinstance(more, dict) else more
    return {"anyOf": [out, {"type": "null"}]} if node.get("nullable") else out


def _form(operation: Mapping[str, Any]) -> Json:
    return dict(next(iter(operation["requestBody"]["content"].values()))["schema"])


def _query(operation: Mapping[str, Any]) -> Json:
    asked = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    return {
        "type": "object",
        "properties": {one["name"]: one["schema"] for one in asked},
        "required": [one["name"] for one in asked if one.get("required")],
    }


def _nested(text: str) -> Json:
    """Bracket notation as a tree: ``a[b][0]=c`` is ``{"a": {"b": {"0": "c"}}}``."""
    tree: Json = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        *path, last = key.replace("]", "").split("[")
        node: Any = tree
        for step in path:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):
                raise ContractBroken(f"{key}: {step} also has a plain value")
        last = last or str(len(node))
        if last in node:
            raise ContractBroken(f"{key}: given twice")
        node[last] = value
    return tree
