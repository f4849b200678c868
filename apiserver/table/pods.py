"""The Pod printer: READY, STATUS and RESTARTS as ``kubectl get pods`` has always summed them up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, NONE, Column, Printer, age, documented, human_duration
from minikube_py.api.meta import Object, condition_is_true, is_deleting, name_of
from minikube_py.api.times import parse_time

_TERMINAL = ("Succeeded", "Failed")
_NODE_LOST = "NodeLost"

COLUMNS = (
    NAME,
    Column("Ready", "The aggregate readiness state of this pod for accepting traffic."),
    Column("Status", "The aggregate status of the containers in this pod."),
    Column(
        "Restarts",
        "The number of times the containers in this pod have been restarted and when the last container in this pod "
        "has restarted.",
    ),
    AGE,
    Column("IP", documented("core.v1.PodStatus", "podIP"), priority=1),
    Column("Node", documented("core.v1.PodSpec", "nodeName"), priority=1),
    Column("Nominated Node", documented("core.v1.PodStatus", "nominatedNodeName"), priority=1),
    Column("Readiness Gates", documented("core.v1.PodSpec", "readinessGates"), priority=1),
)


@dataclass(slots=True)
class _Restarts:
    count: int = 0
    latest: datetime | None = None

    def add(self, container_status: Object) -> None:
        self.count += int(container_status.get("restartCount") or 0)
        terminated = (container_status.get("lastState") or {}).get("terminated") or {}
        if terminated.get("finishedAt"):
            finished = parse_time(terminated["finishedAt"])
            self.latest = finished if self.latest is None else max(self.latest, finished)

    def shown(self, now: datetime) -> str:
        if self.count and self.latest:
            return f"{self.count} ({human_duration((now - self.latest).total_seconds())} ago)"
        return str(self.count)


@dataclass(slots=True)
class _Summary:
    """What is gathered while a pod's container statuses are read in order."""

    reason: str
    ready: int = 0
    total: int = 0
    initializing: bool = False
    restarts: _Restarts = field(default_factory=_Restarts)
    sidecar_restarts: _Restarts = field(default_factory=_Restarts)


def cells(pod: Object, now: datetime) -> list[Any]:
    """Name, ready count, status, restarts, age and the four wide columns."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    summary = _summarize(pod, spec, status)
    gates = spec.get("readinessGates") or []
    passed = sum(1 for gate in gates if condition_is_true(pod, gate.get("conditionType", "")))
    addresses = status.get("podIPs") or []
    return [
        name_of(pod),
        f"{summary.ready}/{summary.total}",
        summary.reason,
        summary.restarts.shown(now),
        age(pod, now),
        (addresses[0].get("ip") if addresses else "") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        f"{passed}/{len(gates)}" if gates else NONE,
    ]


def row_conditions(pod: Object) -> list[Object]:
    """The row condition that marks a finished pod."""
    phase = (pod.get("status") or {}).get("phase")
    if phase not in _TERMINAL:
        return []
    message = "The pod has completed successfully." if phase == "Succeeded" else "The pod failed."
    return [{"type": "Completed", "status": "True", "reason": phase, "message": message}]


def _summarize(pod: Object, spec: Object, status: Object) -> _Summary:
    phase = status.get("phase") or ""
    summary = _Summary(reason=status.get("reason") or phase, total=len(spec.get("containers") or []))
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            summary.reason = "SchedulingGated"
    _read_init_containers(summary, spec, status)
    if not summary.initializing or condition_is_true(pod, "Initialized"):
        _read_containers(summary, pod, status)
    if is_deleting(pod) and status.get("reason") == _NODE_LOST:
        summary.reason = "Unknown"
    elif is_deleting(pod) and phase not in _TERMINAL:
        summary.reason = "Terminating"
    return summary


def _read_init_containers(summary: _Summary, spec: Object, status: Object) -> None:
    init_containers = spec.get("initContainers") or []
    sidecars = {item.get("name") for item in init_containers if item.get("restartPolicy") == "Always"}
    summary.total += len(sidecars)
    for index, container in enumerate(status.get("initContainerStatuses") or []):
        summary.restarts.add(container)
        if container.get("name") in sidecars:
            summary.sidecar_restarts.add(container)
        if summary.initializing:
            continue
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting") or {}
        if terminated is not None and not terminated.get("exitCode"):
            continue
        if container.get("name") in sidecars and container.get("started"):
            summary.ready += bool(container.get("ready"))
            continue
        summary.initializing = True
        if terminated is not None:
            summary.reason = f"Init:{terminated.get('reason') or _exit(terminated)}"
        elif waiting.get("reason") and waiting["reason"] != "PodInitializing":
            summary.reason = f"Init:{waiting['reason']}"
        else:
            summary.reason = f"Init:{index}/{len(init_containers)}"


def _read_containers(summary: _Summary, pod: Object, status: Object) -> None:
    summary.restarts = summary.sidecar_restarts
    running = False
    for container in reversed(status.get("containerStatuses") or []):
        summary.restarts.add(container)
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting") or {}
        if waiting.get("reason"):
            summary.reason = waiting["reason"]
        elif terminated is not None:
            summary.reason = terminated.get("reason") or _exit(terminated)
        elif container.get("ready") and state.get("running") is not None:
            running = True
            summary.ready += 1
    if summary.reason == "Completed" and running:
        summary.reason = "Running" if condition_is_true(pod, "Ready") else "NotReady"


def _exit(terminated: Object) -> str:
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode') or 0}"


PRINTERS = {("", "Pod"): Printer(COLUMNS, cells)}
