"""What rules of roles come to together: gathered by aggregation, and whether some cover others.

Pure. Follows ``k8s.io/component-helpers/auth/rbac/validation`` and upstream's ClusterRole aggregation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from minikube_py.api.meta import Object, labels_of, name_of
from minikube_py.api.selectors import LabelSelector


def aggregated_rules(role: Object, roles: Iterable[Object]) -> list[Object]:
    """The rules that ``role`` gathers from ``roles`` by its ``aggregationRule``, each once, by the roles' names."""
    selectors = [
        LabelSelector.from_object(selector)
        for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ()
    ]
    gathered: list[Object] = []
    for other in sorted(roles, key=name_of):
        if name_of(other) == name_of(role) or not any(selector.matches(labels_of(other)) for selector in selectors):
            continue
        gathered += [rule for rule in other.get("rules") or () if rule not in gathered]
    return gathered


def uncovered(owned: Iterable[Object], wanted: Iterable[Object]) -> list[Object]:
    """The simplest parts of ``wanted`` that no single rule of ``owned`` covers; empty where all is covered."""
    held = list(owned)
    return [part for rule in wanted for part in _parts(rule) if not any(_covers(rule, part) for rule in held)]


def _parts(rule: Object) -> Iterator[Object]:
    """A rule as rules of one verb for one resource, one name, or one path each."""
    for verb in rule.get("verbs") or ():
        for url in rule.get("nonResourceURLs") or ():
            yield {"verbs": [verb], "nonResourceURLs": [url]}
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                part = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                names = rule.get("resourceNames") or ()
                if not names:
                    yield part
                for name in names:
                    yield {**part, "resourceNames": [name]}


def _covers(rule: Object, part: Object) -> bool:
    [verb] = part["verbs"]
    if not _has(rule.get("verbs"), verb):
        return False
    if "nonResourceURLs" in part:
        [url] = part["nonResourceURLs"]
        return any(_covers_url(held, url) for held in rule.get("nonResourceURLs") or ())
    [group], [resource] = part["apiGroups"], part["resources"]
    if not _has(rule.get("apiGroups"), group):
        return False
    resources = rule.get("resources") or ()
    _, slash, subresource = resource.partition("/")
    if not _has(resources, resource) and not (slash and f"*/{subresource}" in resources):
        return False
    names = rule.get("resourceNames") or ()
    return not names or ("resourceNames" in part and part["resourceNames"][0] in names)


def _has(held: Iterable[str] | None, wanted: str) -> bool:
    return held is not None and ("*" in held or wanted in held)


def _covers_url(held: str, wanted: str) -> bool:
    return held in ("*", wanted) or (held.endswith("*") and wanted.startswith(held.rstrip("*")))


def compact(parts: Iterable[Object]) -> list[str]:
    """Parts of rules as upstream lists them in messages: the verbs for one resource and name together."""
    verbs: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for part in parts:
        key = tuple(tuple(part.get(field) or ()) for _, field in _SHOWN)
        if "nonResourceURLs" not in part:
            key = (*key[:-1], ())
        held = verbs.setdefault(key, [])
        held += [verb for verb in part["verbs"] if verb not in held]
    return [_text((*key[:-1], tuple(held))) for key, held in verbs.items()]


_SHOWN = (
    ("APIGroups", "apiGroups"),
    ("Resources", "resources"),
    ("NonResourceURLs", "nonResourceURLs"),
    ("ResourceNames", "resourceNames"),
    ("Verbs", "verbs"),
)


def _text(values: tuple[tuple[str, ...], ...]) -> str:
    shown = zip((name for name, _ in _SHOWN), values, strict=True)
    return "{" + ", ".join(f"{name}:{quoted(value)}" for name, value in shown if value) + "}"


def quoted(value: str | Iterable[str]) -> str:
    """A string, or a list of strings, as Go's ``%q`` prints it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return "[" + " ".join(quoted(item) for item in value) + "]"
