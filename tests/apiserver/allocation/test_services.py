"""Addresses and node ports of Services."""

from __future__ import annotations

from ipaddress import IPv4Network
from random import Random
from typing import Any

import pytest

from apiserver.allocation.allocator import LEAK_SECONDS, Allocator, AlreadyTaken, Full, OutOfRange
from apiserver.allocation.ranges import Addresses, Ports
from apiserver.storage.memory import MemoryStore
from minikube_py.runtime.clock import FakeClock

SERVICES = "/api/v1/namespaces/default/services"


def service(name: str = "s", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}


async def taken(api: Any, kind: str) -> set[str]:
    page = await api.core.store.range(f"/registry/ranges/{kind}/")
    return {item.key.rpartition("/")[2] for item in page.items}


async def test_a_service_has_an_address_until_it_is_deleted(api: Any) -> None:
    created = await api.ok("POST", SERVICES, service())
    address = created["spec"]["clusterIP"]
    assert created["spec"]["clusterIPs"] == [address]
    assert address in await taken(api, "serviceips")
    await api.ok("DELETE", f"{SERVICES}/s")
    assert await taken(api, "serviceips") == {"10.96.0.1"}


async def test_an_address_asked_for_is_given_once(api: Any) -> None:
    created = await api.ok("POST", SERVICES, service(clusterIP="10.96.0.10"))
    assert created["spec"]["clusterIP"] == "10.96.0.10"
    answer = await api("POST", SERVICES, service("t", clusterIP="10.96.0.10"))
    assert answer.status == 422
    assert "failed to allocate IP 10.96.0.10: provided IP is already allocated" in answer.message


@pytest.mark.parametrize("address", ["10.95.0.1", "192.168.0.1", "10.96.0.0", "10.111.255.255"])
async def test_an_address_out_of_range_is_refused(api: Any, address: str) -> None:
    answer = await api("POST", SERVICES, service(clusterIP=address))
    assert answer.status == 422
    # Programs learn the service network from this message.
    assert answer.message.endswith(
        f"failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. "
        "The range of valid IPs is 10.96.0.0/12"
    )
    assert await taken(api, "serviceips") == {"10.96.0.1"}


async def test_a_headless_service_has_none(api: Any) -> None:
    created = await api.ok("POST", SERVICES, service(clusterIP="None"))
    assert created["spec"]["clusterIP"] == "None"
    assert await taken(api, "serviceips") == {"10.96.0.1"}


async def test_a_node_port_follows_the_type(api: Any) -> None:
    created = await api.ok("POST", SERVICES, service(type="NodePort"))
    port = created["spec"]["ports"][0]["nodePort"]
    assert 30000 <= port <= 32767
    created["spec"]["ports"][0]["name"] = "web"
    kept = await api.ok("PUT", f"{SERVICES}/s", created)
    assert kept["spec"]["ports"][0]["nodePort"] == port
    kept["spec"]["type"] = "ClusterIP"
    plain = await api.ok("PUT", f"{SERVICES}/s", kept)
    assert "nodePort" not in plain["spec"]["ports"][0]
    assert await taken(api, "servicenodeports") == set()
    plain["spec"]["type"] = "LoadBalancer"
    again = await api.ok("PUT", f"{SERVICES}/s", plain)
    assert await taken(api, "servicenodeports") == {str(again["spec"]["ports"][0]["nodePort"])}


async def test_a_node_port_asked_for_is_given_once(api: Any) -> None:
    ports = [{"port": 80, "nodePort": 30080}]
    assert (await api("POST", SERVICES, service(type="NodePort", ports=ports))).status == 201
    answer = await api("POST", SERVICES, service("t", type="NodePort", ports=ports))
    assert answer.status == 422
    assert "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated" in answer.message
    assert len(await taken(api, "serviceips")) == 2
    answer = await api("POST", SERVICES, service("t", type="NodePort", ports=[{"port": 80, "nodePort": 80}]))
    assert "The range of valid ports is 30000-32767" in answer.message


async def test_one_port_over_two_protocols_is_one_node_port(api: Any) -> None:
    ports = [{"name": "a", "port": 53, "protocol": "UDP"}, {"name": "b", "port": 53, "protocol": "TCP"}]
    created = await api.ok("POST", SERVICES, service(type="NodePort", ports=ports))
    assert len({port["nodePort"] for port in created["spec"]["ports"]}) == 1


async def test_a_name_that_exists_leaks_nothing(api: Any) -> None:
    await api.ok("POST", SERVICES, service(type="NodePort"))
    assert (await api("POST", SERVICES, service(type="NodePort"))).status == 409
    assert len(await taken(api, "serviceips")) == 2
    assert len(await taken(api, "servicenodeports")) == 1


class TestAllocator:
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def allocator(self, clock: FakeClock) -> Allocator:
        return Allocator(MemoryStore(), Addresses(IPv4Network("10.0.0.0/28")), Random(1), clock)

    async def test_all_numbers_are_given_out_the_reserved_last(self, clock: FakeClock) -> None:
        allocator = Allocator(MemoryStore(), Ports(range(30000, 30040)), Random(1), clock)
        given = [int(await allocator.take_any("x")) for _ in range(40)]
        assert sorted(given) == list(range(30000, 30040))
        assert set(given[-16:]) == set(range(30000, 30016))
        with pytest.raises(Full):
            await allocator.take_any("x")

    async def test_network_and_broadcast_are_never_given(self, allocator: Allocator) -> None:
        given = {await allocator.take_any("x") for _ in range(14)}
        assert given == {f"10.0.0.{n}" for n in range(1, 15)}
        for value in ("10.0.0.0", "10.0.0.15"):
            with pytest.raises(OutOfRange):
                await allocator.take(value, "x")

    async def test_a_number_is_given_back_by_its_owner_only(self, allocator: Allocator) -> None:
        await allocator.take("10.0.0.1", "x")
        await allocator.release("10.0.0.1", "y")
        with pytest.raises(AlreadyTaken):
            await allocator.take("10.0.0.1", "y")
        await allocator.release("10.0.0.1", "x")
        await allocator.take("10.0.0.1", "y")

    async def test_a_leak_is_freed_once_it_is_old_enough(self, allocator: Allocator, clock: FakeClock) -> None:
        await allocator.take("10.0.0.1", "crashed")
        await allocator.take("10.0.0.2", "alive")
        owners = {"10.0.0.2": "alive", "10.0.0.3": "forgotten"}
        assert await allocator.repair(owners) == ([], ["10.0.0.3"])
        clock.advance(LEAK_SECONDS)
        assert await allocator.repair(owners) == (["10.0.0.1"], [])

    @pytest.mark.parametrize(
        ("network", "reserved"),
        [
            pytest.param("10.0.0.0/28", 13, id="a tiny network keeps one number to give at random"),
            pytest.param("10.0.0.0/24", 16, id="a small network"),
            pytest.param("10.96.0.0/12", 256, id="the default network"),
        ],
    )
    def test_the_lower_band(self, network: str, reserved: int) -> None:
        assert Addresses(IPv4Network(network)).reserved == reserved


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param(
            {"ipFamilyPolicy": "RequireDualStack"},
            "this cluster is not configured for dual-stack services",
            id="two families",
        ),
        pytest.param({"ipFamilies": ["IPv6"]}, "not configured on this cluster", id="the other family"),
    ],
)
async def test_what_needs_ipv6_is_refused_by_name(api: Any, spec: Any, message: str) -> None:
    answer = await api("POST", SERVICES, service(**spec))
    assert answer.status == 422
    assert message in answer.message


async def test_dual_stack_where_it_can_be_had_is_one_family_here(api: Any) -> None:
    created = await api.ok("POST", SERVICES, service(ipFamilyPolicy="PreferDualStack"))
    assert created["spec"]["ipFamilies"] == ["IPv4"]


async def test_a_dry_run_shows_numbers_and_takes_none(api: Any) -> None:
    before = await taken(api, "serviceips"), await taken(api, "servicenodeports")
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    shown = await api.ok("POST", f"{SERVICES}?dryRun=All", service(type="NodePort", ports=ports))
    assert shown["spec"]["clusterIPs"] == [shown["spec"]["clusterIP"]]
    assert len({port["nodePort"] for port in shown["spec"]["ports"]}) == 2
    assert (await taken(api, "serviceips"), await taken(api, "servicenodeports")) == before


async def test_a_dry_run_is_refused_what_is_taken(api: Any) -> None:
    await api.ok("POST", SERVICES, service(type="NodePort", clusterIP="10.96.0.10"))
    answer = await api("POST", f"{SERVICES}?dryRun=All", service("t", clusterIP="10.96.0.10"))
    assert "provided IP is already allocated" in answer.message
    answer = await api("POST", f"{SERVICES}?dryRun=All", service("t", clusterIP="10.95.0.1"))
    assert "is not in the valid range" in answer.message


async def test_a_dry_run_of_a_change_of_type_keeps_what_the_service_has(api: Any) -> None:
    created = await api.ok("POST", SERVICES, service(type="NodePort"))
    headers = {"content-type": "application/merge-patch+json"}
    dry = f"{SERVICES}/s?dryRun=All"
    shown = await api.ok("PATCH", dry, {"spec": {"type": "LoadBalancer"}}, headers=headers)
    assert shown["spec"]["ports"] == created["spec"]["ports"]
    before = await taken(api, "servicenodeports")
    ports = [{"port": 80, "nodePort": None}]
    shown = await api.ok("PATCH", dry, {"spec": {"type": "ClusterIP", "ports": ports}}, headers=headers)
    assert "nodePort" not in shown["spec"]["ports"][0]
    await api.ok("DELETE", dry)
    assert await taken(api, "servicenodeports") == before
