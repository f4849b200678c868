"""A Swagger document as gnostic's ``openapi.v2.Document``, the protobuf form that kubectl reads OpenAPI v2 in.

Only the messages and fields that :mod:`apiserver.openapi` produces are in the tables. Numbers are those of
``openapiv2/OpenAPIv2.proto`` of github.com/google/gnostic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from minikube_py.api.meta import Object

_Encode = Callable[[Any], bytes]


def encode_document(document: Object) -> bytes:
    """The bytes of an ``openapi.v2.Document``."""
    return _message(document, _DOCUMENT)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _delimited(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _text(value: Any) -> bytes:
    return str(value).encode()


def _any(value: Any) -> bytes:
    """An ``Any``: YAML text, of which JSON is a subset."""
    return _delimited(2, orjson.dumps(value))


def _named(entries: Iterable[tuple[str, Any]], number: int, encode: _Encode) -> bytes:
    """A map as repeated ``Named…`` messages (name = 1, value = 2) in field ``number``."""
    return b"".join(
        _delimited(number, _delimited(1, name.encode()) + _delimited(2, encode(value))) for name, value in entries
    )


class _Field:
    """How one key of a JSON object becomes a field: its number, encoder and whether it repeats."""

    __slots__ = ("encode", "number", "repeated")

    def __init__(self, number: int, encode: _Encode = _text, *, repeated: bool = False) -> None:
        self.number = number
        self.encode = encode
        self.repeated = repeated


class _Flag(_Field):
    """A boolean field."""


_Table = dict[str, _Field]
_EXTENSIONS = ""
"""The key of a table under which the field of vendor extensions (``x-…``) stands."""


def _message(source: Object, table: _Table) -> bytes:
    encoded = []
    for key, value in source.items():
        if key.startswith("x-"):
            encoded.append(_named([(key, value)], table[_EXTENSIONS].number, _any))
            continue
        field = table[key]
        if isinstance(field, _Flag):
            encoded.append(_varint(field.number << 3) + (b"\x01" if value else b"\x00"))
        elif field.repeated:
            encoded.extend(_delimited(field.number, field.encode(item)) for item in value)
        else:
            encoded.append(_delimited(field.number, field.encode(value)))
    return b"".join(encoded)


def _schema(source: Object) -> bytes:
    return _message(source, _SCHEMA)


def _schemas_by_name(source: Object) -> bytes:
    return _named(source.items(), 1, _schema)


def _responses(source: Object) -> bytes:
    def response(value: Object) -> bytes:
        return _delimited(1, _message(value, _RESPONSE))

    return _named(source.items(), 1, response)


def _parameter(source: Object) -> bytes:
    """A ``ParametersItem`` holding a ``Parameter``: a body parameter, or one of the query's or path's."""
    if source["in"] == "body":
        return _delimited(1, _delimited(1, _message(source, _BODY_PARAMETER)))
    number, table = (3, _QUERY_PARAMETER) if source["in"] == "query" else (4, _PATH_PARAMETER)
    return _delimited(1, _delimited(2, _delimited(number, _message(source, table))))


def _operation(source: Object) -> bytes:
    return _message(source, _OPERATION)


def _path_item(source: Object) -> bytes:
    return _message(source, _PATH_ITEM)


_SCHEMA: _Table = {
    "$ref": _Field(1),
    "format": _Field(2),
    "title": _Field(3),
    "description": _Field(4),
    "default": _Field(5, _any),
    "pattern": _Field(13),
    "required": _Field(19, repeated=True),
    "enum": _Field(20, _any, repeated=True),
    "additionalProperties": _Field(21, lambda source: _delimited(1, _schema(source))),
    "type": _Field(22, lambda name: _delimited(1, _text(name))),
    "items": _Field(23, lambda source: _delimited(1, _schema(source))),
    "allOf": _Field(24, _schema, repeated=True),
    "properties": _Field(25, _schemas_by_name),
    _EXTENSIONS: _Field(31),
}
_RESPONSE: _Table = {
    "description": _Field(1),
    "schema": _Field(2, lambda source: _delimited(1, _schema(source))),
}
_BODY_PARAMETER: _Table = {
    "description": _Field(1),
    "name": _Field(2),
    "in": _Field(3),
    "required": _Flag(4),
    "schema": _Field(5, _schema),
}
_PATH_PARAMETER: _Table = {
    "required": _Flag(1),
    "in": _Field(2),
    "description": _Field(3),
    "name": _Field(4),
    "type": _Field(5),
    "uniqueItems": _Flag(19),
}
_QUERY_PARAMETER: _Table = {
    "required": _Flag(1),
    "in": _Field(2),
    "description": _Field(3),
    "name": _Field(4),
    "type": _Field(6),
    "uniqueItems": _Flag(20),
}
_OPERATION: _Table = {
    "tags": _Field(1, repeated=True),
    "description": _Field(3),
    "operationId": _Field(5),
    "produces": _Field(6, repeated=True),
    "consumes": _Field(7, repeated=True),
    "parameters": _Field(8, _parameter, repeated=True),
    "responses": _Field(9, _responses),
    _EXTENSIONS: _Field(13),
}
_PATH_ITEM: _Table = {
    "get": _Field(2, _operation),
    "put": _Field(3, _operation),
    "post": _Field(4, _operation),
    "delete": _Field(5, _operation),
    "patch": _Field(8, _operation),
    "parameters": _Field(9, _parameter, repeated=True),
}
_INFO: _Table = {"title": _Field(1), "version": _Field(2)}
_DOCUMENT: _Table = {
    "swagger": _Field(1),
    "info": _Field(2, lambda source: _message(source, _INFO)),
    "paths": _Field(8, lambda source: _named(source.items(), 2, _path_item)),
    "definitions": _Field(9, _schemas_by_name),
}
