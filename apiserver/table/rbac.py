"""The printers of RoleBinding and ClusterRoleBinding; roles themselves have the default columns."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, Column, Printer, age, documented
from minikube_py.api.meta import Object, name_of

_GROUP = "rbac.authorization.k8s.io"


def _columns(kind: str) -> tuple[Column, ...]:
    shown = kind[0].lower() + kind[1:]
    return (
        NAME,
        Column("Role", documented(f"rbac.v1.{kind}", "roleRef")),
        AGE,
        Column("Users", f"Users in the {shown}", priority=1),
        Column("Groups", f"Groups in the {shown}", priority=1),
        Column("ServiceAccounts", f"ServiceAccounts in the {shown}", priority=1),
    )


def cells(binding: Object, now: datetime) -> list[Any]:
    """Name, role, age, users, groups, service accounts."""
    role, subjects = binding.get("roleRef") or {}, binding.get("subjects") or []

    def names(kind: str) -> str:
        return ", ".join(subject.get("name", "") for subject in subjects if subject.get("kind") == kind)

    accounts = (
        f"{subject.get('namespace', '')}/{subject.get('name', '')}"
        for subject in subjects
        if subject.get("kind") == "ServiceAccount"
    )
    return [
        name_of(binding),
        f"{role.get('kind', '')}/{role.get('name', '')}",
        age(binding, now),
        names("User"),
        names("Group"),
        ", ".join(accounts),
    ]


PRINTERS = {(_GROUP, kind): Printer(_columns(kind), cells) for kind in ("RoleBinding", "ClusterRoleBinding")}
