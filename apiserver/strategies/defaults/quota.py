"""Defaults of LimitRange."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import each, within
from minikube_py.api.meta import Object


def default_limit_range(limit_range: Object) -> Object:
    """A LimitRange whose defaults for containers follow from its bounds where they are not given."""
    return within(limit_range, "spec", lambda spec: each(spec, "limits", _default_item))


def _default_item(item: Object) -> Object:
    """A limit is the maximum unless told; a request is the limit unless told, and the minimum where there is none."""
    if item.get("type") != "Container":
        return item
    limits = {**(item.get("max") or {}), **(item.get("default") or {})}
    requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
    found = {"default": limits, "defaultRequest": requests}
    return {**item, **{key: value for key, value in found.items() if value}}
