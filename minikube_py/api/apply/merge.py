"""An applied configuration laid over an object, and fields taken out of an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minikube_py.api.apply.configuration import element_of
from minikube_py.api.apply.fieldset import LEAF, SELF, FieldSet, is_member
from minikube_py.api.apply.shapes import Form, Shape


def merged(live: Any, config: Any, shape: Shape) -> Any:
    """A value with what a checked configuration says of it; the arguments are not changed.

    A null stays in the result, for the decoding that follows to make of it what it makes of every null.
    """
    if shape.form is Form.LEAF or not live:
        return config
    if not config:
        return live
    if shape.form in (Form.LIST, Form.SET):
        return _merged_list(live, config, shape)
    result = dict(live)
    for name, value in config.items():
        below = _below(shape, name)
        result[name] = value if below is None or name not in result else merged(result[name], value, below)
    return result


def _below(shape: Shape, name: str) -> Shape | None:
    if shape.form is Form.MAP:
        return shape.item
    member = shape.members.get(name)
    return member.shape if member is not None else None


def _merged_list(live: list[Any], config: list[Any], shape: Shape) -> list[Any]:
    """The items of both: those of the configuration in its order, the others where they stood between them."""
    left = [(element_of(item, shape), item) for item in live]
    mine = {element_of(item, shape): item for item in config}
    old = dict(reversed(left))
    wanted = iter([key for key in mine if key in old])
    next_shared = next(wanted, None)
    result: list[Any] = []
    right = list(mine)
    i = j = 0
    while i < len(left) or j < len(right):
        key = left[i][0] if i < len(left) else None
        if key is not None and key not in mine:
            result.append(left[i][1])
            i += 1
        elif key is not None and j < len(right) and key not in (right[j], next_shared):
            # Shared, but it comes where the configuration has it.
            i += 1
        elif j < len(right):
            taken = right[j]
            result.append(_merged_item(old[taken], mine[taken], shape) if taken in old else mine[taken])
            j += 1
            if taken == next_shared:
                next_shared = next(wanted, None)
            if taken == key:
                i += 1
        else:
            i += 1
    return result


def _merged_item(live: Any, config: Any, shape: Shape) -> Any:
    return merged(live, config, shape.item) if shape.item is not None else config


def without(value: Any, fields: FieldSet, shape: Shape) -> Any:
    """A value less the fields of a set; None where nothing is left of a list or a map."""
    if not value:
        return value
    if shape.form is Form.LEAF:
        return value
    if shape.form in (Form.LIST, Form.SET):
        items = list(_items_without(value, fields, shape))
        return items or None
    result = {}
    members = shape.members
    for name, item in value.items():
        node = fields.get(f"f:{name}")
        if node is None:
            result[name] = item
            continue
        below = _below(shape, name)
        rest = None if is_member(node) else item if below is None else without(item, node, below)
        if rest is not None:
            result[name] = rest
        elif name in members and members[name].always and isinstance(item, dict):
            # A struct that Go holds by value is there even when nothing is in it.
            result[name] = {}
    return result or None


def _items_without(items: list[Any], fields: FieldSet, shape: Shape) -> Iterator[Any]:
    for item in items:
        node = fields.get(element_of(item, shape))
        if node is None:
            yield item
        elif not is_member(node):
            rest = without(item, node, shape.item) if shape.item is not None else item
            if rest is not None:
                yield rest


def with_parents(fields: FieldSet, shape: Shape) -> FieldSet:
    """The set with every field of a struct that holds members of it made a member too."""
    result: FieldSet = {}
    for key, node in fields.items():
        if key == SELF or not node:
            result[key] = node
            continue
        member = shape.members.get(key[2:]) if shape.form is Form.STRUCT else None
        below = member.shape if member is not None else shape.item
        inner = with_parents(node, below) if below is not None else node
        result[key] = {SELF: LEAF, **inner} if member is not None and SELF not in inner else inner
    return result
