"""The check of an applied configuration against the schema of its kind, and the set of the fields that it names.

A configuration is looked at as it was sent: ``replicas: 0`` and ``paused: false`` are fields that their sender has an
opinion on, though Go may drop them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from minikube_py.api.apply.fieldset import LEAF, SELF, FieldSet, Path, in_order, item_key, show, value_key
from minikube_py.api.apply.shapes import DEFAULT_KEYS, Form, Shape, item_values
from minikube_py.api.fields import Code
from minikube_py.api.go_format import go_format, go_type

MAX_DEPTH = 1000


class InvalidConfiguration(ValueError):
    """A configuration that the schema does not allow; the message is upstream's, all faults in one."""


def check(config: Any, shape: Shape) -> None:
    """Refuses a configuration with unknown fields, values of wrong types or list items that cannot be told apart.

    Raises InvalidConfiguration.
    """
    faults = [f"{show(path)}: {message}" if path else message for path, message in _faults(config, shape, ())]
    if len(faults) == 1:
        raise InvalidConfiguration(faults[0])
    if faults:
        raise InvalidConfiguration("\n".join(["errors:", *(f"  {fault}" for fault in faults)]))


def _faults(value: Any, shape: Shape, path: Path) -> Iterator[tuple[Path, str]]:
    if value is None or shape.type.code in (Code.ANY, Code.OBJECT):
        return
    match shape.type.code:
        case Code.STRUCT:
            yield from _struct_faults(value, shape, path)
        case Code.MAP:
            yield from _map_faults(value, shape, path)
        case Code.LIST:
            yield from _list_faults(value, shape, path)
        case Code.BOOL:
            if type(value) is not bool:
                yield path, f"expected boolean, got {go_type(value)}"
        case Code.INT32 | Code.INT64 | Code.DOUBLE:
            if type(value) not in (int, float):
                yield path, f"expected numeric (int or float), got {go_type(value)}"
        case Code.QUANTITY | Code.INT_OR_STRING:
            if type(value) not in (int, float, str):
                yield path, f"expected string, got {go_type(value)}"
        case _:
            if type(value) is not str:
                yield path, f"expected string, got {go_type(value)}"


def _struct_faults(value: Any, shape: Shape, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(value, dict):
        yield path, f"expected map, got &{{{go_format(value)}}}"
        return
    members = shape.members
    for name, item in value.items():
        member = members.get(name)
        if member is None:
            yield (*path, f"f:{name}"), "field not declared in schema"
        else:
            yield from _faults(item, member.shape, (*path, member.key))


def _map_faults(value: Any, shape: Shape, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(value, dict):
        yield path, f"expected map, got &{{{go_format(value)}}}"
        return
    for name, item in value.items():
        yield from _faults(item, shape.item or shape, (*path, f"f:{name}"))


def _list_faults(value: Any, shape: Shape, path: Path) -> Iterator[tuple[Path, str]]:
    if not isinstance(value, list):
        yield path, f"expected list, got &{{{go_format(value)}}}"
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        element = f"i:{index}"
        if shape.form in (Form.LIST, Form.SET):
            fault = _item_fault(item, shape)
            if fault:
                yield path, f"element {index}: {fault}"
                continue
            element = element_of(item, shape)
            if element in seen:
                yield path, f"duplicate entries for key {show((element,))}"
            seen.add(element)
        yield from _faults(item, shape.item or shape, (*path, element))


def _item_fault(item: Any, shape: Shape) -> str:
    """Why an item cannot be told from others; empty where it can."""
    if shape.form is Form.SET:
        if item is None:
            return "associative list without keys has an element that's an explicit null"
        if isinstance(item, dict | list):
            kind = "a map type" if isinstance(item, dict) else "a list type"
            return f"associative list without keys has an element that's {kind}"
        return ""
    if item is None:
        return "associative list with keys may not have a null element"
    if not isinstance(item, dict):
        return "associative list with keys may not have non-map elements"
    for key in shape.keys:
        value = item.get(key)
        if value is None and key not in DEFAULT_KEYS:
            shown = orjson.dumps(key).decode()
            return (
                f"associative list with keys has an element that omits key field {shown} "
                "(and doesn't have default value)"
            )
        if isinstance(value, dict | list):
            return (
                f"associative list with keys has an element whose key field {orjson.dumps(key).decode()} is no scalar"
            )
    return ""


def element_of(item: Any, shape: Shape) -> str:
    """The path element of an item of a list or a set."""
    return value_key(item) if shape.form is Form.SET else item_key(item_values(item, shape.keys))


def fields_of(value: Any, shape: Shape) -> FieldSet:
    """The fields that a checked configuration names.

    A field that only holds others is not itself one of them; an item of a list or a map is.
    """
    fields: FieldSet = {}
    if not value or shape.form is Form.LEAF:
        return fields
    if shape.form is Form.STRUCT:
        members = shape.members
        for name, item in value.items():
            member = members.get(name)
            if member is None:
                continue
            node = _node(item, member.shape)
            if node is not None:
                fields[member.key] = node
    elif shape.form is Form.MAP:
        below = shape.item or shape
        for name, item in value.items():
            fields[f"f:{name}"] = _item(item, below)
    else:
        below = shape.item or shape
        for item in value:
            fields[element_of(item, shape)] = _item(item, below)
    return in_order(fields) if len(fields) > 1 else fields


def _node(value: Any, shape: Shape) -> FieldSet | None:
    """The set of a struct's field; None where it names nothing."""
    if value is None or shape.form is Form.LEAF or value == {}:
        return LEAF
    return fields_of(value, shape) or None


def _item(value: Any, shape: Shape) -> FieldSet:
    below = fields_of(value, shape)
    return {SELF: LEAF, **below} if below else LEAF
