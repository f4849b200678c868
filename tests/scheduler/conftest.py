from typing import Any

import pytest

from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo


def make_pod(name: str = "p", *, cpu: str = "", memory: str = "", node: str = "", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}", "labels": spec.pop("labels", {})}
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    container = {"name": "c", "image": "x", "resources": {"requests": requests}, "ports": spec.pop("ports", [])}
    if node:
        spec["nodeName"] = node
    spec = {"containers": [container], "schedulerName": "default-scheduler", **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


def make_node(name: str = "n1", *, cpu: str = "4", memory: str = "8Gi", pods: str = "110", **fields: Any) -> Any:
    labels = {"kubernetes.io/hostname": name, **fields.pop("labels", {})}
    allocatable = {"cpu": cpu, "memory": memory, "pods": pods}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": fields,
        "status": {"allocatable": allocatable},
    }


class Make:
    """Builds what tests need; a fixture, so that no test module imports another."""

    pod = staticmethod(make_pod)
    node = staticmethod(make_node)

    @staticmethod
    def pod_info(*args: Any, **kwargs: Any) -> PodInfo:
        return PodInfo.of(make_pod(*args, **kwargs))

    @staticmethod
    def node_info(*pods: PodInfo, **kwargs: Any) -> NodeInfo:
        return NodeInfo.of(make_node(**kwargs), pods)


@pytest.fixture
def make() -> type[Make]:
    return Make
