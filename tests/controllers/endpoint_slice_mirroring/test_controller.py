from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES

SUBSETS = [
    {
        "addresses": [{"ip": "192.0.2.7"}, {"ip": "2001:db8::7"}],
        "notReadyAddresses": [{"ip": "192.0.2.8"}],
        "ports": [{"name": "db", "port": 5432, "protocol": "TCP"}],
    }
]


def endpoints(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "db", "namespace": "default", **metadata}, "subsets": SUBSETS}


@pytest.fixture
async def mirror(harness):
    await harness.start("endpointslice-mirroring-controller")
    return harness


async def given(harness, selector: dict[str, str] | None = None, **metadata: Any) -> list[dict[str, Any]]:
    spec = {"ports": [{"name": "db", "port": 5432}], **({"selector": selector} if selector else {})}
    await harness.client.create(SERVICES, {"metadata": {"name": "db", "namespace": "default"}, "spec": spec})
    await harness.client.create(ENDPOINTS, endpoints(**metadata))
    await harness.settle()
    return harness.client.objects(ENDPOINT_SLICES)


async def test_each_address_family_has_its_slice(mirror):
    found = {s["addressType"]: s for s in await given(mirror)}
    assert [(e["addresses"], e["conditions"]) for e in found["IPv4"]["endpoints"]] == [
        (["192.0.2.7"], {"ready": True}),
        (["192.0.2.8"], {"ready": False}),
    ]
    assert found["IPv4"]["metadata"]["ownerReferences"][0]["kind"] == "Endpoints"
    assert found["IPv6"]["ports"] == [{"name": "db", "port": 5432, "protocol": "TCP"}]


@pytest.mark.parametrize(
    "given_",
    [
        pytest.param({"selector": {"app": "db"}}, id="a Service with a selector has slices of its own"),
        pytest.param({"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}, id="the label says no"),
        pytest.param({"annotations": {"control-plane.alpha.kubernetes.io/leader": "{}"}}, id="it is a lock"),
    ],
)
async def test_not_mirrored(mirror, given_):
    assert await given(mirror, **given_) == []


async def test_the_mirror_follows_and_goes(mirror):
    await given(mirror)
    current = mirror.client.object(ENDPOINTS, "db", "default")
    current["subsets"][0]["addresses"] = [{"ip": "192.0.2.9"}]
    current["subsets"][0]["notReadyAddresses"] = []
    await mirror.client.update(ENDPOINTS, current)
    await mirror.settle()
    (found,) = mirror.client.objects(ENDPOINT_SLICES)
    assert found["endpoints"][0]["addresses"] == ["192.0.2.9"]
    await mirror.client.delete(SERVICES, "db", "default")
    await mirror.settle()
    assert mirror.client.objects(ENDPOINT_SLICES) == []
