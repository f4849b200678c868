"""Sets of field paths as FieldsV1 writes them: nested dictionaries whose keys are path elements.

A key is ``f:name`` (a field, or a key of a map), ``k:{"name":"a"}`` (the item of a list with these values of its
keys), ``v:"a"`` (the item of a set) or ``i:0`` (an index). A path is in the set where its dictionary is empty, or
holds the key ``.`` beside the paths below it. Every dictionary below the root holds something or is such a leaf, so
that equal sets are equal dictionaries.

Sets are never changed in place: they share what they have in common, with each other and with stored objects. An
operation that would leave its first argument as it was returns that very argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

FieldSet = dict[str, Any]
"""A set of paths."""
Path = tuple[str, ...]
"""The keys that lead to one member."""

SELF = "."
LEAF: FieldSet = {}
"""The only child of a path that is a member and has no members below it."""
EMPTY: FieldSet = {}
MAX_DEPTH = 200


class InvalidFields(ValueError):
    """A set that is not one: its message is upstream's where upstream has one."""


def is_member(node: FieldSet) -> bool:
    """Whether the path that leads to ``node`` is itself in the set."""
    return not node or SELF in node


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths in either set."""
    if not left or left is right:
        return right
    merged: FieldSet | None = None
    for key, node in right.items():
        mine = left.get(key)
        joined = node if mine is None else _union_node(mine, node)
        if joined is not mine:
            if merged is None:
                merged = dict(left)
            merged[key] = joined
    return left if merged is None else in_order(merged)


def _union_node(left: FieldSet, right: FieldSet) -> FieldSet:
    if left is right or not right:
        return left if not left or SELF in left else {SELF: LEAF, **left}
    if not left:
        return right if SELF in right else {SELF: LEAF, **right}
    return union(left, right)


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths of ``left`` that are not in ``right``; a path stays when only its parent or its child is taken."""
    return _difference(left, right, recursive=False)


def recursive_difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths of ``left`` that are neither in ``right`` nor below a path in it."""
    return _difference(left, right, recursive=True)


def _difference(left: FieldSet, right: FieldSet, *, recursive: bool) -> FieldSet:
    remaining: FieldSet | None = None
    smaller, larger = (right, left) if len(right) < len(left) else (left, right)
    for key in smaller:
        if key == SELF or key not in larger:
            continue
        mine = left[key]
        rest = _difference_node(mine, right[key], recursive=recursive)
        if rest is not mine:
            if remaining is None:
                remaining = dict(left)
            if rest is None:
                del remaining[key]
            else:
                remaining[key] = rest
    return left if remaining is None else remaining


def _difference_node(left: FieldSet, right: FieldSet, *, recursive: bool) -> FieldSet | None:
    """What remains of a node; None where nothing does."""
    taken = is_member(right)
    if taken and (recursive or not left):
        return None
    if not left:
        return left
    below = _difference(left, right, recursive=recursive) if right else left
    if taken and SELF in below:
        below = {key: node for key, node in below.items() if key != SELF}
    if not below:
        return None
    if len(below) == 1 and SELF in below:
        return LEAF
    return below


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths in both sets."""
    common: FieldSet = {}
    for key, node in left.items():
        other = right.get(key)
        if other is None or key == SELF:
            continue
        both = is_member(node) and is_member(other)
        below = intersection(node, other) if node and other else EMPTY
        if both:
            common[key] = {SELF: LEAF, **below} if below else LEAF
        elif below:
            common[key] = below
    return common


def leaves(fields: FieldSet) -> FieldSet:
    """The members that have no members below them."""
    return {key: leaves(node) if node else LEAF for key, node in fields.items() if key != SELF}


def paths(fields: FieldSet, prefix: Path = ()) -> Iterator[Path]:
    """Every member: those of one level first, then those below each."""
    for key, node in fields.items():
        if key != SELF and is_member(node):
            yield (*prefix, key)
    for key, node in fields.items():
        if key != SELF and node:
            yield from paths(node, (*prefix, key))


def from_paths(members: Iterable[Path]) -> FieldSet:
    """The set of these paths."""
    fields: FieldSet = EMPTY
    for path in members:
        node: FieldSet = LEAF
        for key in reversed(path):
            node = {key: node}
        fields = union(fields, node)
    return fields


def contains(fields: FieldSet, path: Path) -> bool:
    """Whether the path is in the set."""
    node: FieldSet | None = fields
    for key in path:
        node = node.get(key) if node else None
        if node is None:
            return False
    return bool(path) and node is not None and is_member(node)


def in_order(fields: FieldSet) -> FieldSet:
    """One level of a set with its keys in upstream's order."""
    if all(key[:2] == "f:" or key == SELF for key in fields):
        return dict(sorted(fields.items()))
    return dict(sorted(fields.items(), key=_rank))


def _rank(item: tuple[str, Any]) -> tuple[Any, ...]:
    key = item[0]
    kind = key[:2]
    if kind != "k:":
        return ({".": 0, "f:": 1, "v:": 3}.get(kind, 4), key)
    values = orjson.loads(key[2:])
    return (2, *((name, isinstance(value, str), value) for name, value in values.items()))


def item_key(values: dict[str, Any]) -> str:
    """The path element of the list item whose keys have these values."""
    return "k:" + orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()


def value_key(value: Any) -> str:
    """The path element of a set's item."""
    return "v:" + orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def show(path: Path) -> str:
    """``.spec.ports[port=80,protocol="TCP"].name``, as upstream's messages write a path."""
    return "".join(map(_show_element, path))


def _show_element(key: str) -> str:
    kind, text = key[:2], key[2:]
    if kind == "f:":
        return f".{text}"
    if kind == "k:":
        shown = (f"{name}={orjson.dumps(value).decode()}" for name, value in orjson.loads(text).items())
        return f"[{','.join(shown)}]"
    return f"[={text}]" if kind == "v:" else f"[{text}]"


def parse(fields: Any, depth: int = 0) -> FieldSet:
    """A set that a client sent, in normal form; elements of an unknown kind are left out. Raises InvalidFields."""
    if not isinstance(fields, dict):
        raise InvalidFields("expected an object")
    if depth > MAX_DEPTH:
        raise InvalidFields("nested too deeply")
    parsed: FieldSet = {}
    for key, value in fields.items():
        if key == SELF:
            parsed[SELF] = LEAF
            continue
        if value == LEAF and len(key) > 1 and key[:2] == "f:":
            # Most of a set are leaves, and each would be parsed as a set of its own.
            parsed[key] = LEAF
            continue
        element = _parse_element(key)
        node = parse(value, depth + 1)
        if element:
            parsed[element] = LEAF if node.keys() == {SELF} else node
    if depth == 0:
        parsed.pop(SELF, None)
    return in_order(parsed)


def _parse_element(key: str) -> str:
    """The element in canonical form; empty where its kind is unknown."""
    if len(key) < 2:
        raise InvalidFields(f"key must be 2 characters long:{' ' + key if key else ''}")
    if key[1] != ":":
        raise InvalidFields(f"missing colon: {key}")
    kind, text = key[:2], key[2:]
    if kind == "f:":
        return key
    if kind not in ("k:", "v:", "i:"):
        return ""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidFields(f"parsing {key}: {error.msg}") from None
    if kind == "v:":
        return value_key(value)
    if kind == "i:":
        if type(value) is not int:
            raise InvalidFields(f"parsing {key}: expected an integer")
        return f"i:{value}"
    if not isinstance(value, dict) or not value:
        raise InvalidFields(f"parsing {key}: expected an object")
    if any(isinstance(part, dict | list) for part in value.values()):
        raise InvalidFields(f"parsing {key}: keys must be scalars")
    return item_key(value)
