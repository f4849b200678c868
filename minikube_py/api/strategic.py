"""Strategic merge: JSON merge that knows which lists are merged, by which key, and the directives in a patch.

Follows ``k8s.io/apimachinery/pkg/util/strategicpatch``: ``$patch``, ``$retainKeys``, ``$setElementOrder/x``,
``$deleteFromPrimitiveList/x``, and the order it gives to merged lists.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from minikube_py.api.fields import Type
from minikube_py.api.meta import Object
from minikube_py.api.patch import MalformedPatch, PatchNotApplicable
from minikube_py.api.schema import PatchField, Schemas, patch_field

PATCH = "$patch"
RETAIN_KEYS = "$retainKeys"
SET_ELEMENT_ORDER = "$setElementOrder/"
DELETE_FROM_PRIMITIVE_LIST = "$deleteFromPrimitiveList/"


class StrategicMerge:
    """Merges patches by the metadata in ``schemas``."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def merge(self, doc: Object, patch: Object, definition: str) -> Object:
        """A new document. Raises MalformedPatch, PatchNotApplicable."""
        if not isinstance(patch, dict):
            raise MalformedPatch("a strategic merge patch is an object")
        return self._map(doc, patch, self._schemas.type_of(definition))

    def _map(self, doc: Object, patch: Object, expected: Type | None) -> Object:
        if PATCH in patch:
            return _whole_map(patch)
        merged = _retained(doc, patch) if RETAIN_KEYS in patch else dict(doc)
        ordered = self._ordered_lists(merged, patch, expected)
        for key, value in patch.items():
            if key == RETAIN_KEYS or key.startswith(SET_ELEMENT_ORDER) or key in ordered:
                continue
            if key.startswith(DELETE_FROM_PRIMITIVE_LIST):
                _delete_primitives(merged, key.removeprefix(DELETE_FROM_PRIMITIVE_LIST), value)
            elif value is None:
                merged.pop(key, None)
            elif key not in merged:
                kept, added = _without_directives(value)
                if kept:
                    merged[key] = added
            else:
                merged[key] = self._value(merged[key], value, patch_field(self._schemas, expected, key), key)
        return merged

    def _value(self, old: Any, value: Any, field: PatchField, key: str) -> Any:
        if isinstance(old, dict) and isinstance(value, dict):
            if "replace" in field.strategies:
                return _without_directives(value)[1]
            return self._map(old, value, field.type)
        if isinstance(old, list) and isinstance(value, list):
            return self._list(old, value, field, key)
        return _without_directives(value)[1]

    def _list(self, old: list[Any], patch: list[Any], field: PatchField, key: str) -> list[Any]:
        if "merge" not in field.strategies:
            return [item for kept, item in map(_without_directives, patch) if kept]
        if not any(isinstance(item, dict | list) for item in [*old, *patch]):
            merged = list(dict.fromkeys([*old, *patch]))
            return _in_order(merged, patch, old, "")
        if any(isinstance(item, list) for item in [*old, *patch]):
            raise PatchNotApplicable("lists of lists are not supported")
        if not all(isinstance(item, dict) for item in [*old, *patch]):
            raise MalformedPatch("list element types are not identical")
        if not field.merge_key:
            raise PatchNotApplicable(f"cannot merge lists without merge key for {key}")
        return self._list_of_maps(old, patch, field)

    def _list_of_maps(self, old: list[Object], patch: list[Object], field: PatchField) -> list[Object]:
        merge_key = field.merge_key
        remaining, changes, replaced = _special_items(old, patch, merge_key)
        if replaced:
            return [item for kept, item in map(_without_directives, changes) if kept]
        item_type = field.type.item if field.type is not None else None
        merged = list(remaining)
        places = _places(merged, merge_key)
        for change in changes:
            index = places.setdefault(_hashable(_key_of(change, merge_key)), len(merged))
            if index == len(merged):
                merged.append(_without_directives(change)[1])
            else:
                merged[index] = self._map(merged[index], change, item_type)
        return _in_order(merged, changes, old, merge_key)

    def _ordered_lists(self, merged: Object, patch: Object, expected: Type | None) -> set[str]:
        """Merges the lists whose order the patch sets; their names."""
        done: set[str] = set()
        for directive, order in patch.items():
            if not directive.startswith(SET_ELEMENT_ORDER):
                continue
            if not isinstance(order, list):
                raise MalformedPatch(f"{directive} is not a list")
            key = directive.removeprefix(SET_ELEMENT_ORDER)
            old, change = merged.get(key), patch.get(key)
            if (old is not None and not isinstance(old, list)) or (change is not None and not isinstance(change, list)):
                raise MalformedPatch(f"{directive} orders {key}, which is not a list")
            field = patch_field(self._schemas, expected, key)
            if change is not None:
                _check_order(change, order, field.merge_key, directive)
            if old is None and change is None:
                continue
            if change is None:
                result = old or []
            elif old is None:
                result = [item for kept, item in map(_without_directives, change) if kept]
            else:
                result = self._list(old, change, field, key)
            if key in patch and change is None:
                continue
            done.add(key)
            merged[key] = _in_order(result, order, old or [], field.merge_key)
        return done


def _whole_map(patch: Object) -> Object:
    directive = patch[PATCH]
    if directive == "replace":
        rest = {key: value for key, value in patch.items() if key != PATCH}
        replaced: Object = _without_directives(rest)[1]
        return replaced
    if directive == "delete":
        return {}
    raise MalformedPatch(f"unknown patch type found: {directive}")


def _retained(doc: Object, patch: Object) -> Object:
    """The document with only the keys that ``$retainKeys`` lists."""
    keys = patch[RETAIN_KEYS]
    if not isinstance(keys, list):
        raise MalformedPatch("invalid patch format of retainKeys")
    for key, value in patch.items():
        if value is not None and not key.startswith("$") and key not in keys:
            raise MalformedPatch("invalid patch format of retainKeys")
    return {key: value for key, value in doc.items() if key in keys}


def _delete_primitives(merged: Object, key: str, values: Any) -> None:
    if not isinstance(values, list):
        raise MalformedPatch(f"{DELETE_FROM_PRIMITIVE_LIST}{key} is not a list")
    old = merged.get(key)
    if isinstance(old, list):
        removed = {_hashable(value) for value in values if not isinstance(value, dict | list)}
        merged[key] = [item for item in old if isinstance(item, dict | list) or _hashable(item) not in removed]


def _special_items(old: list[Object], patch: list[Object], merge_key: str) -> tuple[list[Object], list[Object], bool]:
    """What remains of the list after deletions, the items that are no directive, and whether they replace it."""
    deleted, changes, replaced = set(), [], False
    for item in patch:
        match item.get(PATCH):
            case None:
                changes.append(item)
            case "delete":
                deleted.add(_hashable(_key_of(item, merge_key)))
            case "replace":
                replaced = True
            case "merge":
                raise MalformedPatch("merging lists cannot yet be specified in the patch")
            case other:
                raise MalformedPatch(f"unknown patch type found: {other}")
    remaining = [item for item in old if _hashable(item.get(merge_key)) not in deleted] if deleted else old
    return remaining, changes, replaced


def _key_of(item: Object, merge_key: str) -> Any:
    if merge_key not in item:
        raise PatchNotApplicable(f"map: {item} does not contain declared merge key: {merge_key}")
    return item[merge_key]


def _identity(item: Any, merge_key: str) -> Any:
    return item.get(merge_key) if merge_key and isinstance(item, dict) else item


def _check_order(change: list[Any], order: list[Any], merge_key: str, directive: str) -> None:
    """Every item of the patch must be in the ordering, in the same relative order."""
    position = 0
    identities = [_identity(item, merge_key) for item in order]
    for item in change:
        if isinstance(item, dict) and PATCH in item:
            continue
        identity = _identity(item, merge_key)
        while position < len(identities) and identities[position] != identity:
            position += 1
        if position == len(identities):
            raise MalformedPatch(f"the order in patch list: {change} doesn't match {directive} list: {order}")
        position += 1


def _in_order(merged: list[Any], order: list[Any], old: list[Any], merge_key: str) -> list[Any]:
    """The items that ``order`` names in its order, the others in theirs, the two interleaved by the old list.

    An item that was not in the old list comes before the others, as upstream places it.
    """
    places = _places(order, merge_key)
    old_places = _places(old, merge_key)
    named = deque(
        sorted(
            (item for item in merged if _hashable(_identity(item, merge_key)) in places),
            key=lambda item: places[_hashable(_identity(item, merge_key))],
        )
    )
    others = deque(
        sorted(
            (item for item in merged if _hashable(_identity(item, merge_key)) not in places),
            key=lambda item: old_places.get(_hashable(_identity(item, merge_key)), len(old)),
        )
    )
    result: list[Any] = []
    while named and others:
        left = old_places.get(_hashable(_identity(others[0], merge_key)))
        right = old_places.get(_hashable(_identity(named[0], merge_key)))
        first = others if left is not None and right is not None and left < right else named
        result.append(first.popleft())
    return [*result, *named, *others]


def _places(items: list[Any], merge_key: str) -> dict[Any, int]:
    places: dict[Any, int] = {}
    for index, item in enumerate(items):
        places.setdefault(_hashable(_identity(item, merge_key)), index)
    return places


def _hashable(identity: Any) -> Any:
    if isinstance(identity, dict | list):
        raise MalformedPatch("a merge key must not be an object or a list")
    return (type(identity), identity)


def _without_directives(value: Any) -> tuple[bool, Any]:
    """Whether the value is to be kept, and the value without directives and nulls."""
    if isinstance(value, dict):
        if value.get(PATCH) == "delete" or (value.get(PATCH) == "replace" and len(value) == 1):
            return False, None
        cleaned = {}
        for key, item in value.items():
            if item is None or key in (PATCH, RETAIN_KEYS):
                continue
            if key.startswith((SET_ELEMENT_ORDER, DELETE_FROM_PRIMITIVE_LIST)):
                continue
            kept, rest = _without_directives(item)
            if kept:
                cleaned[key] = rest
        return True, cleaned
    if isinstance(value, list):
        return True, [rest for kept, rest in map(_without_directives, value) if kept]
    return True, value
