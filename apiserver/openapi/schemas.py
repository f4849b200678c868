"""From the published JSON schemas to the schema objects of OpenAPI v2 and v3.

The data marks optional fields as nullable (``type: [string, null]``) and fixes ``apiVersion`` and ``kind`` by enums;
upstream's OpenAPI does neither, so both are undone here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from minikube_py.api.meta import Object

_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_KEPT = ("description", "format", "pattern", "minimum", "maximum", "required", "enum", "default")
_TYPE_META = ("apiVersion", "kind")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where references point, and how the few types that no JSON type fits are written."""

    reference_prefix: str
    wraps_references: bool
    """Whether a described reference stands in ``allOf``, since in v3 nothing may stand beside ``$ref``."""
    scalars: dict[str, Object]


V2 = Dialect(
    "#/definitions/",
    wraps_references=False,
    scalars={
        _INT_OR_STRING: {"type": "string", "format": "int-or-string"},
        _QUANTITY: {"type": "string"},
    },
)
V3 = Dialect(
    "#/components/schemas/",
    wraps_references=True,
    scalars={
        _INT_OR_STRING: {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
        _QUANTITY: {"oneOf": [{"type": "string"}, {"type": "number"}]},
    },
)


def collect(roots: Iterable[str], definition: Callable[[str], Object], dialect: Dialect) -> dict[str, Any]:
    """The schemas of ``roots`` and of all they refer to, by name in order."""
    found: dict[str, Object] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        references: list[str] = []
        found[name] = _definition(name, definition(name), dialect, references)
        waiting += references
    return dict(sorted(found.items()))


def _definition(name: str, source: Object, dialect: Dialect, references: list[str]) -> Object:
    scalar = dialect.scalars.get(name)
    if scalar is not None:
        description = source.get("description")
        return {"description": description, **scalar} if description else dict(scalar)
    schema = _schema(source, dialect, references)
    for key in _TYPE_META:
        if key in schema.get("properties", {}):
            schema["properties"][key].pop("enum", None)
    return schema


def _schema(source: Object, dialect: Dialect, references: list[str]) -> Object:
    reference = source.get("$ref")
    if reference is not None:
        return _reference(source, reference.rpartition("/")[2], dialect, references)
    schema = {key: source[key] for key in _KEPT if key in source}
    schema_type = source.get("type")
    if isinstance(schema_type, list):
        schema_type = next((item for item in schema_type if item != "null"), None)
    if schema_type is not None:
        schema["type"] = schema_type
    if "properties" in source:
        properties = source["properties"].items()
        schema["properties"] = {key: _schema(value, dialect, references) for key, value in properties}
    for key in ("items", "additionalProperties"):
        if isinstance(source.get(key), dict):
            schema[key] = _schema(source[key], dialect, references)
    schema |= {key: value for key, value in source.items() if key.startswith("x-kubernetes-")}
    return schema


def _reference(source: Object, name: str, dialect: Dialect, references: list[str]) -> Object:
    references.append(name)
    target = {"$ref": f"{dialect.reference_prefix}{name}"}
    beside = {key: value for key, value in source.items() if key == "description" or key.startswith("x-kubernetes-")}
    if not beside:
        return target
    return {"allOf": [target], **beside} if dialect.wraps_references else {**target, **beside}
