"""Objects as a client in Go sends them."""

from __future__ import annotations

import base64
import json
import struct
from datetime import UTC, datetime
from typing import Any

from minikube_py.api import protobuf
from minikube_py.api.quantity import Quantity
from minikube_py.api.times import parse_time


def to_protobuf(obj: dict[str, Any]) -> bytes:
    """The object as a client in Go sends it. Raises what there is to raise for one that no typed client could hold."""
    envelope = _entry(1, _text(1, obj["apiVersion"]) + _text(2, obj["kind"]))
    rest = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}
    content = _packed(rest, protobuf.message_name(obj["apiVersion"], obj["kind"]))
    return protobuf.MAGIC + envelope + _entry(2, content)


def _packed(value: dict[str, Any], message: str) -> bytes:
    out = b""
    for number, field in protobuf._fields(message).items():
        if field.inline:
            out += _entry(number, _packed(value, field.type))
        elif value.get(field.name) is None:
            continue
        elif field.map_value:
            for key, item in value[field.name].items():
                out += _entry(number, _text(1, key) + _field(2, item, field.map_value))
        elif field.repeated:
            out += b"".join(_field(number, item, field.type) for item in value[field.name])
        else:
            out += _field(number, value[field.name], field.type)
    return out


def _field(number: int, value: Any, kind: str) -> bytes:
    if kind in ("int32", "int64", "bool"):
        return _varint(number << 3) + _varint(int(value) & 0xFFFFFFFFFFFFFFFF)
    if kind == "double":
        return _varint(number << 3 | 1) + struct.pack("<d", value)
    if kind == "bytes":
        return _entry(number, base64.b64decode(value))
    if kind == "string":
        return _text(number, value)
    match kind.rpartition(".")[2]:
        case "Quantity" | "QuantityValue":
            return _entry(number, _text(1, str(Quantity.parse(value))))
        case "IntOrString" if isinstance(value, str):
            return _entry(number, _field(1, 1, "int64") + _text(3, value))
        case "IntOrString":
            return _entry(number, _field(2, value, "int32"))
        case "Time" | "MicroTime" | "Timestamp":
            since = parse_time(value) - datetime(1970, 1, 1, tzinfo=UTC)
            return _entry(number, _field(1, since.days * 86400 + since.seconds, "int64"))
        case "FieldsV1" | "RawExtension" | "JSON":
            return _entry(number, _entry(1, json.dumps(value).encode()))
        case "ExtraValue" | "Verbs":
            return _entry(number, b"".join(_text(1, item) for item in value))
    return _entry(number, _packed(value, kind))


def _text(number: int, value: str) -> bytes:
    return _entry(number, value.encode())


def _entry(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])
