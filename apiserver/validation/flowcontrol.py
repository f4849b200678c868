"""Validation of FlowSchema and PriorityLevelConfiguration."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from apiserver.validation.meta import object_meta, object_meta_update
from apiserver.validation.names import dns_label, dns_subdomain, in_range
from minikube_py.api import names
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object, name_of

MAX_PRECEDENCE = 10_000
MAX_QUEUES = 10_000_000
_MAX_HASH_BITS = 60
_METHODS = ("ByNamespace", "ByUser")
_VERBS = frozenset({"get", "list", "create", "update", "delete", "deletecollection", "patch", "watch", "proxy"})
_SUBJECTS = {"ServiceAccount": "serviceAccount", "User": "user", "Group": "group"}
_LEVEL_TYPES = ("Exempt", "Limited")
_RESPONSES = ("Queue", "Reject")
_EVERYTHING = {
    "resourceRules": [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    ],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
}


def _group(name: str) -> Object:
    return {"kind": "Group", "group": {"name": name}}


MANDATORY_FLOW_SCHEMAS: dict[str, Object] = {
    "exempt": {
        "priorityLevelConfiguration": {"name": "exempt"},
        "matchingPrecedence": 1,
        "rules": [{"subjects": [_group("system:masters")], **_EVERYTHING}],
    },
    "catch-all": {
        "priorityLevelConfiguration": {"name": "catch-all"},
        "matchingPrecedence": MAX_PRECEDENCE,
        "distinguisherMethod": {"type": "ByUser"},
        "rules": [
            {"subjects": [_group("system:unauthenticated"), _group("system:authenticated")], **_EVERYTHING},
        ],
    },
}
"""The specs of the schemas that may not be anything else."""
MANDATORY_LEVELS: dict[str, Object] = {
    "exempt": {"type": "Exempt"},
    "catch-all": {
        "type": "Limited",
        "limited": {"nominalConcurrencyShares": 5, "lendablePercent": 0, "limitResponse": {"type": "Reject"}},
    },
}
"""The specs of the levels that may not be anything else, ``exempt`` without its field ``exempt``."""


def flow_schema(obj: Object) -> Iterator[FieldError]:
    """A FlowSchema about to be stored."""
    yield from object_meta(obj, namespaced=False)
    name, spec = name_of(obj), obj.get("spec") or {}
    precedence, method = spec.get("matchingPrecedence") or 0, spec.get("distinguisherMethod")
    if precedence <= 0:
        yield field_invalid("spec.matchingPrecedence", precedence, "must be a positive value")
    if precedence > MAX_PRECEDENCE:
        yield field_invalid("spec.matchingPrecedence", precedence, f"must not be greater than {MAX_PRECEDENCE}")
    if precedence == 1 and name != "exempt":
        detail = "only the schema named 'exempt' may have matchingPrecedence 1"
        yield field_invalid("spec.matchingPrecedence", precedence, detail)
    if method is not None and method.get("type") not in _METHODS:
        yield field_not_supported("spec.distinguisherMethod.type", method, _METHODS)
    level = (spec.get("priorityLevelConfiguration") or {}).get("name") or ""
    if level:
        yield from dns_subdomain("spec.priorityLevelConfiguration.name", level)
    else:
        yield field_required("spec.priorityLevelConfiguration.name", "must reference a priority level")
    for index, rule in enumerate(spec.get("rules") or []):
        yield from _rules(f"spec.rules[{index}]", rule)
    mandatory = MANDATORY_FLOW_SCHEMAS.get(name)
    if mandatory is not None and spec != mandatory:
        yield field_invalid("spec", spec, f"spec of '{name}' must equal the fixed value")
    yield from _conditions(obj)


def flow_schema_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed FlowSchema."""
    yield from object_meta_update(new, old)
    yield from flow_schema(new)


def priority_level(obj: Object) -> Iterator[FieldError]:
    """A PriorityLevelConfiguration about to be stored."""
    yield from object_meta(obj, namespaced=False)
    name, spec = name_of(obj), obj.get("spec") or {}
    yield from _level(name, spec)
    mandatory = MANDATORY_LEVELS.get(name)
    if mandatory is not None:
        excepted = " except the 'spec.exempt' field" if name == "exempt" else ""
        compared = {key: value for key, value in spec.items() if key != "exempt" or not excepted}
        if compared != mandatory:
            yield field_invalid("spec", spec, f"spec of '{name}'{excepted} must equal the fixed value")
    yield from _conditions(obj)


def priority_level_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed PriorityLevelConfiguration."""
    yield from object_meta_update(new, old)
    yield from priority_level(new)


def status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status of either kind: conditions have types, each once."""
    yield from object_meta_update(new, old)
    yield from _conditions(new)


def _conditions(obj: Object) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, condition in enumerate((obj.get("status") or {}).get("conditions") or []):
        here, condition_type = f"status.conditions[{index}].type", condition.get("type") or ""
        if condition_type in seen:
            yield field_duplicate(here, condition_type)
        seen.add(condition_type)
        if not condition_type:
            yield field_required(here, "must not be empty")


def _rules(path: str, rule: Object) -> Iterator[FieldError]:
    subjects, resources = rule.get("subjects") or [], rule.get("resourceRules") or []
    urls = rule.get("nonResourceRules") or []
    if not subjects:
        yield field_required(f"{path}.subjects", "subjects must contain at least one value")
    for index, subject in enumerate(subjects):
        yield from _subject(f"{path}.subjects[{index}]", subject)
    if not resources and not urls:
        yield field_required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for index, item in enumerate(resources):
        yield from _resource_rule(f"{path}.resourceRules[{index}]", item)
    for index, item in enumerate(urls):
        yield from _url_rule(f"{path}.nonResourceRules[{index}]", item)


def _subject(path: str, subject: Object) -> Iterator[FieldError]:
    kind = subject.get("kind") or ""
    if kind not in _SUBJECTS:
        yield field_not_supported(f"{path}.kind", kind, _SUBJECTS)
        return
    own = _SUBJECTS[kind]
    yield from _subject_of_kind(f"{path}.{own}", subject.get(own), kind)
    for other_kind, key in _SUBJECTS.items():
        if key != own and subject.get(key) is not None:
            yield field_forbidden(f"{path}.{key}", f"{key} is forbidden when subject kind is not '{other_kind}'")


def _subject_of_kind(path: str, value: Object | None, kind: str) -> Iterator[FieldError]:
    if value is None:
        yield field_required(path, f"{_SUBJECTS[kind]} is required when subject kind is '{kind}'")
        return
    name, namespace = value.get("name") or "", value.get("namespace") or ""
    if not name:
        yield field_required(f"{path}.name")
    elif kind == "ServiceAccount" and name != "*":
        yield from dns_subdomain(f"{path}.name", name)
    if kind == "ServiceAccount":
        if namespace:
            yield from dns_label(f"{path}.namespace", namespace)
        else:
            yield field_required(f"{path}.namespace", "must specify namespace for service account")


def _verbs(path: str, verbs: list[str]) -> Iterator[FieldError]:
    if not verbs:
        yield field_required(path, "verbs must contain at least one value")
    elif "*" in verbs:
        yield from _alone(path, verbs, "verbs")
    elif not _VERBS.issuperset(verbs):
        yield field_not_supported(path, verbs, _VERBS)


def _alone(path: str, values: list[str], what: str) -> Iterator[FieldError]:
    if "*" in values and len(values) > 1:
        yield field_invalid(path, values, f"if '*' is present, must not specify other {what}")


def _resource_rule(path: str, rule: Object) -> Iterator[FieldError]:
    yield from _verbs(f"{path}.verbs", rule.get("verbs") or [])
    for key, what in (("apiGroups", "api group"), ("resources", "resource")):
        values = rule.get(key) or []
        if not values:
            yield field_required(f"{path}.{key}", f"resource rules must supply at least one {what}")
        yield from _alone(f"{path}.{key}", values, f"{what}s")
    namespaces = rule.get("namespaces") or []
    if not namespaces and not rule.get("clusterScope"):
        detail = "resource rules that are not cluster scoped must supply at least one namespace"
        yield field_required(f"{path}.namespaces", detail)
    elif "*" in namespaces:
        yield from _alone(f"{path}.namespaces", namespaces, "namespaces")
    else:
        for index, namespace in enumerate(namespaces):
            for message in names.dns1123_label(namespace):
                detail = f"each member of this list must be '*' or a DNS-1123 label; {message}"
                yield field_invalid(f"{path}.namespaces[{index}]", namespace, detail)


def _url_rule(path: str, rule: Object) -> Iterator[FieldError]:
    yield from _verbs(f"{path}.verbs", rule.get("verbs") or [])
    urls = rule.get("nonResourceURLs") or []
    if not urls:
        yield field_required(f"{path}.nonResourceURLs", "nonResourceURLs must contain at least one value")
    elif "*" in urls:
        yield from _alone(f"{path}.nonResourceURLs", urls, "non-resource URLs")
    else:
        for index, url in enumerate(urls):
            message = _url_message(url)
            if message:
                yield field_invalid(f"{path}.nonResourceURLs[{index}]", url, message)


def _url_message(url: str) -> str:
    if not url:
        return "must not be empty"
    if url == "/":
        return ""
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    stars = url.count("*")
    return "wildcard can only do suffix matching" if stars > 1 or (stars == 1 and not url.endswith("/*")) else ""


def _level(name: str, spec: Object) -> Iterator[FieldError]:
    level_type, limited, exempt = spec.get("type") or "", spec.get("limited"), spec.get("exempt")
    if (name == "exempt") != (level_type == "Exempt"):
        yield field_invalid("spec.type", level_type, "type must be 'Exempt' if and only if name is 'exempt'")
    if level_type == "Exempt":
        if limited is not None:
            yield field_forbidden("spec.limited", "must be nil if the type is not Limited")
        if exempt is None:
            yield field_required("spec.exempt", "must not be empty when type is Exempt")
        else:
            yield from _shares("spec.exempt", exempt)
    elif level_type == "Limited":
        if exempt is not None:
            yield field_forbidden("spec.exempt", "must be nil if the type is Limited")
        if limited is None:
            yield field_required("spec.limited", "must not be empty when type is Limited")
        else:
            yield from _limited("spec.limited", limited)
    else:
        yield field_not_supported("spec.type", level_type, _LEVEL_TYPES)


def _shares(path: str, value: Object) -> Iterator[FieldError]:
    shares = value.get("nominalConcurrencyShares")
    if shares is not None and shares < 0:
        yield field_invalid(f"{path}.nominalConcurrencyShares", shares, "must be a non-negative integer")
    if value.get("lendablePercent") is not None:
        yield from in_range(f"{path}.lendablePercent", value["lendablePercent"], 0, 100)


def _limited(path: str, limited: Object) -> Iterator[FieldError]:
    yield from _shares(path, limited)
    borrowing = limited.get("borrowingLimitPercent")
    if borrowing is not None and borrowing < 0:
        detail = "if specified, must be a non-negative integer"
        yield field_invalid(f"{path}.borrowingLimitPercent", borrowing, detail)
    response = limited.get("limitResponse") or {}
    here, kind, queuing = f"{path}.limitResponse", response.get("type") or "", response.get("queuing")
    if kind == "Reject":
        if queuing is not None:
            detail = "must be nil if limited.limitResponse.type is not Limited"
            yield field_forbidden(f"{here}.queuing", detail)
    elif kind == "Queue":
        if queuing is None:
            detail = "must not be empty if limited.limitResponse.type is Limited"
            yield field_required(f"{here}.queuing", detail)
        else:
            yield from _queuing(f"{here}.queuing", queuing)
    else:
        yield field_not_supported(f"{here}.type", kind, _RESPONSES)


def _queuing(path: str, queuing: Object) -> Iterator[FieldError]:
    def number(key: str) -> Any:
        return queuing.get(key) or 0

    queues, hand = number("queues"), number("handSize")
    if number("queueLengthLimit") <= 0:
        yield field_invalid(f"{path}.queueLengthLimit", number("queueLengthLimit"), "must be positive")
    if queues <= 0:
        yield field_invalid(f"{path}.queues", queues, "must be positive")
    elif queues > MAX_QUEUES:
        yield field_invalid(f"{path}.queues", queues, f"must not be greater than {MAX_QUEUES}")
    if hand <= 0:
        yield field_invalid(f"{path}.handSize", hand, "must be positive")
    elif hand > queues:
        yield field_invalid(f"{path}.handSize", hand, f"should not be greater than queues ({queues})")
    elif _entropy_bits(queues, hand) > _MAX_HASH_BITS:
        detail = (
            f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than "
            f"{_MAX_HASH_BITS}"
        )
        yield field_invalid(f"{path}.handSize", hand, detail)


def _entropy_bits(deck: int, hand: int) -> int:
    """The bits of hash that dealing a hand from a deck uses up; counted no further than it takes to be too many."""
    bits = 0.0
    for dealt in range(hand):
        bits += math.log2(deck - dealt)
        if bits > _MAX_HASH_BITS:
            break
    return math.ceil(bits)
