"""Reads a JSON value into a typed one, as Go's decoder does for the API types.

What is wrong is collected, not raised: every mismatch with Go's message and every unknown field with its path.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from minikube_py.api.fields import Code, Field, Type
from minikube_py.api.quantity import Quantity
from minikube_py.api.times import format_micro_time, format_time, parse_time

_TEXTS = frozenset({str})
_CANONICAL_TIME = re.compile(
    r"[1-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", re.ASCII
)
"""A time that is one for certain; what else may be is parsed."""
MAX_DEPTH = 128
"""How deeply a value without a schema may be nested; what holds it is nested itself, and written as a whole."""
_PLAIN_QUANTITY = re.compile(r"0|[1-9][0-9]{0,2}(m|Mi|Gi|)", re.ASCII)

Path = tuple[Any, ...] | None
"""A linked path: ``(parent, key or index, definition of the struct that holds the field, or "")``."""


@dataclass(frozen=True, slots=True)
class TypeMismatch:
    """A value that the field at ``path`` cannot hold; ``message`` is Go's.

    ``given`` is the value's JSON type and ``wanted`` the field's Go type, where those are what does not match.
    """

    path: str
    message: str
    given: str = ""
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome: mismatches and unknown paths in document order, and the value without what is unknown.

    Where there are mismatches ``pruned`` lacks the values concerned.
    """

    type_errors: list[TypeMismatch]
    unknown: list[str]
    pruned: Any


class _Absent:
    """What stands for a value that could not be read."""


_ABSENT = _Absent()


class Decoder:
    """One decoding; ``fields`` gives the fields of a definition."""

    def __init__(self, fields: Callable[[str], Mapping[str, Field]]) -> None:
        self._fields = fields
        self._type_errors: list[TypeMismatch] = []
        self._unknown: list[str] = []

    def decode(self, value: Any, expected: Type) -> Checked:
        """The value as one of type ``expected``; null is the type's zero value."""
        decoded = self._value(value, expected, None) if value is not None else _zero(expected)
        return Checked(self._type_errors, self._unknown, {} if decoded is _ABSENT else decoded)

    def _value(self, value: Any, expected: Type, path: Path) -> Any:
        match expected.code:
            case Code.STRING:
                return value if type(value) is str else self._mismatch(value, expected, path)
            case Code.STRUCT:
                return self._struct(value, expected, path)
            case Code.LIST:
                return self._list(value, expected, path)
            case Code.MAP:
                return self._map(value, expected, path)
            case Code.BOOL:
                return value if type(value) is bool else self._mismatch(value, expected, path)
            case Code.INT32 | Code.INT64 | Code.DOUBLE:
                return self._number(value, expected, path)
            case Code.ANY:
                return self._free(value, path)
            case Code.OBJECT:
                return self._free(value, path) if type(value) is dict else self._mismatch(value, expected, path)
        return self._text(value, expected, path)

    def _free(self, value: Any, path: Path) -> Any:
        return value if _is_within(value, MAX_DEPTH) else self._failed("json: exceeded max depth", path)

    def _struct(self, value: Any, expected: Type, path: Path) -> Any:
        if type(value) is not dict:
            return self._mismatch(value, expected, path)
        definition = expected.definition
        fields = self._fields(definition)
        decoded: dict[str, Any] = {}
        for key, item in value.items():
            field = fields.get(key)
            if field is None:
                self._unknown.append(_shown((path, key, definition)))
                continue
            wanted = field.type
            if item is None:
                if wanted.code is Code.ANY:
                    decoded[key] = None
                continue
            if not (type(item) is str and wanted.code is Code.STRING):
                item = self._value(item, wanted, (path, key, definition))
                if item is _ABSENT or item is None:
                    continue
            if item or not field.drops_empty:
                decoded[key] = item
        return decoded

    def _list(self, value: Any, expected: Type, path: Path) -> Any:
        if type(value) is not list:
            return self._mismatch(value, expected, path)
        wanted = expected.item or Type(Code.ANY)
        decoded = []
        for index, item in enumerate(value):
            read = self._value(item, wanted, (path, index, "")) if item is not None else _zero(wanted)
            if read is not _ABSENT:
                decoded.append(read)
        return decoded

    def _map(self, value: Any, expected: Type, path: Path) -> Any:
        if type(value) is not dict:
            return self._mismatch(value, expected, path)
        wanted = expected.item or Type(Code.ANY)
        if wanted.code is Code.STRING and set(map(type, value.values())) <= _TEXTS:
            return value
        decoded = {}
        for key, item in value.items():
            read = self._value(item, wanted, (path, key, "")) if item is not None else _zero(wanted)
            if read is not _ABSENT:
                decoded[key] = read
        return decoded

    def _number(self, value: Any, expected: Type, path: Path) -> Any:
        if type(value) is int:
            bits = 31 if expected.code is Code.INT32 else 63
            if expected.code is Code.DOUBLE or -(1 << bits) <= value < 1 << bits:
                return value
            return self._mismatch(value, expected, path, shown=f"number {value}")
        if type(value) is float:
            if expected.code is Code.DOUBLE:
                return value
            return self._mismatch(value, expected, path, shown=f"number {value!r}")
        return self._mismatch(value, expected, path)

    def _text(self, value: Any, expected: Type, path: Path) -> Any:
        match expected.code:
            case Code.QUANTITY:
                return self._quantity(value, path)
            case Code.INT_OR_STRING:
                return value if type(value) is str else self._number(value, Type(Code.INT32), path)
            case Code.BYTES:
                return self._bytes(value, expected, path)
        return self._time(value, expected, path)

    def _quantity(self, value: Any, path: Path) -> Any:
        if type(value) is str and _PLAIN_QUANTITY.fullmatch(value):
            return value
        try:
            return str(Quantity.parse(value))
        except ValueError as error:
            return self._failed(str(error), path)

    def _bytes(self, value: Any, expected: Type, path: Path) -> Any:
        if type(value) is not str:
            return self._mismatch(value, expected, path)
        text = value.replace("\n", "").replace("\r", "")
        try:
            base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return self._failed(f"illegal base64 data at input byte {_first_illegal(text)}", path)
        return text

    def _time(self, value: Any, expected: Type, path: Path) -> Any:
        if type(value) is not str:
            return self._mismatch(value, Type(Code.STRING), path)
        if expected.code is Code.TIME and _CANONICAL_TIME.fullmatch(value):
            return value
        try:
            instant = parse_time(value)
        except (ValueError, OverflowError):
            layout = "2006-01-02T15:04:05Z07:00" if expected.code is Code.TIME else "2006-01-02T15:04:05.000000Z07:00"
            return self._failed(f'parsing time "{value}" as "{layout}": cannot parse "{value}" as "2006"', path)
        return format_time(instant) if expected.code is Code.TIME else format_micro_time(instant)

    def _mismatch(self, value: Any, expected: Type, path: Path, shown: str = "") -> Any:
        where = _go_field(path)
        target = f"Go struct field {where}" if where else "Go value"
        message = f"json: cannot unmarshal {shown or _go_kind(value)} into {target} of type {expected.go_name}"
        return self._failed(message, path, _go_kind(value), expected.go_name)

    def _failed(self, message: str, path: Path, given: str = "", wanted: str = "") -> Any:
        self._type_errors.append(TypeMismatch(_shown(path), message, given, wanted))
        return _ABSENT


def _is_within(value: Any, depth: int) -> bool:
    """Whether lists and objects are nested no deeper than this."""
    if type(value) is dict:
        return depth > 0 and all(_is_within(item, depth - 1) for item in value.values())
    if type(value) is list:
        return depth > 0 and all(_is_within(item, depth - 1) for item in value)
    return True


def _zero(expected: Type) -> Any:
    """What Go holds where a list's item or a map's value is null."""
    match expected.code:
        case Code.STRING | Code.BYTES:
            return ""
        case Code.STRUCT | Code.MAP:
            return {}
        case Code.LIST:
            return []
        case Code.BOOL:
            return False
        case Code.INT32 | Code.INT64 | Code.DOUBLE | Code.INT_OR_STRING:
            return 0
        case Code.QUANTITY:
            return "0"
    return None


def _links(path: Path) -> list[tuple[Any, str]]:
    links: list[tuple[Any, str]] = []
    while path is not None:
        links.append((path[1], path[2]))
        path = path[0]
    links.reverse()
    return links


def _shown(path: Path) -> str:
    """``spec.containers[0].name``."""
    text = ""
    for key, _ in _links(path):
        if type(key) is int:
            text += f"[{key}]"
        else:
            text += f".{key}" if text else str(key)
    return text


def _go_field(path: Path) -> str:
    """``Container.spec.containers.name``: the innermost struct's name, then the fields from the root."""
    links = _links(path)
    fields = [key for key, definition in links if definition]
    struct = next((definition for _, definition in reversed(links) if definition), "")
    return ".".join([struct.rpartition(".")[2], *fields]) if fields else ""


def _go_kind(value: Any) -> str:
    if value is True or value is False:
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object"


def _first_illegal(text: str) -> int:
    """The offset that Go's decoder names: the first character outside the alphabet, or where padding fails."""
    for index, character in enumerate(text):
        if character == "=" or not (character.isascii() and (character.isalnum() or character in "+/")):
            return index
    return len(text)
