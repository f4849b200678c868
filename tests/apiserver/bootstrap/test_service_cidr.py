"""The objects that show the addresses of Services, where the version has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from apiserver.bootstrap.service_cidr import keep_addresses
from apiserver.settings import Settings
from minikube_py.runtime.tasks import Tasks

NETWORKING = "/apis/networking.k8s.io/v1"
SERVICES = "/api/v1/namespaces/default/services"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"kubernetes_version": "1.33"})


@pytest.fixture
async def followed(api: Any) -> AsyncIterator[Any]:
    tasks = Tasks()
    tasks.start("ip-addresses", keep_addresses(api.core))
    await settle()
    yield api
    await tasks.cancel_all()


async def settle() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


async def addresses(api: Any) -> dict[str, str]:
    await settle()
    items = (await api.ok("GET", f"{NETWORKING}/ipaddresses"))["items"]
    return {item["metadata"]["name"]: item["spec"]["parentRef"]["name"] for item in items}


def service(name: str, **spec: Any) -> Any:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}


async def test_the_range_is_shown_and_ready(api: Any) -> None:
    cidr = await api.ok("GET", f"{NETWORKING}/servicecidrs/kubernetes")
    assert cidr["spec"] == {"cidrs": ["10.96.0.0/12"]}
    [condition] = cidr["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("Ready", "True")


async def test_addresses_come_and_go_with_services(followed: Any) -> None:
    api = followed
    assert await addresses(api) == {"10.96.0.1": "kubernetes"}
    await api.ok("POST", SERVICES, service("a", clusterIP="10.96.0.20"))
    await api.ok("POST", SERVICES, service("headless", clusterIP="None"))
    assert await addresses(api) == {"10.96.0.1": "kubernetes", "10.96.0.20": "a"}
    shown = await api.ok("GET", f"{NETWORKING}/ipaddresses/10.96.0.20")
    assert shown["metadata"]["labels"] == {
        "ipaddress.kubernetes.io/ip-family": "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    assert shown["spec"]["parentRef"] == {"group": "", "resource": "services", "namespace": "default", "name": "a"}

    await api.ok("DELETE", f"{SERVICES}/a")
    await api.ok("POST", SERVICES, service("b", clusterIP="10.96.0.20"))
    assert await addresses(api) == {"10.96.0.1": "kubernetes", "10.96.0.20": "b"}
    none = dict.fromkeys(("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"))
    changed = {"spec": {"type": "ExternalName", "externalName": "example.org", **none}}
    merge = {"content-type": "application/merge-patch+json"}
    await api.ok("PATCH", f"{SERVICES}/b", changed, headers=merge)
    assert await addresses(api) == {"10.96.0.1": "kubernetes"}


async def test_what_belongs_to_no_service_is_taken_away_at_the_start(api: Any) -> None:
    reference = {"resource": "services", "namespace": "default", "name": "gone"}
    managed = {"ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"}
    for name, labels in (("10.96.0.30", managed), ("10.96.0.31", {})):
        body = {"metadata": {"name": name, "labels": labels}, "spec": {"parentRef": reference}}
        await api.ok("POST", f"{NETWORKING}/ipaddresses", body)
    tasks = Tasks()
    tasks.start("ip-addresses", keep_addresses(api.core))
    assert await addresses(api) == {"10.96.0.1": "kubernetes", "10.96.0.31": "gone"}
    await tasks.cancel_all()
