"""Every built-in kind with every field set: what the wire holds becomes the JSON that the published schema describes.

The encoder here and the example made of the schema know nothing of the decoder under test.
"""

from __future__ import annotations

import gzip
import struct
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

import minikube_py.api
from minikube_py.api.fields import Code, Type
from minikube_py.api.protobuf import MAGIC, decode_request, message_name
from minikube_py.api.resources import BUILT_IN, Resource
from minikube_py.api.schema import Schemas

NEWEST = "1.37"
SECONDS = 1795223244
SPECIAL: dict[str, list[tuple[int, Any]]] = {
    "Time": [(1, SECONDS)],
    "MicroTime": [(1, SECONDS), (2, 123456000)],
    "Quantity": [(1, b"7")],
    "IntOrString": [(1, 0), (2, 7)],
    "RawExtension": [(1, b'{"a":1}')],
    "FieldsV1": [(1, b'{"a":1}')],
}
EXAMPLES: dict[Code, Any] = {
    Code.STRING: "x",
    Code.INT32: 7,
    Code.INT64: 7,
    Code.DOUBLE: 0.5,
    Code.BOOL: True,
    Code.BYTES: "eA==",
    Code.QUANTITY: "7",
    Code.INT_OR_STRING: 7,
    Code.TIME: "2026-11-21T01:07:24Z",
    Code.MICRO_TIME: "2026-11-21T01:07:24.123456Z",
    Code.OBJECT: {"a": 1},
    Code.ANY: {"a": 1},
}
EMPTY_STRUCTS = frozenset({"all", "basic", "single"})
"""Fields of 1.37 whose messages have no fields; the schema cannot tell them from any JSON."""
NOT_IN_TABLE = frozenset({"compatibilityGroups", "derivedAttributes", "runningInUserNamespace"})
"""Fields of 1.37 whose numbers the table of messages does not hold: on the wire they are passed over."""
TYPE_META = frozenset({"apiVersion", "kind"})


@cache
def table() -> dict[str, dict[str, tuple[int, str]]]:
    path = Path(minikube_py.api.__file__).parent / "data" / "protobuf-fields.json.gz"
    return orjson.loads(gzip.decompress(path.read_bytes()))  # type: ignore[no-any-return]


@cache
def schemas() -> Schemas:
    return Schemas(NEWEST)


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: Any) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def example_value(kind: str) -> Any:
    """A value of a field's type, as it goes onto the wire."""
    scalars: dict[str, Any] = {"string": b"x", "bytes": b"x", "bool": 1, "int32": 7, "int64": 7, "double": 0.5}
    return scalars[kind] if kind in scalars else full(kind)


@cache
def full(message: str) -> bytes:
    """A message with every field set."""
    special = SPECIAL.get(message.rpartition(".")[2])
    if special is not None:
        return b"".join(field(number, value) for number, value in special)
    parts = []
    for number, kind in table()[message].values():
        if kind.startswith("map<string,"):
            value = kind.removeprefix("map<string,").removesuffix(">")
            parts.append(field(number, field(1, b"k") + field(2, example_value(value))))
        else:
            parts.append(field(number, example_value(kind.removeprefix("repeated "))))
    return b"".join(parts)


def example(of: Type) -> Any:
    """The JSON of a value of that type with every field set."""
    if of.code is Code.STRUCT:
        fields = schemas().fields(of.definition)
        embedded = TYPE_META if "metadata" in fields or of.definition.endswith(".DeleteOptions") else frozenset()
        return {
            name: {} if name in EMPTY_STRUCTS and found.type.code is Code.ANY else example(found.type)
            for name, found in fields.items()
            if name not in NOT_IN_TABLE and name not in embedded
        }
    if of.code in (Code.LIST, Code.MAP):
        item = EXAMPLES[Code.ANY] if of.item is None else example(of.item)
        return [item] if of.code is Code.LIST else {"k": item}
    return EXAMPLES[of.code]


def bodies() -> list[tuple[str, str]]:
    kinds = {(row.api_version, row.kind) for row in BUILT_IN.rows if row.until >= 37}
    for row in BUILT_IN.rows:
        for subresource in row.subresources:
            if subresource.kind and not subresource.kind.endswith("Options"):
                api_version = f"{subresource.group}/{subresource.version}" if subresource.group else subresource.version
                kinds.add((api_version, subresource.kind))
    return sorted(kinds)


@pytest.mark.parametrize(("api_version", "kind"), bodies(), ids=lambda text: text.replace("/", " "))
def test_every_field_of_a_kind_becomes_its_json(api_version: str, kind: str) -> None:
    content = full(message_name(api_version, kind))
    unknown = field(1, field(1, api_version.encode()) + field(2, kind.encode())) + field(2, content)
    decoded = decode_request(MAGIC + unknown, schemas())
    name = schemas().definition_name(api_version, kind)
    assert name is not None
    expected = example(schemas().type_of(name))
    assert decoded == {**expected, "apiVersion": api_version, "kind": kind}


def test_every_row_has_a_message() -> None:
    rows: list[Resource] = list(BUILT_IN.rows)
    assert all(message_name(row.api_version, row.kind) for row in rows)
