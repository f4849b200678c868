r"""Protobuf request bodies to the dictionaries that their JSON form gives.

A body is the magic ``k8s\0`` and a ``runtime.Unknown`` that names the kind and wraps the object. Messages are decoded
by a table of field numbers and types (``data/protobuf-fields.json.gz``), read on the first such request. Go writes
fields that are no pointers even where they are zero; :meth:`Schemas.decode_check` takes those out again, as it does
for JSON, so the result here keeps every field that is on the wire.
"""

from __future__ import annotations

import base64
import functools
import gzip
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from minikube_py.api.meta import Object
from minikube_py.api.times import format_micro_time, format_time

if TYPE_CHECKING:
    from minikube_py.api.schema import Schemas

MAGIC = b"k8s\0"
MAX_DEPTH = 100
"""The most messages within messages."""

_META = "k8s.io.apimachinery.pkg.apis.meta.v1"
_RUNTIME = "k8s.io.apimachinery.pkg.runtime"
_PACKAGES = {
    "": "k8s.io.api.core",
    "apiextensions.k8s.io": "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions",
    "apiregistration.k8s.io": "k8s.io.kube_aggregator.pkg.apis.apiregistration",
    "internal.apiserver.k8s.io": "k8s.io.api.apiserverinternal",
    "meta.k8s.io": "k8s.io.apimachinery.pkg.apis.meta",
    "metrics.k8s.io": "k8s.io.metrics.pkg.apis.metrics",
}
_INLINE = frozenset(
    {
        "deviceConfiguration",
        "ephemeralContainerCommon",
        "handler",
        "ingressRuleValue",
        "localObjectReference",
        "persistentVolumeSource",
        "rule",
        "ruleWithOperations",
        "volumeSource",
    }
)
"""Messages whose fields the JSON form has one level higher."""
_RENAMED = {"aPIGroup": "apiGroup", "uID": "uid"}
_AS_WRITTEN = frozenset({"k8s.io.api.core.v1.DaemonEndpoint"})
"""Messages whose fields begin with a capital in JSON too."""
_SCHEMA_RENAMED = {"ref": "$ref", "schema": "$schema"}


class ProtobufError(ValueError):
    """A body that is no Kubernetes protobuf, is cut short, or names a kind that is not known."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    type: str
    """A scalar's name, or a message's."""
    repeated: bool = False
    map_value: str = ""
    inline: bool = False


def decode_request(body: bytes, schemas: Schemas | None = None) -> Object:
    """The object in a body, with its ``apiVersion`` and ``kind``. Raises ProtobufError.

    With ``schemas``, a kind that their version does not have is refused.
    """
    if not body.startswith(MAGIC):
        raise ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    type_meta: Object = {}
    raw = memoryview(b"")
    for number, value in _entries(memoryview(body)[len(MAGIC) :]):
        if number == 1:
            type_meta = _message(_bytes(value), f"{_RUNTIME}.TypeMeta", 0)
        elif number == 2:
            raw = _bytes(value)
        elif number == 3 and value:
            raise ProtobufError(f"unsupported content encoding: {_string(value)}")
    api_version, kind = type_meta.get("apiVersion") or "", type_meta.get("kind") or ""
    if not api_version or not kind:
        raise ProtobufError("Object 'Kind' or 'apiVersion' is missing in the protobuf envelope")
    if schemas is not None and schemas.definition_name(api_version, kind) is None:
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    return {"kind": kind, "apiVersion": api_version, **_message(raw, message_name(api_version, kind), 0)}


def message_name(api_version: str, kind: str) -> str:
    """The message of a kind. Raises ProtobufError where the table has none."""
    group, _, version = api_version.rpartition("/")
    package = _PACKAGES.get(group) or f"k8s.io.api.{group.partition('.')[0]}"
    for name in (f"{package}.{version}.{kind}", f"{_META}.{kind}"):
        if name in _table():
            return name
    raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')


_MESSAGE = re.compile(rb'"([^"]+)":\s*(\{[^{}]*\})')


@functools.cache
def _table() -> dict[str, bytes]:
    """The fields of every message as JSON text, which is far smaller than the decoded table."""
    packed = (Path(__file__).parent / "data" / "protobuf-fields.json.gz").read_bytes()
    # Cut out and not parsed: what parsing makes for a moment would keep 5 MB of the process for good.
    return {found[1].decode(): found[2] for found in _MESSAGE.finditer(gzip.decompress(packed))}


@functools.cache
def _fields(message: str) -> Mapping[int, _Field]:
    text = _table().get(message)
    if text is None:
        raise ProtobufError(f"unknown message {message}")
    return {number: _field(message, name, kind) for name, (number, kind) in orjson.loads(text).items()}


def _field(message: str, name: str, kind: str) -> _Field:
    shown = name if message in _AS_WRITTEN else _RENAMED.get(name) or name[0].lower() + name[1:]
    if message.endswith(".JSONSchemaProps"):
        shown = _SCHEMA_RENAMED.get(name) or shown
        if name.startswith("xKubernetes"):
            shown = re.sub(r"([A-Z])", lambda match: f"-{match[1].lower()}", name)
    if kind.startswith("map<string,"):
        return _Field(shown, "map", map_value=kind.removeprefix("map<string,").removesuffix(">"))
    repeated = kind.startswith("repeated ")
    kind = kind.removeprefix("repeated ")
    return _Field(shown, kind, repeated=repeated, inline=name in _INLINE and kind not in _SCALARS)


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(data):
            raise ProtobufError("unexpected EOF")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position
        shift += 7
        if shift >= 70:
            raise ProtobufError("proto: integer overflow")


def _entries(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Every field on the wire: its number, and an integer or the bytes."""
    position, end = 0, len(data)
    while position < end:
        tag, position = _varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise ProtobufError("proto: illegal tag 0")
        if wire_type == 0:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire_type == 2:
            length, position = _varint(data, position)
        elif wire_type in (1, 5):
            length = 8 if wire_type == 1 else 4
        else:
            raise ProtobufError(f"proto: illegal wireType {wire_type}")
        if length > end - position:
            raise ProtobufError("unexpected EOF")
        yield number, data[position : position + length]
        position += length


def _message(data: memoryview, message: str, depth: int) -> Object:
    """A message as its fields, whatever its JSON form is."""
    if depth > MAX_DEPTH:
        raise ProtobufError(f"messages are nested more than {MAX_DEPTH} levels")
    fields = _fields(message)
    decoded: Object = {}
    for number, value in _entries(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.map_value:
            key, item = _map_entry(value, field.map_value, depth)
            decoded.setdefault(field.name, {})[key] = item
        elif field.repeated:
            decoded.setdefault(field.name, []).extend(_items(value, field.type, depth))
        else:
            item = _value(value, field.type, depth)
            if field.inline:
                decoded.update(item)
            elif item is not None:
                decoded[field.name] = item
    return decoded


def _items(value: int | memoryview, kind: str, depth: int) -> list[Any]:
    if isinstance(value, memoryview) and kind in ("int32", "int64", "bool"):
        packed, position = [], 0
        while position < len(value):
            number, position = _varint(value, position)
            packed.append(_SCALARS[kind](number))
        return packed
    return [_value(value, kind, depth)]


def _map_entry(value: int | memoryview, kind: str, depth: int) -> tuple[str, Any]:
    key, item = "", _value(_EMPTY[kind], kind, depth) if kind in _EMPTY else _value(memoryview(b""), kind, depth)
    for number, content in _entries(_bytes(value)):
        if number == 1:
            key = _string(content)
        elif number == 2:
            item = _value(content, kind, depth)
    return key, item


def _value(value: int | memoryview, kind: str, depth: int) -> Any:
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        return scalar(value)
    special = _SPECIAL.get(kind.rpartition(".")[2])
    decoded = _message(_bytes(value), kind, depth + 1)
    return special(decoded) if special is not None else decoded


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ProtobufError("proto: wrong wireType = 0")
    return value


def _string(value: int | memoryview) -> str:
    try:
        return str(_bytes(value), "utf-8")
    except UnicodeDecodeError:
        raise ProtobufError("a string field contains invalid UTF-8") from None


def _integer(bits: int) -> Callable[[int | memoryview], int]:
    def decode(value: int | memoryview) -> int:
        if not isinstance(value, int):
            raise ProtobufError("proto: wrong wireType = 2")
        value &= (1 << bits) - 1
        return value - (1 << bits) if value >> (bits - 1) else value

    return decode


def _bool(value: int | memoryview) -> bool:
    return _integer(64)(value) != 0


def _double(value: int | memoryview) -> float:
    data = _bytes(value)
    if len(data) != 8:
        raise ProtobufError("proto: wrong wireType for a double")
    number: float = struct.unpack("<d", data)[0]
    return number


def _base64(value: int | memoryview) -> str:
    return base64.b64encode(_bytes(value)).decode()


_SCALARS: dict[str, Callable[[int | memoryview], Any]] = {
    "string": _string,
    "bytes": _base64,
    "bool": _bool,
    "int32": _integer(32),
    "int64": _integer(64),
    "double": _double,
}
_EMPTY: dict[str, int | memoryview] = {"bool": 0, "int32": 0, "int64": 0, "double": memoryview(bytes(8))}


def _time(decoded: Object) -> str | None:
    return format_time(_instant(decoded)) if decoded else None


def _micro_time(decoded: Object) -> str | None:
    return format_micro_time(_instant(decoded)) if decoded else None


def _instant(decoded: Object) -> datetime:
    try:
        offset = timedelta(seconds=decoded.get("seconds", 0), microseconds=decoded.get("nanos", 0) // 1000)
        return datetime(1970, 1, 1, tzinfo=UTC) + offset
    except OverflowError:
        raise ProtobufError("a time is out of range") from None


def _int_or_string(decoded: Object) -> int | str:
    number: int = decoded.get("intVal", 0)
    text: str = decoded.get("strVal", "")
    return text if decoded.get("type") else number


def _raw(decoded: Object) -> Any:
    raw = base64.b64decode(decoded.get("raw") or "")
    if not raw:
        return None
    if raw.startswith(MAGIC):
        return decode_request(raw)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ProtobufError(f"an embedded object is no JSON: {error.msg}") from None


def _schema_or_array(decoded: Object) -> Any:
    return decoded["schema"] if "schema" in decoded else decoded.get("jSONSchemas", [])


def _schema_or_bool(decoded: Object) -> Any:
    return decoded["schema"] if "schema" in decoded else decoded.get("allows", False)


def _schema_or_strings(decoded: Object) -> Any:
    return decoded["schema"] if "schema" in decoded else decoded.get("property", [])


def _strings(decoded: Object) -> list[str]:
    items: list[str] = decoded.get("items", [])
    return items


def _quantity(decoded: Object) -> str:
    return decoded.get("string") or "0"


_SPECIAL: dict[str, Callable[[Object], Any]] = {
    "AttestationValue": _strings,
    "ExtraValue": _strings,
    "FieldsV1": _raw,
    "IntOrString": _int_or_string,
    "JSON": _raw,
    "JSONSchemaPropsOrArray": _schema_or_array,
    "JSONSchemaPropsOrBool": _schema_or_bool,
    "JSONSchemaPropsOrStringArray": _schema_or_strings,
    "MicroTime": _micro_time,
    "Quantity": _quantity,
    "QuantityValue": _quantity,
    "RawExtension": _raw,
    "Time": _time,
    "Timestamp": _time,
    "Verbs": _strings,
}
"""Messages whose JSON form is not an object of their fields, by name."""
