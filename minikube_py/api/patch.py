"""Patches: JSON patch (RFC 6902), JSON merge patch (RFC 7386), strategic merge patch.

::

    PatchError
    ├── MalformedPatch      the patch itself is not one
    └── PatchNotApplicable  it does not apply to this document (a failed ``test``, a path that is not there)

No function changes its arguments; what a patch leaves alone may be shared between the old and the new document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from minikube_py.api.meta import Object

if TYPE_CHECKING:
    from minikube_py.api.schema import Schemas


MAX_COPIED_BYTES = 3 * 1024 * 1024
"""How much the ``copy`` operations of one JSON patch may add to a document, as upstream."""


class PatchError(ValueError):
    """A patch that could not be applied."""


class MalformedPatch(PatchError):
    """The patch is not one, whatever the document."""


class PatchNotApplicable(PatchError):
    """The patch does not apply to this document."""


def merge_patch(doc: Any, patch: Any) -> Any:
    """The document with a JSON merge patch applied: null deletes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(doc) if isinstance(doc, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def strategic_merge_patch(doc: Object, patch: Object, schemas: Schemas, definition_name: str) -> Object:
    """The document with a strategic merge patch applied, by the patch metadata of its definition.

    Raises MalformedPatch, PatchNotApplicable.
    """
    from minikube_py.api.strategic import StrategicMerge

    return StrategicMerge(schemas).merge(doc, patch, definition_name)


def json_patch(doc: Any, ops: Any) -> Any:
    """The document with the operations of a JSON patch applied in order, all or none.

    Raises MalformedPatch, PatchNotApplicable.
    """
    if not isinstance(ops, list):
        raise MalformedPatch("a JSON patch is an array of operations")
    # Operations change nested values in place; this is the cheapest deep copy of JSON.
    holder = [orjson.loads(orjson.dumps(doc))]
    if not all(isinstance(operation, dict) for operation in ops):
        raise MalformedPatch("an operation of a JSON patch is an object")
    copied = 0
    for operation in ops:
        name = operation.get("op")
        perform = _OPERATIONS.get(name) if isinstance(name, str) else None
        if perform is None:
            raise PatchNotApplicable(f"Unexpected kind: {name}")
        copied += perform(holder, operation) or 0
        if copied > MAX_COPIED_BYTES:
            raise PatchNotApplicable(
                f"Unable to complete the copy, the accumulated size increase of copy is {copied}, "
                f"exceeding the limit {MAX_COPIED_BYTES}"
            )
    return holder[0]


def _pointer(operation: Object, field: str) -> list[str]:
    text = operation.get(field)
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise PatchNotApplicable(f"operation {operation['op']}: {field} is not a JSON pointer: {text!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _value(operation: Object) -> Any:
    if "value" not in operation:
        raise PatchNotApplicable(f"operation {operation['op']}: value is missing: path {operation.get('path')!r}")
    return operation["value"]


def _missing(verb: str, pointer: list[str]) -> PatchNotApplicable:
    return PatchNotApplicable(f'{verb} operation does not apply: doc is missing path: "/{"/".join(pointer)}"')


def _container(holder: list[Any], pointer: list[str], verb: str, *, inserting: bool = False) -> tuple[Any, str | int]:
    """The object or array that holds the pointer's last part, and that part as key or index."""
    parent: Any = holder
    key: str | int = 0
    for place, part in enumerate(pointer):
        parent = _get(parent, key, pointer, verb)
        key = _key(parent, part, pointer, verb, inserting=inserting and place == len(pointer) - 1)
    return parent, key


_INDEX = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)


def _key(parent: Any, part: str, pointer: list[str], verb: str, *, inserting: bool) -> str | int:
    if isinstance(parent, dict):
        return part
    if not isinstance(parent, list):
        raise _missing(verb, pointer)
    if part == "-":
        return len(parent)
    if not _INDEX.fullmatch(part):
        raise PatchNotApplicable(f"{verb} operation does not apply: {part!r} is not an index of an array")
    index = int(part)
    if index >= 0:
        return index
    # As upstream's library, and unlike RFC 6902, a negative index counts from the end; -1 adds behind the last item.
    index += len(parent) + inserting
    if index < 0:
        raise PatchNotApplicable(f"{verb} operation does not apply: unable to access invalid index: {part}")
    return index


def _get(parent: Any, key: str | int, pointer: list[str], verb: str) -> Any:
    present = key in parent if isinstance(parent, dict) else isinstance(key, int) and key < len(parent)
    if not present:
        raise _missing(verb, pointer)
    return parent[key]


def _insert(holder: list[Any], pointer: list[str], value: Any, verb: str) -> None:
    parent, key = _container(holder, pointer, verb, inserting=True)
    if not pointer:
        holder[0] = value
    elif isinstance(parent, dict):
        parent[key] = value
    elif isinstance(key, int) and key <= len(parent):
        parent.insert(key, value)
    else:
        raise PatchNotApplicable(f"{verb} operation does not apply: index {key} is beyond the array's end")


def _take(holder: list[Any], pointer: list[str], verb: str) -> Any:
    if not pointer:
        raise PatchNotApplicable(f"{verb} operation does not apply: the whole document cannot be removed")
    parent, key = _container(holder, pointer, verb)
    value = _get(parent, key, pointer, verb)
    del parent[key]
    return value


def _read(holder: list[Any], pointer: list[str], verb: str) -> Any:
    parent, key = _container(holder, pointer, verb)
    return _get(parent, key, pointer, verb)


def _add(holder: list[Any], operation: Object) -> None:
    _insert(holder, _pointer(operation, "path"), _value(operation), "add")


def _remove(holder: list[Any], operation: Object) -> None:
    _take(holder, _pointer(operation, "path"), "remove")


def _replace(holder: list[Any], operation: Object) -> None:
    pointer, value = _pointer(operation, "path"), _value(operation)
    parent, key = _container(holder, pointer, "replace")
    _get(parent, key, pointer, "replace")
    parent[key] = value


def _move(holder: list[Any], operation: Object) -> None:
    source, target = _pointer(operation, "from"), _pointer(operation, "path")
    if target[: len(source)] == source and len(target) > len(source):
        raise PatchNotApplicable("move operation does not apply: a value cannot be moved into itself")
    if source == target:
        _read(holder, source, "move")
        return
    _insert(holder, target, _take(holder, source, "move"), "move")


def _copy(holder: list[Any], operation: Object) -> int:
    """Copies a value; how many bytes that adds."""
    try:
        text = orjson.dumps(_read(holder, _pointer(operation, "from"), "copy"))
    except TypeError:
        raise PatchNotApplicable("copy operation does not apply: the value is nested too deeply") from None
    if len(text) <= MAX_COPIED_BYTES:
        _insert(holder, _pointer(operation, "path"), orjson.loads(text), "copy")
    return len(text)


def _test(holder: list[Any], operation: Object) -> None:
    pointer = _pointer(operation, "path")
    # As upstream's library: a missing member equals null.
    try:
        actual = _read(holder, pointer, "test")
    except PatchNotApplicable:
        actual = None
    if not _equal(actual, operation.get("value")):
        raise PatchNotApplicable(f'testing value "/{"/".join(pointer)}" failed: test failed')


def _equal(left: Any, right: Any) -> bool:
    """Equality of JSON values: unlike Python's, true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)


_OPERATIONS: dict[str, Callable[[list[Any], Object], int | None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
