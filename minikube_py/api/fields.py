"""Compiled schema fields: what a value must be, how lists merge, and whether a zero value is kept."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from minikube_py.api.meta import Object
from minikube_py.api.zero_values import drops_empty_text, drops_zero


class Code(enum.IntEnum):
    """The kinds of value that a Go decoder tells apart."""

    STRING = 1
    INT32 = 2
    INT64 = 3
    DOUBLE = 4
    BOOL = 5
    BYTES = 6
    STRUCT = 7
    LIST = 8
    MAP = 9
    QUANTITY = 10
    INT_OR_STRING = 11
    TIME = 12
    MICRO_TIME = 13
    OBJECT = 14
    """An object without a schema (``FieldsV1``)."""
    ANY = 15
    """Kept as it is, null included (``RawExtension``, the values in a CustomResourceDefinition's schema)."""


@dataclass(frozen=True, slots=True)
class Type:
    """One type; ``definition`` names the struct it is or whose values a list or map holds."""

    code: Code
    definition: str = ""
    item: Type | None = None

    @property
    def go_name(self) -> str:
        """The type as Go's messages name it."""
        if self.code is Code.LIST:
            return f"[]{self.item.go_name}" if self.item else "[]interface {}"
        if self.code is Code.MAP:
            return f"map[string]{self.item.go_name}" if self.item else "map[string]interface {}"
        if self.definition:
            return ".".join(self.definition.split(".")[-2:])
        return _GO_NAMES[self.code]


_GO_NAMES = {
    Code.STRING: "string",
    Code.INT32: "int32",
    Code.INT64: "int64",
    Code.DOUBLE: "float64",
    Code.BOOL: "bool",
    Code.BYTES: "[]uint8",
    Code.STRUCT: "struct {}",
    Code.QUANTITY: "resource.Quantity",
    Code.INT_OR_STRING: "intstr.IntOrString",
    Code.TIME: "v1.Time",
    Code.MICRO_TIME: "v1.MicroTime",
    Code.OBJECT: "map[string]interface {}",
    Code.ANY: "interface {}",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a definition."""

    type: Type
    required: bool
    drops_empty: bool
    """Whether an empty value (zero, false, no text, no items) means that the field is absent."""
    list_type: str = ""
    """``map``, ``set``, ``atomic`` or empty."""
    list_map_keys: tuple[str, ...] = ()
    patch_merge_key: str = ""
    patch_strategies: tuple[str, ...] = ()


_WHOLE: dict[str, Code] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": Code.QUANTITY,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": Code.INT_OR_STRING,
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": Code.TIME,
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": Code.MICRO_TIME,
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": Code.OBJECT,
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch": Code.OBJECT,
}
_REFERENCE = "#/$defs/"


def compile_type(name: str, definition: Object) -> Type:
    """The type of a whole definition."""
    if name in _WHOLE:
        return Type(_WHOLE[name], name if _WHOLE[name] is Code.OBJECT else "")
    if "properties" in definition:
        return Type(Code.STRUCT, name)
    # What has neither properties nor a known name holds any JSON, but for a struct that happens to have no fields.
    return Type(Code.STRUCT, name) if _is_empty_struct(name) else Type(Code.ANY)


def _is_empty_struct(name: str) -> bool:
    return name.endswith((".StorageVersionSpec", ".CustomResourceSubresourceStatus"))


def compile_fields(name: str, definition: Object, resolve: Callable[[str], Type]) -> Mapping[str, Field]:
    """The fields of a definition; ``resolve`` gives the type of another one."""
    required = frozenset(definition.get("required") or ())
    return {
        field: _field(name, field, schema, field in required, resolve)
        for field, schema in (definition.get("properties") or {}).items()
    }


def _field(name: str, field: str, schema: Object, required: bool, resolve: Callable[[str], Type]) -> Field:
    compiled = _type(schema, resolve)
    if compiled.code in (Code.LIST, Code.MAP, Code.BYTES):
        drops_empty = not required
    elif compiled.code is Code.STRING:
        drops_empty = not required and drops_empty_text(name, field)
    else:
        drops_empty = not required and drops_zero(name, field)
    strategies: str = schema.get("x-kubernetes-patch-strategy") or ""
    return Field(
        compiled,
        required,
        drops_empty,
        list_type=schema.get("x-kubernetes-list-type") or "",
        list_map_keys=tuple(schema.get("x-kubernetes-list-map-keys") or ()),
        patch_merge_key=schema.get("x-kubernetes-patch-merge-key") or "",
        patch_strategies=tuple(strategies.split(",")) if strategies else (),
    )


_STRING_FORMATS = {"byte": Code.BYTES, "date-time": Code.TIME}


def _type(schema: Object, resolve: Callable[[str], Type]) -> Type:
    reference = schema.get("$ref")
    if reference:
        return resolve(reference.removeprefix(_REFERENCE))
    match _kind(schema):
        case "string":
            return Type(_STRING_FORMATS.get(schema.get("format", ""), Code.STRING))
        case "integer":
            return Type(Code.INT32 if schema.get("format") == "int32" else Code.INT64)
        case "number":
            return Type(Code.DOUBLE)
        case "boolean":
            return Type(Code.BOOL)
        case "array":
            item = _type(schema["items"], resolve)
            return Type(Code.LIST, item.definition, item)
        case "object" if "additionalProperties" in schema:
            item = _type(schema["additionalProperties"], resolve)
            return Type(Code.MAP, item.definition, item)
        case "object":
            return Type(Code.OBJECT)
    return Type(Code.ANY)


def _kind(schema: Object) -> Any:
    kind = schema.get("type")
    return kind[0] if isinstance(kind, list) else kind
