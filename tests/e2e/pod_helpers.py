"""Making pods and asking about them, for the end-to-end tests of what a pod's spec says."""

from __future__ import annotations

import json
from typing import Any

from harness import Cluster, eventually

IMAGE = "minikube-py/hello:1"


def shell(script: str, **more: object) -> dict[str, Any]:
    """A container that runs a script."""
    return {"name": "c", "image": IMAGE, "command": ["sh", "-c", script], **more}


def create(cluster: Cluster, namespace: str, name: str, **spec: object) -> None:
    """Creates a pod; it has a second to leave, unless its spec says otherwise."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"run": name}, "annotations": {"note": "here"}},
        "spec": {"terminationGracePeriodSeconds": 1, **spec},
    }
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(pod))


def status(cluster: Cluster, namespace: str, name: str) -> dict[str, Any]:
    """The pod's status."""
    return dict(cluster.get("pod", name, "-n", namespace)["status"])


def container(cluster: Cluster, namespace: str, name: str) -> dict[str, Any]:
    """The status of the pod's first container."""
    return dict(status(cluster, namespace, name)["containerStatuses"][0])


def reaches(cluster: Cluster, namespace: str, name: str, phase: str) -> dict[str, Any]:
    """The pod's status, once it has the phase."""
    return eventually(
        lambda: (found := status(cluster, namespace, name))["phase"] == phase and found, f"{name} is {phase}"
    )


def ready(cluster: Cluster, namespace: str, name: str) -> None:
    """Returns when the pod is Ready."""
    cluster.kubectl("wait", f"pod/{name}", "--for=condition=Ready", "-n", namespace, "--timeout=60s")


def events(cluster: Cluster, namespace: str, name: str) -> list[dict[str, Any]]:
    """The events about the pod."""
    return list(cluster.get("events", "-n", namespace, f"--field-selector=involvedObject.name={name}")["items"])


def inside(cluster: Cluster, namespace: str, name: str, script: str) -> str:
    """What a script prints in the pod."""
    return cluster.kubectl("exec", name, "-n", namespace, "--", "sh", "-c", script)
