"""Validation of resource names, quantities, requests and limits."""

from __future__ import annotations

from collections.abc import Container, Generator, Iterator
from typing import Any

from apiserver.validation.names import NEGATIVE, qualified_name
from minikube_py.api import names
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_found,
    field_required,
)
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
_HUGE_PAGES = "hugepages-"
_INTEGER_RESOURCES = frozenset({"pods", "services", "secrets", "configmaps"})
_NOT_A_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def resource_requirements(path: str, resources: Object, claims: Container[str] = ()) -> Iterator[FieldError]:
    """Limits and requests: known names, sound quantities, no request above its limit; ``claims`` are the pod's."""
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
    named = limits.keys() | requests.keys()
    if not named & {"cpu", "memory"} and any(name.startswith(_HUGE_PAGES) for name in named):
        yield field_forbidden(path, "HugePages require cpu or memory")
    if resources.get("claims"):
        yield from _claims(f"{path}.claims", resources["claims"], claims)


def _claims(path: str, used: list[Object], claims: Container[str]) -> Iterator[FieldError]:
    seen: set[tuple[str, str]] = set()
    for index, claim in enumerate(used):
        here, name, request = f"{path}[{index}]", claim.get("name") or "", claim.get("request") or ""
        if not name:
            yield field_required(f"{here}.name")
            continue
        if (name, request) in seen or (name, "") in seen or (not request and any(name == other for other, _ in seen)):
            yield field_duplicate(here, f"{name}/{request}" if request else name)
        elif name not in claims:
            yield field_not_found(here, name)
        seen.add((name, request))


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
        if name.startswith(_HUGE_PAGES):
            yield from _whole_pages(here, name, parsed)
    return sound


def _whole_pages(path: str, name: str, amount: Quantity) -> Iterator[FieldError]:
    try:
        size = Quantity.parse(name.removeprefix(_HUGE_PAGES)).value()
    except ValueError:
        return
    if size <= 0 or amount.value() % size:
        yield field_invalid(path, str(amount), f"{amount} is not positive integer multiple of {name}")


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
        if name not in _STANDARD_RESOURCES and not name.startswith(_HUGE_PAGES):
            yield field_invalid(path, name, "must be a standard resource type or fully qualified")
        if name not in _CONTAINER_RESOURCES and not name.startswith(_HUGE_PAGES):
            yield field_invalid(path, name, "must be a standard resource for containers")
    elif not _is_native(name) and (name.startswith("requests.") or names.qualified_name(f"requests.{name}")):
        yield field_invalid(path, name, "doesn't follow extended resource name standard")


def _is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def _is_overcommit_allowed(name: str) -> bool:
    return _is_native(name) and not name.startswith(_HUGE_PAGES)


def _is_integer(name: str) -> bool:
    return name in _INTEGER_RESOURCES or not _is_native(name)
