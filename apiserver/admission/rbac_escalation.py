"""Nobody grants by a role or a binding what they do not hold themselves.

Unless they are of ``system:masters``, or hold the verb ``escalate`` on roles, or ``bind`` on the role they bind.
Follows ``k8s.io/kubernetes/pkg/registry/rbac`` (the ``policybased`` storages), where upstream checks this.
"""

from __future__ import annotations

from apiserver.admission.plugin import Attributes, Plugin
from apiserver.authz.attributes import Attributes as Question
from apiserver.authz.authorizer import MASTERS
from apiserver.core import Operation
from apiserver.reads import FRESH_TIMEOUT_SECONDS
from minikube_py.api.errors import Forbidden, NotFound, forbidden, not_found
from minikube_py.api.meta import Object, join_key
from minikube_py.api.rbac import compact, quoted, uncovered
from minikube_py.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES

_GROUP = "rbac.authorization.k8s.io"
_FULL_AUTHORITY = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)


class RbacEscalation(Plugin):
    """Validates what is written to the four RBAC kinds."""

    name = "RbacEscalation"
    validates = True
    kinds = frozenset((_GROUP, plural) for plural in ("roles", "rolebindings", "clusterroles", "clusterrolebindings"))

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden naming what the user does not hold, NotFound for a role that is not there."""
        operation, obj = attributes.operation, attributes.obj
        if operation.resource.group != _GROUP or obj is None or MASTERS in operation.user.groups:
            return
        try:
            _check(operation, obj, attributes.old)
        except (Forbidden, NotFound):
            # The caches of this process may be behind the one that granted it.
            for resource in (ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS):
                await operation.core.caches[resource].wait_fresh(FRESH_TIMEOUT_SECONDS)
            _check(operation, obj, attributes.old)


def _check(operation: Operation, obj: Object, old: Object | None) -> None:
    if operation.resource.plural in ("roles", "clusterroles"):
        _check_role(operation, obj, old)
    elif old is None or any(old.get(key) != obj.get(key) for key in ("roleRef", "subjects")):
        _check_binding(operation, obj)


def _check_role(operation: Operation, role: Object, old: Object | None) -> None:
    def changed(field: str) -> bool:
        return old is None or (old.get(field) or []) != (role.get(field) or [])

    if _may(operation, "escalate", operation.resource.plural, operation.name):
        return
    if role.get("aggregationRule") and changed("aggregationRule") and _missing(operation, _FULL_AUTHORITY):
        raise _refused(operation, "must have cluster-admin privileges to use the aggregationRule")
    if changed("rules"):
        _check_held(operation, role.get("rules") or ())


def _check_binding(operation: Operation, binding: Object) -> None:
    reference = binding.get("roleRef") or {}
    name = reference.get("name", "")
    resource = ROLES if reference.get("kind") == "Role" else CLUSTER_ROLES
    if _may(operation, "bind", resource.plural, name):
        return
    namespace = operation.namespace if resource.namespaced else ""
    found = operation.core.caches[resource].get(join_key(namespace, name))
    if found is None:
        raise not_found(_GROUP, resource.plural, name)
    _check_held(operation, found.object.get("rules") or ())


def _may(operation: Operation, verb: str, plural: str, name: str) -> bool:
    question = Question(operation.user, verb, _GROUP, "v1", plural, "", operation.namespace, name)
    return operation.core.authorizer.allows(question)[0]


def _missing(operation: Operation, wanted: tuple[Object, ...] | list[Object]) -> list[Object]:
    held = operation.core.authorizer.rbac.rules_for(operation.user, operation.namespace)
    return uncovered([rule.object() for rule in held], wanted)


def _check_held(operation: Operation, rules: tuple[Object, ...] | list[Object]) -> None:
    missing = _missing(operation, rules)
    if missing:
        listed = "\n".join(sorted(compact(missing)))
        user = operation.user
        raise _refused(
            operation,
            f"user {quoted(user.name)} (groups={quoted(user.groups)}) is attempting to grant RBAC permissions not "
            f"currently held:\n{listed}",
        )


def _refused(operation: Operation, cause: str) -> Forbidden:
    return forbidden(_GROUP, operation.resource.plural, operation.name, cause)
