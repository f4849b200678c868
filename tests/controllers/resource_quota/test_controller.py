from __future__ import annotations

from typing import Any

from controllers.resource_quota.in_flight import SETTLE_SECONDS
from minikube_py.api.meta import Object
from minikube_py.api.resources import CONFIG_MAPS, PODS, RESOURCE_QUOTAS

CONTROLLER = "resourcequota-controller"


def quota(hard: dict[str, str], **spec: Any) -> Object:
    return {"metadata": {"name": "q", "namespace": "default"}, "spec": {"hard": hard, **spec}}


def pod(name: str, cpu: str = "100m") -> Object:
    container = {"name": "c", "image": "x", "resources": {"requests": {"cpu": cpu}}}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {"containers": [container]}}


def status(harness: Any) -> Any:
    return harness.client.object(RESOURCE_QUOTAS, "q", "default").get("status")


async def test_a_new_quota_is_counted_at_once(harness: Any) -> None:
    harness.client.seed(PODS, pod("a"))
    harness.client.seed(CONFIG_MAPS, {"metadata": {"name": "m", "namespace": "default"}})
    await harness.start(CONTROLLER)
    hard = {"pods": "5", "requests.cpu": "1", "configmaps": "9", "count/deployments.apps": "1"}
    harness.client.seed(RESOURCE_QUOTAS, quota(hard))
    await harness.settle()
    used = {"pods": "1", "requests.cpu": "100m", "configmaps": "1", "count/deployments.apps": "0"}
    assert status(harness) == {"hard": hard, "used": used}


async def test_what_goes_is_given_back(harness: Any) -> None:
    for name in ("a", "b"):
        harness.client.seed(PODS, pod(name))
    harness.client.seed(RESOURCE_QUOTAS, quota({"pods": "5", "count/pods": "5"}))
    await harness.start(CONTROLLER)
    assert status(harness)["used"] == {"count/pods": "2", "pods": "2"}
    await harness.client.delete(PODS, "a", "default", grace_period_seconds=0)
    await harness.advance(0.2)
    assert status(harness)["used"] == {"count/pods": "1", "pods": "1"}

    ended = harness.client.object(PODS, "b", "default")
    await harness.client.update(PODS, {**ended, "status": {"phase": "Succeeded"}}, subresource="status")
    await harness.advance(0.2)
    assert status(harness)["used"] == {"count/pods": "1", "pods": "0"}


async def test_a_charge_is_not_taken_back_before_its_object_can_have_come(harness: Any) -> None:
    harness.client.seed(RESOURCE_QUOTAS, quota({"configmaps": "5"}))
    await harness.start(CONTROLLER)
    charged = harness.client.object(RESOURCE_QUOTAS, "q", "default")
    charged = {**charged, "status": {**charged["status"], "used": {"configmaps": "1"}}}
    await harness.client.update(RESOURCE_QUOTAS, charged, subresource="status")
    await harness.advance(SETTLE_SECONDS - 1)
    assert status(harness)["used"] == {"configmaps": "1"}
    await harness.advance(SETTLE_SECONDS)
    assert status(harness)["used"] == {"configmaps": "0"}


async def test_a_new_limit_is_shown(harness: Any) -> None:
    harness.client.seed(RESOURCE_QUOTAS, quota({"pods": "5"}))
    await harness.start(CONTROLLER)
    known = harness.client.object(RESOURCE_QUOTAS, "q", "default")
    await harness.client.update(RESOURCE_QUOTAS, {**known, "spec": {"hard": {"pods": "7", "secrets": "1"}}})
    await harness.settle()
    assert status(harness)["hard"] == {"pods": "7", "secrets": "1"}
    assert status(harness)["used"] == {"pods": "0", "secrets": "0"}


async def charge(harness: Any, amount: int) -> None:
    """What an API server does before, or after a failed, write."""
    known = harness.client.object(RESOURCE_QUOTAS, "q", "default")
    used = {"configmaps": str(int(known["status"]["used"]["configmaps"]) + amount)}
    await harness.client.update(
        RESOURCE_QUOTAS, {**known, "status": {**known["status"], "used": used}}, subresource="status"
    )


async def test_what_was_given_back_is_not_on_its_way(harness: Any) -> None:
    for name in ("a", "b"):
        harness.client.seed(CONFIG_MAPS, {"metadata": {"name": name, "namespace": "default"}})
    harness.client.seed(RESOURCE_QUOTAS, quota({"configmaps": "5"}))
    await harness.start(CONTROLLER)
    await harness.advance(2 * SETTLE_SECONDS)
    await charge(harness, 3)
    await charge(harness, -3)
    await harness.client.delete(CONFIG_MAPS, "a", "default")
    await harness.advance(0.5)
    assert status(harness)["used"] == {"configmaps": "1"}


async def test_an_object_that_has_come_is_not_on_its_way(harness: Any) -> None:
    harness.client.seed(RESOURCE_QUOTAS, quota({"configmaps": "5"}))
    await harness.start(CONTROLLER)
    await charge(harness, 1)
    harness.client.seed(CONFIG_MAPS, {"metadata": {"name": "a", "namespace": "default"}})
    await harness.settle()
    await harness.client.delete(CONFIG_MAPS, "a", "default")
    await harness.advance(0.5)
    assert status(harness)["used"] == {"configmaps": "0"}
