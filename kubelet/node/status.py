"""The Node object and its status. Pure; follows upstream's ``pkg/kubelet/nodestatus``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kubelet.node.facts import HostFacts
from kubelet.runtime import ImageStatus, RuntimeStatus, RuntimeVersion
from minikube_py.api.meta import Object
from minikube_py.api.quantity import Quantity
from minikube_py.api.times import format_time

MOST_IMAGES = 50
_UNKNOWN_RUNTIME = "docker://Unknown"


@dataclass(frozen=True, slots=True)
class Pressure:
    """Which of the node's resources run short."""

    memory: bool = False
    disk: bool = False
    pid: bool = False


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What the administrator decides of a node. Reserved and eviction amounts are subtracted from the allocatable."""

    name: str
    address: str
    port: int
    kubelet_version: str
    max_pods: int = 110
    reserved: Mapping[str, str] = field(default_factory=dict)
    memory_eviction_bytes: int = 0
    storage_eviction_share: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Object] = ()


@dataclass(frozen=True, slots=True)
class NodeObservation:
    """The node at one moment; ``runtime`` is None while the runtime does not answer."""

    now: datetime
    runtime: RuntimeStatus | None
    version: RuntimeVersion | None = None
    images: tuple[ImageStatus, ...] = ()
    pressure: Pressure = Pressure()


def node_labels(settings: NodeSettings, facts: HostFacts) -> dict[str, str]:
    """The labels that a kubelet keeps on its node."""
    return {
        "beta.kubernetes.io/arch": facts.architecture,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": facts.architecture,
        "kubernetes.io/hostname": settings.name,
        "kubernetes.io/os": "linux",
        **settings.labels,
    }


def new_node(settings: NodeSettings, facts: HostFacts, status: Object) -> Object:
    """The Node to register."""
    spec: Object = {"taints": [dict(taint) for taint in settings.taints]} if settings.taints else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": settings.name,
            "labels": node_labels(settings, facts),
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        },
        "spec": spec,
        "status": status,
    }


def capacity(settings: NodeSettings, facts: HostFacts) -> dict[str, str]:
    """What the host has."""
    return {
        "cpu": str(facts.cpus),
        "ephemeral-storage": f"{facts.storage_bytes // 1024}Ki",
        "memory": f"{facts.memory_bytes // 1024}Ki",
        "pods": str(settings.max_pods),
    }


def allocatable(settings: NodeSettings, facts: HostFacts) -> dict[str, str]:
    """What pods may use: the capacity less what is reserved and the eviction thresholds."""
    reserved = {name: Quantity.parse(amount) for name, amount in settings.reserved.items()}
    cpu = max(0, facts.cpus * 1000 - (reserved["cpu"].milli() if "cpu" in reserved else 0))
    memory = facts.memory_bytes - settings.memory_eviction_bytes
    memory -= reserved["memory"].value() if "memory" in reserved else 0
    storage = facts.storage_bytes - int(facts.storage_bytes * settings.storage_eviction_share)
    storage -= reserved["ephemeral-storage"].value() if "ephemeral-storage" in reserved else 0
    return {
        "cpu": str(Quantity.parse(f"{cpu}m")),
        "ephemeral-storage": str(max(0, storage)),
        "memory": f"{max(0, memory) // 1024}Ki",
        "pods": str(settings.max_pods),
    }


def node_status(settings: NodeSettings, facts: HostFacts, o: NodeObservation, previous: Object) -> Object:
    """The status to report; conditions that have not changed keep their transition times."""
    runtime = f"{o.version.name}://{o.version.version}" if o.version is not None else _UNKNOWN_RUNTIME
    known = (previous.get("nodeInfo") or {}).get("containerRuntimeVersion")
    return {
        "capacity": capacity(settings, facts),
        "allocatable": allocatable(settings, facts),
        "conditions": node_conditions(o, previous),
        "addresses": [
            {"type": "InternalIP", "address": settings.address},
            {"type": "Hostname", "address": settings.name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": settings.port}},
        "nodeInfo": {
            "machineID": facts.machine_id,
            "systemUUID": facts.system_uuid,
            "bootID": facts.boot_id,
            "kernelVersion": facts.kernel_version,
            "osImage": facts.os_image,
            "containerRuntimeVersion": known if o.version is None and known else runtime,
            "kubeletVersion": settings.kubelet_version,
            "kubeProxyVersion": settings.kubelet_version,
            "operatingSystem": "linux",
            "architecture": facts.architecture,
        },
        "images": _images(o.images),
    }


def node_conditions(o: NodeObservation, previous: Object) -> list[Object]:
    """The four conditions that a kubelet owns."""
    pressure = o.pressure
    cause = not_ready_cause(o.runtime)
    shown = [
        _pressure("MemoryPressure", pressure.memory, "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory"),
        _pressure("DiskPressure", pressure.disk, "KubeletHasDiskPressure", "KubeletHasNoDiskPressure"),
        _pressure("PIDPressure", pressure.pid, "KubeletHasInsufficientPID", "KubeletHasSufficientPID"),
        ("Ready", "False", "KubeletNotReady", cause)
        if cause
        else ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
    before = {c["type"]: c for c in previous.get("conditions") or []}
    now = format_time(o.now)
    conditions = []
    for kind, status, reason, message in shown:
        old = before.get(kind)
        kept = old is not None and old.get("status") == status and old.get("lastTransitionTime")
        conditions.append(
            {
                "type": kind,
                "status": status,
                "lastHeartbeatTime": now,
                "lastTransitionTime": kept or now,
                "reason": reason,
                "message": message,
            }
        )
    return conditions


_PRESSURE_MESSAGES = {
    "KubeletHasInsufficientMemory": "kubelet has insufficient memory available",
    "KubeletHasSufficientMemory": "kubelet has sufficient memory available",
    "KubeletHasDiskPressure": "kubelet has disk pressure",
    "KubeletHasNoDiskPressure": "kubelet has no disk pressure",
    "KubeletHasInsufficientPID": "kubelet has insufficient PID available",
    "KubeletHasSufficientPID": "kubelet has sufficient PID available",
}


def _pressure(kind: str, under: bool, bad: str, good: str) -> tuple[str, str, str, str]:
    reason = bad if under else good
    return kind, "True" if under else "False", reason, _PRESSURE_MESSAGES[reason]


def not_ready_cause(runtime: RuntimeStatus | None) -> str:
    """Why the node is not ready, as upstream words it; empty where it is."""
    if runtime is None:
        return "container runtime is down"
    causes = []
    if not runtime.runtime.ready:
        causes.append(
            f"container runtime not ready: RuntimeReady=false reason:{runtime.runtime.reason} "
            f"message:{runtime.runtime.message}"
        )
    if not runtime.network.ready:
        causes.append(
            f"container runtime network not ready: NetworkReady=false reason:{runtime.network.reason} "
            f"message:{runtime.network.message}"
        )
    return causes[0] if len(causes) == 1 else f"[{', '.join(causes)}]" if causes else ""


def _images(images: Sequence[ImageStatus]) -> list[Object]:
    named = [image for image in images if image.repo_tags or image.repo_digests]
    named.sort(key=lambda image: image.size_bytes, reverse=True)
    return [
        {"names": [*image.repo_digests, *image.repo_tags][:5], "sizeBytes": image.size_bytes}
        for image in named[:MOST_IMAGES]
    ]


def significant(status: Object) -> Object:
    """The status without its heartbeats: when two differ, the API is told at once."""
    conditions = [
        {key: value for key, value in condition.items() if key != "lastHeartbeatTime"}
        for condition in status.get("conditions") or []
    ]
    return {**status, "conditions": conditions}


def transitions(new: Object, old: Object) -> list[str]:
    """The event reasons of conditions that have turned, such as ``NodeReady``."""
    before = {c["type"]: c.get("status") for c in old.get("conditions") or []}
    reasons = []
    for condition in new["conditions"]:
        if before.get(condition["type"]) == condition["status"]:
            continue
        if condition["type"] == "Ready":
            reasons.append("NodeReady" if condition["status"] == "True" else "NodeNotReady")
        else:
            reasons.append(condition["reason"].replace("Kubelet", "Node", 1))
    return reasons
