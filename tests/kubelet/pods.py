"""Builders of pods and runtime state for the kubelet's tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kubelet.container_config import spec_hash
from kubelet.runtime import ContainerState, ContainerStatus, PodSandbox, RuntimePod
from minikube_py.api.meta import Object

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NODE = "node-1"


def container(name: str = "c", **fields: Any) -> Object:
    return {"name": name, "image": "busybox", "imagePullPolicy": "IfNotPresent", **fields}


def pod(name: str = "p", *containers: Object, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}"},
        "spec": {"nodeName": NODE, "containers": list(containers) or [container()], **spec},
        "status": {"phase": "Pending"},
    }


def sandbox(attempt: int = 0, *, ready: bool = True, name: str = "p") -> PodSandbox:
    return PodSandbox(
        id=f"sandbox-{attempt}",
        name=name,
        namespace="ns",
        uid=f"uid-{name}",
        attempt=attempt,
        ready=ready,
        created_at=NOW,
        ips=("10.0.0.5",) if ready else (),
    )


def running(name: str = "c", attempt: int = 0, sandbox_attempt: int = 0, **fields: Any) -> ContainerStatus:
    values: dict[str, Any] = {
        "id": f"{name}-{attempt}",
        "sandbox_id": f"sandbox-{sandbox_attempt}",
        "pod_name": "p",
        "pod_namespace": "ns",
        "pod_uid": "uid-p",
        "name": name,
        "attempt": attempt,
        "state": ContainerState.RUNNING,
        "created_at": NOW,
        "started_at": NOW,
        "image": "busybox:latest",
        "image_id": "docker://sha256:1",
        "spec_hash": spec_hash(container(name)),
    }
    return ContainerStatus(**{**values, **fields})


def exited(name: str = "c", exit_code: int = 0, attempt: int = 0, **fields: Any) -> ContainerStatus:
    return running(
        name,
        attempt,
        **{"state": ContainerState.EXITED, "exit_code": exit_code, "finished_at": NOW, **fields},
    )


def runtime_pod(*parts: PodSandbox | ContainerStatus) -> RuntimePod:
    sandboxes = [p for p in parts if isinstance(p, PodSandbox)]
    containers = [p for p in parts if isinstance(p, ContainerStatus)]
    return RuntimePod(
        "uid-p",
        "p",
        "ns",
        tuple(sorted(sandboxes, key=lambda s: -s.attempt)),
        tuple(sorted(containers, key=lambda c: -c.attempt)),
    )
