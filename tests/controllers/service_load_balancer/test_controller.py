from __future__ import annotations

from typing import Any

from minikube_py.api.meta import Object
from minikube_py.api.resources import NODES, SERVICES


def service(name: str, created: str) -> Object:
    return {
        "metadata": {"name": name, "namespace": "default", "creationTimestamp": created},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "protocol": "TCP"}]},
    }


def ingress(harness: Any, name: str) -> list[str]:
    found = harness.client.object(SERVICES, name, "default")
    return [item["ip"] for item in found.get("status", {}).get("loadBalancer", {}).get("ingress") or []]


async def test_a_port_is_passed_on_when_it_is_free_and_nodes_are_followed(harness: Any) -> None:
    await harness.start("service-lb-controller")
    harness.client.seed(SERVICES, service("old", "2026-01-01T00:00:00Z"))
    await harness.settle()
    harness.client.seed(SERVICES, service("new", "2026-01-02T00:00:00Z"))
    await harness.settle()
    assert (ingress(harness, "old"), ingress(harness, "new")) == (["192.0.2.1"], [])

    await harness.client.delete(SERVICES, "old", "default")
    await harness.settle()
    assert ingress(harness, "new") == ["192.0.2.1"]

    harness.client.remove(NODES, "node-1")
    await harness.settle()
    assert ingress(harness, "new") == []
