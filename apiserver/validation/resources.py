"""Validation of resource names, quantities, requests and limits."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from apiserver.validation.names import NEGATIVE, qualified_name
from minikube_py.api import names
from minikube_py.api.errors import FieldError, field_invalid, field_required
from minikube_py.api.meta import Object
from minikube_py.api.quantity import Quantity

_CONTAINER_RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage"})
_STANDARD_RESOURCES = _CONTAINER_RESOURCES | {
    "storage",
    "pods",
    "services",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "replicationcontrollers",
    "resourcequotas",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "services.nodeports",
    "services.loadbalancers",
}
_INTEGER_RESOURCES = frozenset({"pods", "services", "secrets", "configmaps"})
_NOT_A_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def resource_requirements(path: str, resources: Object) -> Iterator[FieldError]:
    """Limits and requests: known names, sound quantities, no request above its limit."""
    limits = yield from resource_list(f"{path}.limits", resources.get("limits"))
    requests = yield from resource_list(f"{path}.requests", resources.get("requests"))
    for name, request in requests.items():
        limit = limits.get(name)
        overcommit = _is_overcommit_allowed(name)
        if limit is None:
            if not overcommit and name not in (resources.get("limits") or {}):
                yield field_required(f"{path}.limits", "Limit must be set for non overcommitable resources")
        elif not overcommit and request != limit:
            yield field_invalid(f"{path}.requests", str(request), f"must be equal to {name} limit of {limit}")
        elif limit < request:
            detail = f"must be less than or equal to {name} limit of {limit}"
            yield field_invalid(f"{path}.requests", str(request), detail)


def resource_list(path: str, quantities: Object | None) -> Generator[FieldError, None, dict[str, Quantity]]:
    """The errors of a map of container resources; the generator returns the quantities that are sound."""
    sound: dict[str, Quantity] = {}
    for name, value in (quantities or {}).items():
        here = f"{path}[{name}]"
        yield from container_resource_name(here, name)
        parsed = yield from quantity(here, value)
        if parsed is None:
            continue
        sound[name] = parsed
        if _is_integer(name) and parsed.milli() % 1000:
            yield field_invalid(here, str(parsed), "must be an integer")
    return sound


def quantity(path: str, value: Any) -> Generator[FieldError, None, Quantity | None]:
    """The errors of one quantity, which is not negative; the generator returns it, or None."""
    try:
        parsed = Quantity.parse(value)
    except ValueError:
        yield field_invalid(path, value, _NOT_A_QUANTITY)
        return None
    if parsed < Quantity.parse("0"):
        yield field_invalid(path, str(parsed), NEGATIVE)
        return None
    return parsed


def container_resource_name(path: str, name: str) -> Iterator[FieldError]:
    """A resource that a container may ask for: a standard one, huge pages, or an extended one."""
    errors = list(qualified_name(path, name))
    yield from errors
    if errors:
        return
    if "/" not in name:
        if name not in _STANDARD_RESOURCES and not name.startswith("hugepages-"):
            yield field_invalid(path, name, "must be a standard resource type or fully qualified")
        if name not in _CONTAINER_RESOURCES and not name.startswith("hugepages-"):
            yield field_invalid(path, name, "must be a standard resource for containers")
    elif not _is_native(name) and (name.startswith("requests.") or names.qualified_name(f"requests.{name}")):
        yield field_invalid(path, name, "doesn't follow extended resource name standard")


def _is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def _is_overcommit_allowed(name: str) -> bool:
    return _is_native(name) and not name.startswith("hugepages-")


def _is_integer(name: str) -> bool:
    return name in _INTEGER_RESOURCES or not _is_native(name)
