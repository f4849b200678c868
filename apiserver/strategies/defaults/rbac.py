"""Defaults of RoleBinding and ClusterRoleBinding."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import each, filled, within
from minikube_py.api.meta import Object

RBAC_GROUP = "rbac.authorization.k8s.io"


def default_binding(binding: Object) -> Object:
    """A binding whose role and subjects name their API groups."""
    binding = within(binding, "roleRef", lambda role: filled(role, {"apiGroup": RBAC_GROUP}))
    return each(binding, "subjects", _default_subject)


def _default_subject(subject: Object) -> Object:
    if subject.get("kind") in ("User", "Group"):
        return filled(subject, {"apiGroup": RBAC_GROUP})
    return subject
