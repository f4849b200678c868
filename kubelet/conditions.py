"""The pod's conditions. Pure; follows upstream's ``pkg/kubelet/status/generate.go``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelet.pod import app_containers, init_containers, is_sidecar
from minikube_py.api.meta import Object
from minikube_py.api.times import format_time

OWNED = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled", "DisruptionTarget")
"""The types that the kubelet writes; all others belong to other controllers."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition without its transition time."""

    type: str
    holds: bool
    reason: str = ""
    message: str = ""


def conditions(pod: Object, status: Object, *, sandbox_ready: bool) -> list[Condition]:
    """What holds of a pod with this new status (its containers and phase are read), in upstream's order."""
    containers_ready = _containers_ready(pod, status)
    return [
        Condition("PodReadyToStartContainers", sandbox_ready),
        _initialized(pod, status),
        _ready(pod, containers_ready),
        containers_ready,
        Condition("PodScheduled", True),
    ]


def rendered(new: Sequence[Condition], previous: Object, now: datetime) -> list[Object]:
    """The API's form; a condition whose truth has not changed keeps its transition time."""
    before = {c["type"]: c for c in previous.get("conditions") or []}
    return [_rendered(condition, before.get(condition.type), now) for condition in new]


def _rendered(condition: Condition, before: Object | None, now: datetime) -> Object:
    status = "True" if condition.holds else "False"
    kept = before is not None and before.get("status") == status and before.get("lastTransitionTime")
    shown: Object = {
        "type": condition.type,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": before["lastTransitionTime"] if kept and before is not None else format_time(now),
    }
    if condition.reason:
        shown["reason"] = condition.reason
    if condition.message:
        shown["message"] = condition.message
    return shown


def _listed(names: Sequence[str]) -> str:
    return f"[{' '.join(names)}]"


def _described(unknown: Sequence[str], others: Sequence[str], word: str) -> str:
    parts = []
    if unknown:
        parts.append(f"containers with unknown status: {_listed(unknown)}")
    if others:
        parts.append(f"containers with {word} status: {_listed(others)}")
    return ", ".join(parts)


def _initialized(pod: Object, status: Object) -> Condition:
    statuses = {s["name"]: s for s in status.get("initContainerStatuses") or []}
    if not init_containers(pod) or any(_has_started(s) for s in status.get("containerStatuses") or []):
        return Condition("Initialized", True, "PodCompleted" if status.get("phase") == "Succeeded" else "")
    unknown = [c["name"] for c in init_containers(pod) if c["name"] not in statuses]
    incomplete = [
        c["name"]
        for c in init_containers(pod)
        if c["name"] in statuses and not statuses[c["name"]].get("started" if is_sidecar(c) else "ready")
    ]
    if unknown or incomplete:
        return Condition(
            "Initialized", False, "ContainersNotInitialized", _described(unknown, incomplete, "incomplete")
        )
    return Condition("Initialized", True)


def _has_started(status: Object) -> bool:
    state = status.get("state") or {}
    return "running" in state or "terminated" in state or "terminated" in (status.get("lastState") or {})


def _containers_ready(pod: Object, status: Object) -> Condition:
    match status.get("phase"):
        case "Succeeded":
            return Condition("ContainersReady", False, "PodCompleted")
        case "Failed":
            return Condition("ContainersReady", False, "PodFailed")
    statuses = {
        s["name"]: s for s in (*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or []))
    }
    counted = [*(c for c in init_containers(pod) if is_sidecar(c)), *app_containers(pod)]
    unknown = [c["name"] for c in counted if c["name"] not in statuses]
    unready = [c["name"] for c in counted if c["name"] in statuses and not statuses[c["name"]]["ready"]]
    if unknown or unready:
        return Condition("ContainersReady", False, "ContainersNotReady", _described(unknown, unready, "unready"))
    return Condition("ContainersReady", True)


def _ready(pod: Object, containers_ready: Condition) -> Condition:
    if not containers_ready.holds:
        return Condition("Ready", False, containers_ready.reason, containers_ready.message)
    given = {c["type"]: c.get("status") for c in (pod.get("status") or {}).get("conditions") or []}
    unmet = []
    for gate in pod["spec"].get("readinessGates") or []:
        kind = gate["conditionType"]
        if kind not in given:
            unmet.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif given[kind] != "True":
            unmet.append(f'the status of pod readiness gate "{kind}" is not "True", but {given[kind]}')
    if unmet:
        return Condition("Ready", False, "ReadinessGatesNotReady", ", ".join(unmet))
    return Condition("Ready", True)
