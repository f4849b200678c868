"""Validation of PriorityClass and RuntimeClass."""

from __future__ import annotations

import json
from collections.abc import Iterator

from apiserver.validation.meta import immutable, labels, object_meta, object_meta_update
from apiserver.validation.names import dns_label
from apiserver.validation.resources import resource_requirements
from apiserver.validation.scheduling import tolerations
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object, name_of

HIGHEST_USER_PRIORITY = 1_000_000_000
SYSTEM_PREFIX = "system-"
SYSTEM_CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
"""The classes that the server itself makes, with their values."""
_PREEMPTION_POLICIES = ("Never", "PreemptLowerPriority")


def priority_class(obj: Object) -> Iterator[FieldError]:
    """A PriorityClass: the system's own, or one whose value is not above the users' highest."""
    yield from object_meta(obj, namespaced=False)
    name, value = name_of(obj), obj.get("value") or 0
    if name.startswith(SYSTEM_PREFIX):
        cause = _not_of_the_system(name, value, is_default=bool(obj.get("globalDefault")))
        if cause:
            detail = (
                f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. error: {cause}"
            )
            yield field_forbidden("metadata.name", detail)
    elif value > HIGHEST_USER_PRIORITY:
        yield field_forbidden("value", f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}")
    policy = obj.get("preemptionPolicy")
    if policy == "":
        yield field_required("preemptionPolicy")
    elif policy is not None and policy not in _PREEMPTION_POLICIES:
        yield field_not_supported("preemptionPolicy", policy, _PREEMPTION_POLICIES)


def priority_class_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed PriorityClass, whose value and preemption policy stay."""
    yield from object_meta_update(new, old)
    if (new.get("value") or 0) != (old.get("value") or 0):
        yield field_forbidden("value", "may not be changed in an update.")
    yield from immutable("preemptionPolicy", new.get("preemptionPolicy"), old.get("preemptionPolicy"))


def runtime_class(obj: Object) -> Iterator[FieldError]:
    """A RuntimeClass about to be stored."""
    yield from object_meta(obj, namespaced=False)
    yield from dns_label("handler", obj.get("handler") or "")
    overhead, scheduling = obj.get("overhead"), obj.get("scheduling")
    if overhead is not None:
        yield from resource_requirements("overhead", {"limits": overhead.get("podFixed")})
    if scheduling is not None:
        yield from labels("scheduling.nodeSelector", scheduling.get("nodeSelector"))
        items = scheduling.get("tolerations") or []
        yield from tolerations("scheduling.tolerations", items)
        seen: set[str] = set()
        for index, item in enumerate(items):
            text = json.dumps(item, sort_keys=True)
            if text in seen:
                yield field_duplicate(f"scheduling.tolerations[{index}]", item)
            seen.add(text)


def runtime_class_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed RuntimeClass, whose handler stays."""
    yield from object_meta_update(new, old)
    yield from immutable("handler", new.get("handler"), old.get("handler"))


def _not_of_the_system(name: str, value: int, *, is_default: bool) -> str:
    expected = SYSTEM_CLASSES.get(name)
    if expected is None:
        return f"{name} is not a known system priority class"
    if value != expected:
        return f"value of {name} PriorityClass must be {expected}"
    return f"globalDefault of {name} PriorityClass must be false" if is_default else ""
