"""Validation of LimitRange and ResourceQuota."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.meta import object_meta, object_meta_update
from apiserver.validation.names import qualified_name
from apiserver.validation.resources import container_resource_name, quantity
from minikube_py.api import names
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_required,
)
from minikube_py.api.meta import Object
from minikube_py.api.quantity import Quantity

_LIMIT_TYPES = ("Pod", "Container", "PersistentVolumeClaim")
_COUNTED = frozenset(
    {
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    }
)
_COMPUTE = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
_EPHEMERAL = frozenset({"ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage"})
_QUOTA_RESOURCES = _COUNTED | _COMPUTE | _EPHEMERAL | {"requests.storage"}
_STANDARD_RESOURCES = _QUOTA_RESOURCES | {"storage"}
_HUGE_PAGES = ("hugepages-", "requests.hugepages-")
_POD_SCOPES = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
_CLASS_SCOPES = ("PriorityClass", "VolumeAttributesClass")
_OPPOSITES = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
_MUST_EXIST = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)
_ONE = Quantity.parse("1")


def limit_range(obj: Object) -> Iterator[FieldError]:
    """A LimitRange: one item per type, whose bounds and defaults agree."""
    yield from object_meta(obj, namespaced=True)
    seen: set[str] = set()
    for index, item in enumerate((obj.get("spec") or {}).get("limits") or []):
        here, limit_type = f"spec.limits[{index}]", item.get("type") or ""
        yield from _limit_type(f"{here}.type", limit_type)
        if limit_type in seen:
            yield field_duplicate(f"{here}.type", limit_type)
        seen.add(limit_type)
        yield from _limit_names(here, item, limit_type)
        yield from _limit_values(here, item, limit_type)


def limit_range_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed LimitRange."""
    yield from object_meta_update(new, old)
    yield from limit_range(new)


def resource_quota(obj: Object) -> Iterator[FieldError]:
    """A ResourceQuota: known resources, and scopes that go with them."""
    yield from object_meta(obj, namespaced=True)
    yield from _quota_spec(obj.get("spec") or {})


def resource_quota_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ResourceQuota, whose scopes stay."""
    yield from object_meta_update(new, old)
    yield from _quota_spec(new.get("spec") or {})
    after, before = ((obj.get("spec") or {}).get("scopes") or [] for obj in (new, old))
    if set(after) != set(before):
        yield field_invalid("spec.scopes", after, "field is immutable")


def resource_quota_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: known resources, sound amounts."""
    yield from object_meta_update(new, old)
    for key in ("hard", "used"):
        yield from _amounts(f"status.{key}", (new.get("status") or {}).get(key) or {})


def _limit_type(path: str, value: str) -> Iterator[FieldError]:
    errors = list(qualified_name(path, value))
    yield from errors
    if not errors and "/" not in value and value not in _LIMIT_TYPES:
        yield field_invalid(path, value, "must be a standard limit type or fully qualified")


def _limit_names(path: str, item: Object, limit_type: str) -> Iterator[FieldError]:
    check = container_resource_name if limit_type in ("Pod", "Container") else _resource_name
    for key in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
        present = item.get(key) or {}
        if limit_type == "Pod" and key.startswith("default"):
            if present:
                yield field_forbidden(f"{path}.{key}", "may not be specified when `type` is 'Pod'")
            continue
        for name in present:
            yield from check(f"{path}.{key}[{name}]", name)
    if limit_type == "PersistentVolumeClaim" and not any("storage" in (item.get(key) or {}) for key in ("min", "max")):
        detail = "either minimum or maximum storage value is required, but neither was provided"
        yield field_required(f"{path}.limits", detail)


def _limit_values(path: str, item: Object, limit_type: str) -> Iterator[FieldError]:
    fields = ("max", "min") if limit_type == "Pod" else ("max", "min", "default", "defaultRequest")
    for name in dict.fromkeys(name for key in fields for name in item.get(key) or {}):
        found = {
            key: Quantity.parse(item[key][name])
            for key in (*fields, "maxLimitRequestRatio")
            if name in (item.get(key) or {})
        }
        yield from _one_limit(path, name, found)


def _one_limit(path: str, name: str, found: dict[str, Quantity]) -> Iterator[FieldError]:
    low, high, default = found.get("min"), found.get("max"), found.get("default")
    request, ratio = found.get("defaultRequest"), found.get("maxLimitRequestRatio")
    here = {key: f"{path}.{key}[{name}]" for key in ("min", "default", "defaultRequest", "maxLimitRequestRatio")}

    def above(less: Quantity | None, more: Quantity | None) -> bool:
        return less is not None and more is not None and more < less

    if above(low, high):
        yield field_invalid(here["min"], str(low), f"min value {low} is greater than max value {high}")
    if above(low, request):
        detail = f"min value {low} is greater than default request value {request}"
        yield field_invalid(here["defaultRequest"], str(request), detail)
    if above(request, high):
        detail = f"default request value {request} is greater than max value {high}"
        yield field_invalid(here["defaultRequest"], str(request), detail)
    if above(request, default):
        detail = f"default request value {request} is greater than default limit value {default}"
        yield field_invalid(here["defaultRequest"], str(request), detail)
    if above(low, default):
        yield field_invalid(here["default"], str(low), f"min value {low} is greater than default value {default}")
    if above(default, high):
        yield field_invalid(here["default"], str(high), f"default value {default} is greater than max value {high}")
    if ratio is not None:
        yield from _ratio(here["maxLimitRequestRatio"], ratio, low, high)
    overcommit = not name.startswith("hugepages-") and ("/" not in name or "kubernetes.io/" in name)
    if not overcommit and default is not None and request is not None and default != request:
        detail = f"default value {default} must equal to defaultRequest value {request} in {name}"
        yield field_invalid(here["defaultRequest"], str(request), detail)


def _ratio(path: str, ratio: Quantity, low: Quantity | None, high: Quantity | None) -> Iterator[FieldError]:
    if ratio < _ONE:
        yield field_invalid(path, str(ratio), f"ratio {ratio} is less than 1")
    if low is None or high is None or not low.milli():
        return
    limit = high.milli() / low.milli()
    if ratio.milli() / 1000 > limit:
        yield field_invalid(path, str(ratio), f"ratio {ratio} is greater than max/min = {limit:f}")


def _resource_name(path: str, name: str) -> Iterator[FieldError]:
    errors = list(qualified_name(path, name))
    yield from errors
    if not errors and "/" not in name and name not in _STANDARD_RESOURCES and not name.startswith(_HUGE_PAGES):
        yield field_invalid(path, name, "must be a standard resource type or fully qualified")


def _amounts(path: str, amounts: Object) -> Iterator[FieldError]:
    for name, value in amounts.items():
        here = f"{path}[{name}]"
        yield from _resource_name(here, name)
        if "/" not in name and not _is_quota_resource(name):
            yield field_invalid(here, name, "must be a standard resource for quota")
        parsed = yield from quantity(here, value)
        if parsed is not None and _is_counted(name) and parsed.milli() % 1000:
            yield field_invalid(here, str(parsed), "must be an integer")


def _is_quota_resource(name: str) -> bool:
    return name in _QUOTA_RESOURCES or name.startswith(_HUGE_PAGES)


def _is_counted(name: str) -> bool:
    extended = "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")
    return name in _COUNTED or (extended and not names.qualified_name(f"requests.{name}"))


def _quota_spec(spec: Object) -> Iterator[FieldError]:
    hard, scopes = spec.get("hard") or {}, spec.get("scopes") or []
    yield from _amounts("spec.hard", hard)
    if not all(map(_is_scope, scopes)):
        yield field_invalid("spec.scopes", scopes, "unsupported scope")
    yield from _unfit("spec.scopes", scopes, hard, scopes)
    yield from _conflicts("spec.scopes", scopes, scopes)
    selector = spec.get("scopeSelector")
    if selector is None:
        return
    path, expressions = "spec.scopeSelector.matchExpressions", selector.get("matchExpressions") or []
    for expression in expressions:
        yield from _scope_requirement(path, expression)
    selected = [expression.get("scopeName") or "" for expression in expressions]
    yield from _unfit(path, selected, hard, selector)
    yield from _conflicts(path, selected, scopes)


def _scope_requirement(path: str, expression: Object) -> Iterator[FieldError]:
    scope, operator = expression.get("scopeName") or "", expression.get("operator") or ""
    values = expression.get("values") or []
    if not _is_scope(scope):
        yield field_invalid(f"{path}.scopeName", scope, "unsupported scope")
    if scope in _POD_SCOPES and operator != "Exists":
        yield field_invalid(f"{path}.operator", operator, _MUST_EXIST)
    if operator in ("In", "NotIn"):
        if not values:
            detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            yield field_required(f"{path}.values", detail)
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            yield field_invalid(f"{path}.values", values, detail)
    else:
        yield field_invalid(f"{path}.operator", operator, "not a valid selector operator")


def _is_scope(scope: str) -> bool:
    return scope in _POD_SCOPES or scope in _CLASS_SCOPES


def _unfit(path: str, scopes: list[str], hard: Object, shown: object) -> Iterator[FieldError]:
    """An error if a scope cannot be applied to one of the resources."""
    if any(_is_quota_resource(name) and not _fits(scope, name) for scope in set(scopes) for name in hard):
        yield field_invalid(path, shown, "unsupported scope applied to resource")


def _fits(scope: str, name: str) -> bool:
    if scope == "BestEffort":
        return name == "pods"
    if scope == "VolumeAttributesClass":
        return name in ("persistentvolumeclaims", "requests.storage")
    return name == "pods" or name in _COMPUTE or not _is_scope(scope)


def _conflicts(path: str, scopes: list[str], shown: list[str]) -> Iterator[FieldError]:
    for one, other in _OPPOSITES:
        if one in scopes and other in scopes:
            yield field_invalid(path, shown, "conflicting scopes")
