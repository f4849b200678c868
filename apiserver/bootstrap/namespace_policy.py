"""The default Roles and RoleBindings of ``kube-system`` and ``kube-public``, as data.

Follows ``namespace_policy.go`` of ``k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy``.
"""

from __future__ import annotations

from apiserver.bootstrap.rules import EVENTS, READ, rule
from minikube_py.api.meta import Object

_SYSTEM, _PUBLIC = "kube-system", "kube-public"
_READER = "extension-apiserver-authentication-reader"
_SIGNER = "system:controller:bootstrap-signer"
_CLOUD = "system:controller:cloud-provider"
_CLEANER = "system:controller:token-cleaner"
_LOCK_MANAGER = "system::leader-locking-kube-controller-manager"
_LOCK_SCHEDULER = "system::leader-locking-kube-scheduler"

Subject = tuple[str, str]
"""``("User", name)``, or ``("ServiceAccount", name)`` of kube-system."""

ROLES: dict[tuple[str, str], tuple[Object, ...]] = {
    (_SYSTEM, _READER): (rule(READ, "", "configmaps", "extension-apiserver-authentication"),),
    (_SYSTEM, _SIGNER): (rule(READ, "", "secrets"),),
    (_SYSTEM, _CLOUD): (rule("create get list watch", "", "configmaps"),),
    (_SYSTEM, _CLEANER): (rule("get list watch delete", "", "secrets"), EVENTS),
    (_SYSTEM, _LOCK_MANAGER): (
        rule("watch", "", "configmaps"),
        rule("get update", "", "configmaps", "kube-controller-manager"),
        rule("get watch list create update", "coordination.k8s.io", "leases"),
    ),
    (_SYSTEM, _LOCK_SCHEDULER): (
        rule("watch", "", "configmaps"),
        rule("get update", "", "configmaps", "kube-scheduler"),
    ),
    (_PUBLIC, _SIGNER): (
        rule(READ, "", "configmaps"),
        rule("update", "", "configmaps", "cluster-info"),
        EVENTS,
    ),
}
"""``(namespace, name)`` → rules."""

ROLE_BINDINGS: dict[tuple[str, str], tuple[str, tuple[Subject, ...]]] = {
    (_SYSTEM, f"system::{_READER}"): (
        _READER,
        (("User", "system:kube-controller-manager"), ("User", "system:kube-scheduler")),
    ),
    (_SYSTEM, _LOCK_MANAGER): (
        _LOCK_MANAGER,
        (
            ("User", "system:kube-controller-manager"),
            ("ServiceAccount", "kube-controller-manager"),
            ("ServiceAccount", "leader-election-controller"),
        ),
    ),
    (_SYSTEM, _LOCK_SCHEDULER): (
        _LOCK_SCHEDULER,
        (("User", "system:kube-scheduler"), ("ServiceAccount", "kube-scheduler")),
    ),
    (_SYSTEM, _SIGNER): (_SIGNER, (("ServiceAccount", "bootstrap-signer"),)),
    (_SYSTEM, _CLOUD): (_CLOUD, (("ServiceAccount", "cloud-provider"),)),
    (_SYSTEM, _CLEANER): (_CLEANER, (("ServiceAccount", "token-cleaner"),)),
    (_PUBLIC, _SIGNER): (_SIGNER, (("ServiceAccount", "bootstrap-signer"),)),
}
"""``(namespace, name)`` → (role, subjects)."""
