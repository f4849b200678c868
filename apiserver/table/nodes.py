"""The printers of Node, Namespace and Lease."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, NONE, UNKNOWN, Column, Printer, age, documented
from minikube_py.api.meta import Object, find_condition, labels_of, name_of

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"

NODE_COLUMNS = (
    NAME,
    Column("Status", "The status of the node"),
    Column("Roles", "The roles of the node"),
    AGE,
    Column("Version", documented("core.v1.NodeSystemInfo", "kubeletVersion")),
    Column("Internal-IP", documented("core.v1.NodeStatus", "addresses"), priority=1),
    Column("External-IP", documented("core.v1.NodeStatus", "addresses"), priority=1),
    Column("OS-Image", documented("core.v1.NodeSystemInfo", "osImage"), priority=1),
    Column("Kernel-Version", documented("core.v1.NodeSystemInfo", "kernelVersion"), priority=1),
    Column("Container-Runtime", documented("core.v1.NodeSystemInfo", "containerRuntimeVersion"), priority=1),
)

NAMESPACE_COLUMNS = (NAME, Column("Status", "The status of the namespace"), AGE)

LEASE_COLUMNS = (NAME, Column("Holder", documented("coordination.v1.LeaseSpec", "holderIdentity")), AGE)


def node_cells(node: Object, now: datetime) -> list[Any]:
    """Name, status, roles, age, version, then addresses and system information."""
    info = (node.get("status") or {}).get("nodeInfo") or {}
    return [
        name_of(node),
        _status(node),
        ",".join(_roles(node)) or NONE,
        age(node, now),
        info.get("kubeletVersion", ""),
        _address(node, "InternalIP"),
        _address(node, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def namespace_cells(namespace: Object, now: datetime) -> list[Any]:
    """Name, phase and age."""
    return [name_of(namespace), (namespace.get("status") or {}).get("phase", ""), age(namespace, now)]


def lease_cells(lease: Object, now: datetime) -> list[Any]:
    """Name, holder and age."""
    return [name_of(lease), (lease.get("spec") or {}).get("holderIdentity") or "", age(lease, now)]


def _status(node: Object) -> str:
    condition = find_condition(node, "Ready")
    if condition is None:
        status = "Unknown"
    else:
        status = "Ready" if condition.get("status") == "True" else "NotReady"
    return f"{status},SchedulingDisabled" if (node.get("spec") or {}).get("unschedulable") else status


def _roles(node: Object) -> list[str]:
    labels = labels_of(node)
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    roles.add(labels.get(_ROLE_LABEL, ""))
    return sorted(roles - {""})


def _address(node: Object, address_type: str) -> str:
    addresses = (node.get("status") or {}).get("addresses") or []
    return next((item.get("address") or "" for item in addresses if item.get("type") == address_type), NONE)


PRINTERS = {
    ("", "Node"): Printer(NODE_COLUMNS, node_cells),
    ("", "Namespace"): Printer(NAMESPACE_COLUMNS, namespace_cells),
    ("coordination.k8s.io", "Lease"): Printer(LEASE_COLUMNS, lease_cells),
}
