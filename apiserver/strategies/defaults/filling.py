"""Filling absent fields of nested dictionaries without changing what is shared.

Objects have been through the schema's decoder, so that Go's zero values are absent and quantities canonical.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minikube_py.api.meta import Object

Default = Callable[[Object], Object]


def filled(obj: Object, defaults: Mapping[str, Any]) -> Object:
    """``obj`` with each default where the field is absent, null or the empty string (Go's unset)."""
    missing = {key: value for key, value in defaults.items() if obj.get(key) in (None, "")}
    return {**obj, **missing} if missing else obj


def within(obj: Object, key: str, default: Default) -> Object:
    """``obj`` with ``default`` applied to its object at ``key``, if it has one."""
    inner = obj.get(key)
    if not isinstance(inner, dict):
        return obj
    changed = default(inner)
    return obj if changed is inner else {**obj, key: changed}


def nested(obj: Object, key: str, default: Default) -> Object:
    """As :func:`within`, for an object that is always there: an absent one is empty, as a struct of Go is."""
    inner = obj.get(key)
    return within(obj, key, default) if isinstance(inner, dict) else {**obj, key: default({})}


def each(obj: Object, key: str, default: Default) -> Object:
    """``obj`` with ``default`` applied to every object of its list at ``key``, if it has one."""
    items = obj.get(key)
    if not isinstance(items, list):
        return obj
    changed = [default(item) if isinstance(item, dict) else item for item in items]
    return {**obj, key: changed} if any(a is not b for a, b in zip(items, changed, strict=True)) else obj
