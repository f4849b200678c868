from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api.resources import ENDPOINT_SLICES, PODS, SERVICES


def service(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "namespace": "default", "labels": {"tier": "front"}},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "10.96.0.20",
            "ipFamilies": ["IPv4"],
            "selector": {"app": "web"},
            "ports": [{"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"}],
            **spec,
        },
    }


def pod(name: str, port: int = 8080) -> dict[str, Any]:
    ports = [{"name": "web", "containerPort": port, "protocol": "TCP"}]
    return {
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "web", "ports": ports}], "terminationGracePeriodSeconds": 30},
    }


@pytest.fixture
async def slices(harness):
    await harness.start("endpointslice-controller")
    return harness


async def add_pod(harness, name: str, **options: Any) -> dict[str, Any]:
    created = await harness.client.create(PODS, pod(name, **options))
    harness.run(created)
    await harness.settle()
    return harness.client.object(PODS, name, "default")


def conditions(harness) -> dict[str, dict[str, bool]]:
    return {
        endpoint["targetRef"]["name"]: endpoint["conditions"]
        for found in harness.client.objects(ENDPOINT_SLICES)
        for endpoint in found["endpoints"]
    }


async def test_a_service_without_pods_has_one_empty_slice(slices):
    await slices.client.create(SERVICES, service())
    await slices.settle()
    (found,) = slices.client.objects(ENDPOINT_SLICES)
    assert (found["endpoints"], found["ports"], found["addressType"]) == ([], [], "IPv4")
    assert found["metadata"]["labels"] == {
        "tier": "front",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert found["metadata"]["ownerReferences"][0]["kind"] == "Service"


async def test_a_ready_pod_becomes_an_endpoint_in_the_slice_there_is(slices):
    await slices.client.create(SERVICES, service())
    await slices.settle()
    await add_pod(slices, "one")
    (found,) = slices.client.objects(ENDPOINT_SLICES)
    (endpoint,) = found["endpoints"]
    assert endpoint["addresses"] == ["10.244.0.1"]
    assert endpoint["conditions"] == {"ready": True, "serving": True, "terminating": False}
    assert endpoint["nodeName"] == "node-1"
    assert endpoint["targetRef"]["name"] == "one"
    assert found["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]


async def test_a_pod_that_turns_unready_or_goes_is_told_at_once(slices):
    await slices.client.create(SERVICES, service())
    one, _ = await add_pod(slices, "one"), await add_pod(slices, "two")
    slices.set_ready(one, False)
    await slices.settle()
    assert conditions(slices)["one"] == {"ready": False, "serving": False, "terminating": False}
    await slices.client.delete(PODS, "two", "default")
    await slices.settle()
    assert conditions(slices)["two"] == {"ready": False, "serving": True, "terminating": True}
    slices.client.remove(PODS, "two", "default")
    await slices.settle()
    assert set(conditions(slices)) == {"one"}


async def test_pods_with_other_numbers_for_a_named_port_get_a_slice_of_their_own(slices):
    await slices.client.create(SERVICES, service())
    await add_pod(slices, "one")
    await add_pod(slices, "two", port=9090)
    ports = {found["ports"][0]["port"]: len(found["endpoints"]) for found in slices.client.objects(ENDPOINT_SLICES)}
    assert ports == {8080: 1, 9090: 1}


async def test_endpoints_beyond_the_limit_go_into_another_slice(harness):
    await harness.start("endpointslice-controller", max_endpoints_per_slice=2)
    await harness.client.create(SERVICES, service())
    for number in range(5):
        await add_pod(harness, f"pod-{number}")
    assert sorted(len(found["endpoints"]) for found in harness.client.objects(ENDPOINT_SLICES)) == [1, 2, 2]


async def test_status_updates_that_do_not_matter_write_nothing(slices):
    await slices.client.create(SERVICES, service())
    one = await add_pod(slices, "one")
    before = len(slices.client.writes())
    one["status"]["containerStatuses"] = [{"name": "web", "restartCount": 1}]
    slices.client.seed(PODS, one)
    await slices.settle()
    assert len(slices.client.writes()) == before


async def test_what_somebody_else_changed_is_put_right(slices):
    await slices.client.create(SERVICES, service())
    await add_pod(slices, "one")
    (found,) = slices.client.objects(ENDPOINT_SLICES)
    slices.client.seed(ENDPOINT_SLICES, {**found, "endpoints": []})
    await slices.settle()
    assert set(conditions(slices)) == {"one"}


async def test_unready_pods_are_published_where_the_service_asks_for_it(slices):
    await slices.client.create(SERVICES, service(publishNotReadyAddresses=True))
    one = await add_pod(slices, "one")
    slices.set_ready(one, False)
    await slices.settle()
    assert conditions(slices)["one"] == {"ready": True, "serving": False, "terminating": False}


async def test_a_headless_service_without_ports_has_endpoints_and_the_label(slices):
    await slices.client.create(SERVICES, service(clusterIP="None", ports=[]))
    await add_pod(slices, "one")
    (found,) = slices.client.objects(ENDPOINT_SLICES)
    assert len(found["endpoints"]) == 1
    assert found["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
