"""What the kubelet writes into a container's labels, and reads back from them. Pure.

The names are those of upstream's dockershim, so that tools which look for them find them. Containers of another kubelet
on the same engine are told apart by the owner's label.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Final

from kubelet.runtime import ContainerConfig, SandboxConfig

OWNER: Final = "io.minikube-py.kubelet"
KIND: Final = "io.kubernetes.docker.type"
SANDBOX: Final = "podsandbox"
CONTAINER: Final = "container"
POD_NAME: Final = "io.kubernetes.pod.name"
POD_NAMESPACE: Final = "io.kubernetes.pod.namespace"
POD_UID: Final = "io.kubernetes.pod.uid"
CONTAINER_NAME: Final = "io.kubernetes.container.name"
SANDBOX_ID: Final = "io.kubernetes.sandbox.id"
ATTEMPT: Final = "annotation.io.kubernetes.container.restartCount"
SANDBOX_ATTEMPT: Final = "annotation.io.kubernetes.sandbox.attempt"
HASH: Final = "annotation.io.kubernetes.container.hash"
MESSAGE_PATH: Final = "annotation.io.kubernetes.container.terminationMessagePath"
MESSAGE_POLICY: Final = "annotation.io.kubernetes.container.terminationMessagePolicy"
MESSAGE_HOST_PATH: Final = "annotation.io.minikube-py.container.terminationMessageHostPath"
GRACE_PERIOD: Final = "annotation.io.kubernetes.pod.terminationGracePeriod"
PRE_STOP: Final = "annotation.io.kubernetes.container.preStopHandler"
PORTS: Final = "annotation.io.kubernetes.container.ports"
IMAGE_NAME: Final = "annotation.io.minikube-py.container.image"
CGROUP_PARENT: Final = "annotation.io.minikube-py.sandbox.cgroupParent"

_PAUSE = "POD"


def sandbox_name(config: SandboxConfig) -> str:
    """``k8s_POD_<pod>_<namespace>_<uid>_<attempt>``."""
    return f"k8s_{_PAUSE}_{config.name}_{config.namespace}_{config.uid}_{config.attempt}"


def container_name(sandbox: SandboxConfig, config: ContainerConfig) -> str:
    """``k8s_<container>_<pod>_<namespace>_<uid>_<attempt>``."""
    return f"k8s_{config.name}_{sandbox.name}_{sandbox.namespace}_{sandbox.uid}_{config.attempt}"


def sandbox_labels(owner: str, config: SandboxConfig) -> dict[str, str]:
    """All labels of a pause container."""
    return {
        **config.labels,
        **_pod_labels(owner, config),
        KIND: SANDBOX,
        CONTAINER_NAME: _PAUSE,
        SANDBOX_ATTEMPT: str(config.attempt),
        CGROUP_PARENT: config.cgroup_parent,
    }


def container_labels(owner: str, sandbox_id: str, sandbox: SandboxConfig, config: ContainerConfig) -> dict[str, str]:
    """All labels of a pod's container."""
    return {
        **config.labels,
        **_pod_labels(owner, sandbox),
        KIND: CONTAINER,
        CONTAINER_NAME: config.name,
        SANDBOX_ID: sandbox_id,
        ATTEMPT: str(config.attempt),
        HASH: config.spec_hash,
        MESSAGE_PATH: config.termination_message_path,
        MESSAGE_POLICY: config.termination_message_policy,
        MESSAGE_HOST_PATH: config.termination_message_host_path,
        GRACE_PERIOD: str(config.grace_period_seconds),
        PRE_STOP: config.pre_stop,
        PORTS: config.ports,
        IMAGE_NAME: config.image_name or config.image,
    }


def _pod_labels(owner: str, config: SandboxConfig) -> dict[str, str]:
    return {OWNER: owner, POD_NAME: config.name, POD_NAMESPACE: config.namespace, POD_UID: config.uid}


def number(labels: Mapping[str, str], name: str, default: int = 0) -> int:
    """A label's whole number, or the default where it is missing or unreadable."""
    with contextlib.suppress(ValueError):
        return int(labels.get(name, ""))
    return default
