"""The set of an object's fields, and the sets of what differs between two objects.

Objects are in the form in which they are stored: checked against their schema, with Go's zero values left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from minikube_py.api.apply.fieldset import EMPTY, LEAF, SELF, FieldSet, in_order, item_key, value_key
from minikube_py.api.apply.shapes import Form, Member, Shape, item_values

_LEAF_FORM, _STRUCT, _MAP, _LIST = Form.LEAF, Form.STRUCT, Form.MAP, Form.LIST


class Difference(NamedTuple):
    """What a write did to an object."""

    changed: FieldSet
    """The fields that were added or have another value now."""
    removed: FieldSet


NOTHING = Difference(EMPTY, EMPTY)


def created(obj: Mapping[str, Any], shape: Shape) -> FieldSet:
    """What a create sets: the difference from the empty object."""
    fields = {}
    members = shape.members
    for name, value in obj.items():
        member = members.get(name)
        if member is None:
            continue
        node = _from_nothing(value, member)
        if node is not None:
            fields[member.key] = node
    return dict(sorted(fields.items())) if len(fields) > 1 else fields


def _from_nothing(value: Any, member: Member) -> FieldSet | None:
    """The set of a field that was absent; None where having it makes no difference to Go."""
    shape = member.shape
    if not member.always:
        return LEAF if shape.form is _LEAF_FORM or not value else _whole(value, shape)
    if not value:
        # A list that is there but empty is another thing than Go's nil; an empty struct or a zero is not.
        return LEAF if type(value) is list else None
    if shape.form is _LEAF_FORM:
        return LEAF
    node = created(value, shape) if shape.form is _STRUCT else _below(value, shape)
    return node or None


def _whole(value: Any, shape: Shape) -> FieldSet:
    """The set of a value that is new as a whole: itself and everything below it."""
    return {SELF: LEAF, **_below(value, shape)}


def _below(value: Any, shape: Shape) -> FieldSet:
    """Everything below a value that is not empty and not a leaf."""
    form = shape.form
    fields: FieldSet = {}
    if form is _STRUCT:
        members = shape.members
        for name, item in value.items():
            member = members.get(name)
            if member is None:
                continue
            below = member.shape
            if not item or below.form is _LEAF_FORM:
                fields[member.key] = LEAF
            else:
                fields[member.key] = {SELF: LEAF, **_below(item, below)}
        return dict(sorted(fields.items()))
    below = shape.item or shape
    if form is _MAP:
        if below.form is _LEAF_FORM:
            return {f"f:{key}": LEAF for key in sorted(value)}
        return {f"f:{key}": _whole(value[key], below) if value[key] else LEAF for key in sorted(value)}
    if form is _LIST:
        for item in value:
            key = item_key(item_values(item, shape.keys))
            fields[key] = LEAF if not item or below.form is _LEAF_FORM else _whole(item, below)
        return in_order(fields) if len(fields) > 1 else fields
    return in_order({value_key(item): LEAF for item in value})


def difference(old: Mapping[str, Any], new: Mapping[str, Any], shape: Shape) -> Difference:
    """What differs between two objects of a kind."""
    if old == new:
        return NOTHING
    changed: FieldSet = {}
    removed: FieldSet = {}
    _struct(old, new, shape, changed, removed)
    return Difference(in_order(changed) if len(changed) > 1 else changed, removed)


def _differs(old: Any, new: Any, key: str, shape: Shape, changed: FieldSet, removed: FieldSet) -> None:
    """Puts under ``key`` what differs between two values, both present and not equal."""
    form = shape.form
    if form is _LEAF_FORM or not (old or new) or type(old) is not type(new):
        changed[key] = LEAF
        return
    more: FieldSet = {}
    less: FieldSet = {}
    if form is _STRUCT:
        _struct(old, new, shape, more, less)
    elif form is _MAP:
        _map(old, new, shape, more, less)
    elif form is _LIST:
        _list(old, new, shape, more, less)
    else:
        _set(old, new, more, less)
    if more:
        changed[key] = in_order(more) if len(more) > 1 else more
    if less:
        removed[key] = less


def _struct(old: Mapping[str, Any], new: Mapping[str, Any], shape: Shape, changed: FieldSet, removed: FieldSet) -> None:
    members = shape.members
    more: list[tuple[str, FieldSet]] = []
    for name, value in new.items():
        member = members.get(name)
        if member is None:
            continue
        before = old.get(name)
        if before is not None or name in old:
            if before != value:
                _differs(before, value, member.key, member.shape, changed, removed)
        else:
            node = _from_nothing(value, member)
            if node is not None:
                more.append((member.key, node))
    for name, value in old.items():
        if name in new:
            continue
        member = members.get(name)
        if member is not None:
            node = _from_nothing(value, member)
            if node is not None:
                removed[member.key] = node
    if more:
        changed.update(more)


def _map(old: Mapping[str, Any], new: Mapping[str, Any], shape: Shape, changed: FieldSet, removed: FieldSet) -> None:
    below = shape.item or shape
    for name, value in new.items():
        if name not in old:
            changed[f"f:{name}"] = LEAF if below.form is _LEAF_FORM or not value else _whole(value, below)
        elif old[name] != value:
            _differs(old[name], value, f"f:{name}", below, changed, removed)
    for name, value in old.items():
        if name not in new:
            removed[f"f:{name}"] = LEAF if below.form is _LEAF_FORM or not value else _whole(value, below)


def _list(old: list[Any], new: list[Any], shape: Shape, changed: FieldSet, removed: FieldSet) -> None:
    below = shape.item or shape
    before, after = _grouped(old, shape), _grouped(new, shape)
    for key, items in after.items():
        others = before.get(key)
        if others is None:
            changed[key] = LEAF if below.form is _LEAF_FORM or not items[0] else _whole(items[0], below)
        elif len(items) > 1 or len(others) > 1:
            # Items with the same key cannot be told apart: they are compared and owned together.
            if items != others:
                changed[key] = LEAF
        elif items[0] != others[0]:
            _differs(others[0], items[0], key, below, changed, removed)
    for key, items in before.items():
        if key not in after:
            removed[key] = LEAF if below.form is _LEAF_FORM or not items[0] else _whole(items[0], below)


def _grouped(items: list[Any], shape: Shape) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for item in items:
        grouped.setdefault(item_key(item_values(item, shape.keys)), []).append(item)
    return grouped


def _set(old: list[Any], new: list[Any], changed: FieldSet, removed: FieldSet) -> None:
    before = {value_key(item) for item in old}
    after = {value_key(item) for item in new}
    changed.update((key, LEAF) for key in sorted(after - before))
    removed.update((key, LEAF) for key in sorted(before - after))
