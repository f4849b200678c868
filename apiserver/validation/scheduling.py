"""Validation of what a pod asks of the scheduler: affinity, tolerations, spreading, gates."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.meta import label_selector, selector_requirement
from apiserver.validation.names import NOT_POSITIVE, dns_label, dns_subdomain, qualified_name
from minikube_py.api import names
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object

TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_NODE_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
_UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
_INCLUSION = ("Honor", "Ignore")


def affinity(path: str, value: Object) -> Iterator[FieldError]:
    """Node affinity, pod affinity and pod anti-affinity."""
    yield from _node_affinity(f"{path}.nodeAffinity", value.get("nodeAffinity") or {})
    for key in ("podAffinity", "podAntiAffinity"):
        yield from _pod_affinity(f"{path}.{key}", value.get(key) or {})


def tolerations(path: str, items: list[Object]) -> Iterator[FieldError]:
    """The taints a pod says it tolerates."""
    for index, toleration in enumerate(items):
        here = f"{path}[{index}]"
        key, operator = toleration.get("key") or "", toleration.get("operator") or ""
        value, effect = toleration.get("value") or "", toleration.get("effect") or ""
        if key:
            yield from qualified_name(f"{here}.key", key)
        elif operator != "Exists":
            detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            yield field_invalid(f"{here}.operator", operator, detail)
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            yield field_invalid(f"{here}.effect", effect, detail)
        if operator in ("", "Equal"):
            messages = names.label_value(value)
            if messages:
                yield field_invalid(f"{here}.operator", value, ";".join(messages))
        elif operator == "Exists":
            if value:
                detail = "value must be empty when `operator` is 'Exists'"
                yield field_invalid(f"{here}.operator", value, detail)
        else:
            yield field_not_supported(f"{here}.operator", operator, ("Equal", "Exists"))
        if effect and effect not in TAINT_EFFECTS:
            yield field_not_supported(f"{here}.effect", effect, TAINT_EFFECTS)


def topology_spread(path: str, constraints: list[Object]) -> Iterator[FieldError]:
    """How pods are to be spread over topology domains."""
    seen: set[tuple[str, str]] = set()
    for index, constraint in enumerate(constraints):
        here = f"{path}[{index}]"
        key, action = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
        if (constraint.get("maxSkew") or 0) <= 0:
            yield field_invalid(f"{here}.maxSkew", constraint.get("maxSkew") or 0, NOT_POSITIVE)
        yield from _topology_key(f"{here}.topologyKey", key)
        if action not in _UNSATISFIABLE:
            yield field_not_supported(f"{here}.whenUnsatisfiable", action, _UNSATISFIABLE)
        if (key, action) in seen:
            yield field_duplicate(f"{here}.{{topologyKey, whenUnsatisfiable}}", f"{{{key}, {action}}}")
        seen.add((key, action))
        yield from _minimum_domains(f"{here}.minDomains", constraint.get("minDomains"), action)
        for policy in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            value = constraint.get(policy)
            if value is not None and value not in _INCLUSION:
                yield field_not_supported(f"{here}.{policy}", value, _INCLUSION)
        selector = constraint.get("labelSelector")
        yield from label_selector(f"{here}.labelSelector", selector)
        if constraint.get("matchLabelKeys"):
            yield from _spread_keys(f"{here}.matchLabelKeys", constraint["matchLabelKeys"], selector)


def scheduling_gates(path: str, gates: list[Object]) -> Iterator[FieldError]:
    """Gate names are qualified and unique."""
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        name = gate.get("name") or ""
        yield from qualified_name(f"{path}[{index}]", name)
        if name in seen:
            yield field_duplicate(f"{path}[{index}]", name)
        seen.add(name)


def _spread_keys(path: str, keys: list[str], selector: Object | None) -> Iterator[FieldError]:
    if selector is None:
        yield field_forbidden(path, "must not be specified when labelSelector is not set")
        return
    selected = {
        *(selector.get("matchLabels") or {}),
        *(expression.get("key") for expression in selector.get("matchExpressions") or []),
    }
    for index, key in enumerate(keys):
        yield from qualified_name(f"{path}[{index}]", key)
        if key in selected:
            yield field_invalid(f"{path}[{index}]", key, "exists in both matchLabelKeys and labelSelector")


def _affinity_keys(path: str, term: Object) -> Iterator[FieldError]:
    wanted, unwanted = term.get("matchLabelKeys") or [], term.get("mismatchLabelKeys") or []
    if (wanted or unwanted) and term.get("labelSelector") is None:
        for key in ("matchLabelKeys", "mismatchLabelKeys"):
            if term.get(key):
                yield field_forbidden(f"{path}.{key}", "must not be specified when labelSelector is not set")
        return
    for name, keys in (("matchLabelKeys", wanted), ("mismatchLabelKeys", unwanted)):
        for index, key in enumerate(keys):
            yield from qualified_name(f"{path}.{name}[{index}]", key)
    for index, key in enumerate(wanted):
        if key in unwanted:
            detail = "exists in both matchLabelKeys and mismatchLabelKeys"
            yield field_invalid(f"{path}.matchLabelKeys[{index}]", key, detail)


def _minimum_domains(path: str, value: int | None, action: str) -> Iterator[FieldError]:
    if value is None:
        return
    if value <= 0:
        yield field_invalid(path, value, NOT_POSITIVE)
    if action != "DoNotSchedule":
        detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        yield field_invalid(path, value, detail)


def _topology_key(path: str, key: str) -> Iterator[FieldError]:
    if not key:
        yield field_required(path, "can not be empty")
    else:
        yield from qualified_name(path, key)


def _node_affinity(path: str, value: Object) -> Iterator[FieldError]:
    required = value.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is not None:
        here = f"{path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
        terms = required.get("nodeSelectorTerms") or []
        if not terms:
            yield field_required(here, "must have at least one node selector term")
        for index, term in enumerate(terms):
            yield from _node_selector_term(f"{here}[{index}]", term)
    for index, preference in enumerate(value.get("preferredDuringSchedulingIgnoredDuringExecution") or []):
        here = f"{path}.preferredDuringSchedulingIgnoredDuringExecution[{index}]"
        yield from _weight(here, preference)
        yield from _node_selector_term(f"{here}.preference", preference.get("preference") or {})


def _weight(path: str, preference: Object) -> Iterator[FieldError]:
    weight = preference.get("weight") or 0
    if not 1 <= weight <= 100:
        yield field_invalid(f"{path}.weight", weight, "must be in the range 1-100")


def _node_selector_term(path: str, term: Object) -> Iterator[FieldError]:
    for index, requirement in enumerate(term.get("matchExpressions") or []):
        yield from selector_requirement(f"{path}.matchExpressions[{index}]", requirement, operators=_NODE_OPERATORS)
    for index, requirement in enumerate(term.get("matchFields") or []):
        here = f"{path}.matchFields[{index}]"
        operator = requirement.get("operator") or ""
        if operator not in ("In", "NotIn"):
            yield field_invalid(f"{here}.operator", operator, "not a valid selector operator")
        elif len(requirement.get("values") or []) != 1:
            detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            yield field_required(f"{here}.values", detail)
        if requirement.get("key") != "metadata.name":
            yield field_invalid(f"{here}.key", requirement.get("key") or "", "not a valid field selector key")
            continue
        for position, value in enumerate(requirement.get("values") or []):
            yield from dns_subdomain(f"{here}.values[{position}]", value)


def _pod_affinity(path: str, value: Object) -> Iterator[FieldError]:
    for index, term in enumerate(value.get("requiredDuringSchedulingIgnoredDuringExecution") or []):
        yield from _pod_affinity_term(f"{path}.requiredDuringSchedulingIgnoredDuringExecution[{index}]", term)
    for index, weighted in enumerate(value.get("preferredDuringSchedulingIgnoredDuringExecution") or []):
        here = f"{path}.preferredDuringSchedulingIgnoredDuringExecution[{index}]"
        yield from _weight(here, weighted)
        yield from _pod_affinity_term(f"{here}.podAffinityTerm", weighted.get("podAffinityTerm") or {})


def _pod_affinity_term(path: str, term: Object) -> Iterator[FieldError]:
    yield from label_selector(f"{path}.labelSelector", term.get("labelSelector"))
    yield from label_selector(f"{path}.namespaceSelector", term.get("namespaceSelector"))
    for namespace in term.get("namespaces") or []:
        yield from dns_label(f"{path}.namespace", namespace)
    yield from _affinity_keys(path, term)
    yield from _topology_key(f"{path}.topologyKey", term.get("topologyKey") or "")
