"""Role-based access control over the roles and bindings in the watch caches.

Grants are indexed by subject and rebuilt when a role or binding has changed; a role that a binding names but that does
not exist grants nothing. Follows ``k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apiserver.authz.attributes import Attributes
from apiserver.context import UserInfo
from apiserver.storage.cache import WatchCache
from apiserver.storage.cached import Cached
from minikube_py.api.meta import Object, join_key, name_of, namespace_of
from minikube_py.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Resource

_SOURCES = (CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS, ROLES, ROLE_BINDINGS)
_MAX_DECISIONS = 10_000


@dataclass(frozen=True, slots=True)
class Rule:
    """A ``PolicyRule`` made for matching."""

    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str]
    urls: tuple[str, ...]

    @classmethod
    def of(cls, rule: Object) -> Rule:
        """The rule of a role's ``rules`` entry."""
        return cls(
            frozenset(rule.get("verbs") or ()),
            frozenset(rule.get("apiGroups") or ()),
            frozenset(rule.get("resources") or ()),
            frozenset(rule.get("resourceNames") or ()),
            tuple(rule.get("nonResourceURLs") or ()),
        )

    def object(self) -> Object:
        """The ``PolicyRule``, as SelfSubjectRulesReview lists it."""
        if self.urls:
            return {"verbs": sorted(self.verbs), "nonResourceURLs": list(self.urls)}
        listed: Object = {
            "verbs": sorted(self.verbs),
            "apiGroups": sorted(self.groups),
            "resources": sorted(self.resources),
        }
        if self.names:
            listed["resourceNames"] = sorted(self.names)
        return listed

    def allows(self, attributes: Attributes) -> bool:
        """Whether the rule covers the question."""
        if attributes.verb not in self.verbs and "*" not in self.verbs:
            return False
        if attributes.path:
            return any(_url_matches(url, attributes.path) for url in self.urls)
        if attributes.group not in self.groups and "*" not in self.groups:
            return False
        resources = self.resources
        if (
            "*" not in resources
            and attributes.resource not in resources
            and not (attributes.subresource and f"*/{attributes.subresource}" in resources)
        ):
            return False
        return not self.names or attributes.name in self.names


def _url_matches(pattern: str, path: str) -> bool:
    if pattern == "*":
        return True
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


@dataclass(frozen=True, slots=True)
class Grant:
    """Rules given to a subject, in one namespace or (empty) everywhere."""

    namespace: str
    rules: tuple[Rule, ...]
    reason: str = ""
    """By which binding of which role to which subject, in upstream's words."""


Subject = tuple[str, str]
"""``("User", name)`` or ``("Group", name)``; a ServiceAccount is the user that its tokens authenticate as."""


def subject_of(subject: Object, binding_namespace: str) -> Subject | None:
    """The subject of a binding's entry, None for a kind that is not known."""
    kind, name = subject.get("kind"), subject.get("name", "")
    if kind == "ServiceAccount":
        return "User", f"system:serviceaccount:{subject.get('namespace') or binding_namespace}:{name}"
    return (kind, name) if kind in ("User", "Group") else None


def _described(subject: Object, binding_namespace: str) -> str:
    name = subject.get("name", "")
    if subject.get("kind") == "ServiceAccount":
        name = f"{name}/{subject.get('namespace') or binding_namespace}"
    return f'{subject.get("kind")} "{name}"'


class Rbac:
    """Answers from an index of grants that follows the caches."""

    def __init__(self, caches: Mapping[Resource, WatchCache]) -> None:
        self._caches = [caches[resource] for resource in _SOURCES]
        self._seen: list[list[Cached]] = []
        self._revision = -1
        self._grants: dict[Subject, list[Grant]] = {}
        self._decisions: dict[tuple[object, ...], str | None] = {}

    def allowed_by(self, attributes: Attributes) -> str | None:
        """Which role bound to the user or one of the user's groups covers the question; None where none does."""
        self._refresh()
        user = attributes.user
        key = (
            user.name,
            user.groups,
            attributes.verb,
            attributes.group,
            attributes.resource,
            attributes.namespace,
            attributes.name,
            attributes.path,
        )
        if key in self._decisions:
            return self._decisions[key]
        granted = (
            grant.reason
            for grant in self._of(user, attributes.namespace)
            if any(rule.allows(attributes) for rule in grant.rules)
        )
        if len(self._decisions) >= _MAX_DECISIONS:
            self._decisions.clear()
        decision = self._decisions[key] = next(granted, None)
        return decision

    def rules_for(self, user: UserInfo, namespace: str) -> list[Rule]:
        """Every rule that a user has in a namespace."""
        self._refresh()
        return [rule for grant in self._of(user, namespace) for rule in grant.rules]

    def _of(self, user: UserInfo, namespace: str) -> Iterator[Grant]:
        for subject in (("User", user.name), *(("Group", group) for group in user.groups)):
            for grant in self._grants.get(subject, ()):
                if not grant.namespace or grant.namespace == namespace:
                    yield grant

    def _refresh(self) -> None:
        revision = self._caches[0].revision
        if revision == self._revision:
            return
        self._revision = revision
        seen = [cache.list().items for cache in self._caches]
        if seen != self._seen:
            self._seen = seen
            self._grants = build_grants(*([item.object for item in items] for items in seen))
            self._decisions.clear()


def build_grants(
    cluster_roles: list[Object], cluster_role_bindings: list[Object], roles: list[Object], role_bindings: list[Object]
) -> dict[Subject, list[Grant]]:
    """The index of what each subject is granted. Pure."""
    rules: dict[tuple[str, str], tuple[Rule, ...]] = {}
    for kind, items in (("ClusterRole", cluster_roles), ("Role", roles)):
        for role in items:
            key = join_key(namespace_of(role) if kind == "Role" else "", name_of(role))
            rules[kind, key] = tuple(Rule.of(rule) for rule in role.get("rules") or ())
    grants: dict[Subject, list[Grant]] = {}
    for binding in (*cluster_role_bindings, *role_bindings):
        namespace = namespace_of(binding)
        reference = binding.get("roleRef") or {}
        kind = reference.get("kind", "")
        key = join_key(namespace if kind == "Role" else "", reference.get("name", ""))
        held = rules.get((kind, key), ())
        name = f"{name_of(binding)}/{namespace}" if namespace else name_of(binding)
        bound = f'{"RoleBinding" if namespace else "ClusterRoleBinding"} "{name}" of {kind} "{reference.get("name")}"'
        for entry in binding.get("subjects") or ():
            subject = subject_of(entry, namespace)
            if subject is not None and held:
                reason = f"RBAC: allowed by {bound} to {_described(entry, namespace)}"
                grants.setdefault(subject, []).append(Grant(namespace, held, reason))
    return grants
