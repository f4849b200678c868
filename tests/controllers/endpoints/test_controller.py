from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api.resources import ENDPOINTS, PODS, SERVICES


def service(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}], **spec},
    }


def pod(name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "web"}]},
    }


@pytest.fixture
async def endpoints(harness):
    await harness.start("endpoints-controller")
    await harness.client.create(SERVICES, service())
    await harness.settle()
    return harness


def stored(harness) -> dict[str, Any] | None:
    return harness.client.object(ENDPOINTS, "web", "default")


async def test_a_service_without_pods_has_endpoints_without_subsets(endpoints):
    assert "subsets" not in stored(endpoints)


async def test_ready_and_unready_pods_are_told_apart(endpoints):
    for name in ("one", "two"):
        endpoints.run(await endpoints.client.create(PODS, pod(name)), ready=name == "one")
    await endpoints.settle()
    (subset,) = stored(endpoints)["subsets"]
    assert [address["ip"] for address in subset["addresses"]] == ["10.244.0.1"]
    assert [address["targetRef"]["name"] for address in subset["notReadyAddresses"]] == ["two"]
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]
    assert stored(endpoints)["metadata"]["annotations"] == {
        "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z"
    }


async def test_a_terminating_pod_is_in_no_subset(endpoints):
    endpoints.run(await endpoints.client.create(PODS, pod("one")))
    await endpoints.settle()
    await endpoints.client.delete(PODS, "one", "default")
    await endpoints.settle()
    assert stored(endpoints)["subsets"] == []


async def test_endpoints_go_with_their_service(endpoints):
    await endpoints.client.delete(SERVICES, "web", "default")
    await endpoints.settle()
    assert stored(endpoints) is None


async def test_endpoints_that_people_make_before_their_service_stay(endpoints):
    await endpoints.client.create(ENDPOINTS, {"metadata": {"name": "mine", "namespace": "default"}})
    await endpoints.settle()
    assert endpoints.client.object(ENDPOINTS, "mine", "default") is not None


async def test_of_the_leftovers_at_the_start_locks_stay(harness):
    lock = {"control-plane.alpha.kubernetes.io/leader": "{}"}
    harness.client.seed(ENDPOINTS, {"metadata": {"name": "lock", "namespace": "default", "annotations": lock}})
    harness.client.seed(ENDPOINTS, {"metadata": {"name": "leftover", "namespace": "default"}})
    await harness.start("endpoints-controller")
    assert [found["metadata"]["name"] for found in harness.client.objects(ENDPOINTS)] == ["lock"]
