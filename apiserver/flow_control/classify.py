"""Which FlowSchema a request falls under, and which flow within it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apiserver.context import RequestInfo, UserInfo
from minikube_py.api.meta import Object, name_of, uid_of

_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Schema:
    """A FlowSchema: its rules apply in the order of precedence, then of names."""

    name: str
    uid: str
    level: str
    precedence: int
    distinguisher: str
    rules: tuple[Object, ...]


def schemas_of(objects: Iterable[Object]) -> list[Schema]:
    """The FlowSchemas in the order in which they are asked."""
    made = []
    for obj in objects:
        spec = obj.get("spec") or {}
        by = (spec.get("distinguisherMethod") or {}).get("type", "")
        level = (spec.get("priorityLevelConfiguration") or {}).get("name", "")
        precedence = int(spec.get("matchingPrecedence") or 1000)
        made.append(Schema(name_of(obj), uid_of(obj), level, precedence, by, tuple(spec.get("rules") or ())))
    return sorted(made, key=lambda schema: (schema.precedence, schema.name))


def classify(schemas: Iterable[Schema], user: UserInfo, info: RequestInfo) -> Schema | None:
    """The first schema with a rule whose subjects and targets both match, or None."""
    for schema in schemas:
        for rule in schema.rules:
            if any(_is_subject(subject, user) for subject in rule.get("subjects") or ()) and _is_target(rule, info):
                return schema
    return None


def distinguish(schema: Schema, user: UserInfo, info: RequestInfo) -> str:
    """What tells one flow of a schema from another: the user, the namespace, or nothing."""
    if schema.distinguisher == "ByUser":
        return user.name
    return info.namespace if schema.distinguisher == "ByNamespace" else ""


def _is_subject(subject: Object, user: UserInfo) -> bool:
    kind = subject.get("kind")
    if kind == "User":
        return (subject.get("user") or {}).get("name") in ("*", user.name)
    if kind == "Group":
        name = (subject.get("group") or {}).get("name")
        return name == "*" or name in user.groups
    if kind == "ServiceAccount" and user.name.startswith(_ACCOUNT):
        account = subject.get("serviceAccount") or {}
        namespace, _, name = user.name.removeprefix(_ACCOUNT).partition(":")
        return account.get("namespace") == namespace and account.get("name") in ("*", name)
    return False


def _is_target(rule: Object, info: RequestInfo) -> bool:
    if not info.is_resource:
        return any(
            _has(target, "verbs", info.verb) and _has_path(target, info.path)
            for target in rule.get("nonResourceRules") or ()
        )
    resource = f"{info.plural}/{info.subresource}" if info.subresource else info.plural
    return any(
        _has(target, "verbs", info.verb)
        and _has(target, "apiGroups", info.group)
        and _has(target, "resources", resource)
        and (_has(target, "namespaces", info.namespace) if info.namespace else bool(target.get("clusterScope")))
        for target in rule.get("resourceRules") or ()
    )


def _has(target: Object, field: str, value: str) -> bool:
    held = target.get(field) or ()
    return "*" in held or value in held


def _has_path(target: Object, path: str) -> bool:
    return any(
        held in ("*", path) or (held.endswith("/*") and path.startswith(held[:-1]))
        for held in target.get("nonResourceURLs") or ()
    )
