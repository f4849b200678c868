"""The printers of what scheduling goes by: classes of priority and of runtime, quotas, devices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, Column, Printer, age, documented
from minikube_py.api.meta import Object, is_deleting, name_of

_DEVICES = "resource.k8s.io"

PRIORITY_CLASS_COLUMNS = (
    NAME,
    Column("Value", documented("scheduling.v1.PriorityClass", "value"), type="integer"),
    Column("Global-Default", documented("scheduling.v1.PriorityClass", "globalDefault"), type="boolean"),
    AGE,
    Column("PreemptionPolicy", documented("scheduling.v1.PriorityClass", "preemptionPolicy")),
)
RUNTIME_CLASS_COLUMNS = (NAME, Column("Handler", documented("node.v1.RuntimeClass", "handler")), AGE)
RESOURCE_QUOTA_COLUMNS = (
    NAME,
    Column("Request", "Request represents a minimum amount of cpu/memory that a container may consume."),
    Column(
        "Limit",
        "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the "
        "node.",
    ),
    AGE,
)
NAME_AND_AGE = (NAME, AGE)
RESOURCE_CLAIM_COLUMNS = (
    NAME,
    Column("State", "A summary of the current state (allocated, pending, reserved, etc.)."),
    AGE,
)
RESOURCE_SLICE_COLUMNS = (
    NAME,
    Column("Node", "The node that the devices are on"),
    Column("Driver", "The driver that manages the devices"),
    Column("Pool", "The pool that the slice is part of"),
    AGE,
)


def priority_class_cells(priority_class: Object, now: datetime) -> list[Any]:
    """Name, value, whether it is the default, age, preemption policy."""
    return [
        name_of(priority_class),
        priority_class.get("value") or 0,
        bool(priority_class.get("globalDefault")),
        age(priority_class, now),
        priority_class.get("preemptionPolicy", ""),
    ]


def runtime_class_cells(runtime_class: Object, now: datetime) -> list[Any]:
    """Name, handler, age."""
    return [name_of(runtime_class), runtime_class.get("handler", ""), age(runtime_class, now)]


def resource_quota_cells(quota: Object, now: datetime) -> list[Any]:
    """Name, ``resource: used/hard`` of requests and counts, the same of limits, age."""
    status = quota.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    shown = {name: f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard)}
    return [
        name_of(quota),
        ", ".join(text for name, text in shown.items() if not name.startswith("limits")),
        ", ".join(text for name, text in shown.items() if name.startswith("limits")),
        age(quota, now),
    ]


def name_and_age_cells(obj: Object, now: datetime) -> list[Any]:
    """Name and age."""
    return [name_of(obj), age(obj, now)]


def resource_claim_cells(claim: Object, now: datetime) -> list[Any]:
    """Name, state, age."""
    status = claim.get("status") or {}
    states = ["deleted"] if is_deleting(claim) else []
    if status.get("allocation"):
        states += ["allocated", "reserved"] if status.get("reservedFor") else ["allocated"]
    elif not states:
        states.append("pending")
    return [name_of(claim), ",".join(states), age(claim, now)]


def resource_slice_cells(resource_slice: Object, now: datetime) -> list[Any]:
    """Name, node, driver, pool, age."""
    spec = resource_slice.get("spec") or {}
    pool = (spec.get("pool") or {}).get("name", "")
    return [
        name_of(resource_slice),
        spec.get("nodeName") or "<unset>",
        spec.get("driver", ""),
        pool,
        age(resource_slice, now),
    ]


PRINTERS = {
    ("", "ResourceQuota"): Printer(RESOURCE_QUOTA_COLUMNS, resource_quota_cells),
    ("node.k8s.io", "RuntimeClass"): Printer(RUNTIME_CLASS_COLUMNS, runtime_class_cells),
    ("scheduling.k8s.io", "PriorityClass"): Printer(PRIORITY_CLASS_COLUMNS, priority_class_cells),
    (_DEVICES, "ResourceClaim"): Printer(RESOURCE_CLAIM_COLUMNS, resource_claim_cells),
    (_DEVICES, "ResourceSlice"): Printer(RESOURCE_SLICE_COLUMNS, resource_slice_cells),
    **{
        (_DEVICES, kind): Printer(NAME_AND_AGE, name_and_age_cells)
        for kind in ("DeviceClass", "DeviceTaintRule", "ResourceClaimTemplate")
    },
}
