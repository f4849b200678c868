from __future__ import annotations

from typing import Any

import pytest
from proxy_lab import NODE_IP, make_endpoint, make_service, make_slice

from minikube_py.api.resources import BUILT_IN, ENDPOINT_SLICES, EVENTS, NODES, SERVICES
from minikube_py.client.fake import FakeClient
from minikube_py.runtime.clock import FakeClock
from minikube_py.runtime.events import EventRecorder
from minikube_py.runtime.tasks import Tasks
from proxy.conntrack import Flow
from proxy.endpoints import Backend
from proxy.fake_nft import FakeNft
from proxy.listeners import Listener
from proxy.nft import NftError
from proxy.node import Peer
from proxy.proxier import Host, Proxier

TABLE = "t"


class FakeNetwork:
    def __init__(self) -> None:
        self.ensured: list[tuple[Peer, ...]] = []

    async def ensure(self, others: tuple[Peer, ...]) -> None:
        self.ensured.append(tuple(others))


class FakeConntrack:
    def __init__(self) -> None:
        self.known: set[Flow] = set()

    async def flows(self) -> frozenset[Flow]:
        return frozenset(self.known)

    async def forget(self, flow: Flow) -> None:
        self.known.discard(flow)


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.client = FakeClient(clock=self.clock)
        self.nft, self.network, self.conntrack = FakeNft(), FakeNetwork(), FakeConntrack()
        self.listeners: frozenset[Listener] = frozenset()
        host = Host(
            self.nft,
            self.conntrack,
            self.network,  # type: ignore[arg-type]
            lambda: True,
            lambda address: address == NODE_IP,
            lambda: self.listeners,
        )
        self.recorder = EventRecorder(self.client, "kube-proxy", self.clock)
        self.proxier = Proxier(
            self.client,
            self.clock,
            host,
            node_name="here",
            table=TABLE,
            cluster_cidr="10.244.0.0/16",
            service_cidr="10.96.0.0/12",
            recorder=self.recorder,
        )
        self.tasks = Tasks()

    async def start(self) -> None:
        self.recorder.start(self.tasks)
        self.proxier.start(self.tasks)
        await self.clock.run(1)

    def seed(self, *objects: dict[str, Any]) -> None:
        for obj in objects:
            resource = BUILT_IN.by_kind(obj["apiVersion"], obj["kind"])
            assert resource is not None
            self.client.seed(resource, obj)

    def elements(self, name: str = "service-ips") -> dict[str, str]:
        return self.nft.tables[TABLE].maps[name]


@pytest.fixture
async def world():
    made = World()
    yield made
    await made.tasks.cancel_all()


def node(name: str, cidr: str, address: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"podCIDR": cidr, "podCIDRs": [cidr]},
        "status": {"addresses": [{"type": "InternalIP", "address": address}]},
    }


async def test_what_is_there_at_the_start_is_one_transaction(world: World):
    world.seed(make_service(), make_slice(make_endpoint("10.244.0.5")))
    await world.start()
    assert list(world.elements()) == ["10.96.0.7 . tcp . 80"]
    assert len(world.nft.transactions) == 1
    await world.proxier.check_healthy()


async def test_a_burst_of_changes_is_two_transactions(world: World):
    await world.start()
    for number in range(20):
        await world.client.create(SERVICES, make_service(f"web-{number}", clusterIP=f"10.96.1.{number}"))
    await world.clock.run(1)
    assert len(world.elements("no-endpoint-services")) == 20
    assert len(world.nft.transactions) <= 3


async def test_endpoints_come_and_go(world: World):
    await world.start()
    await world.client.create(SERVICES, make_service())
    await world.client.create(ENDPOINT_SLICES, make_slice(make_endpoint("10.244.0.5")))
    await world.clock.run(1)
    assert "10.96.0.7 . tcp . 80" in world.elements()
    await world.client.delete(ENDPOINT_SLICES, "web-1", namespace="default")
    await world.clock.run(1)
    assert world.elements() == {}
    await world.client.delete(SERVICES, "web", namespace="default")
    await world.clock.run(1)
    assert world.elements("no-endpoint-services") == {}


async def test_a_change_that_means_nothing_here_sends_nothing(world: World):
    world.seed(make_service(), make_slice(make_endpoint("10.244.0.5")))
    await world.start()
    changed = await world.client.get(SERVICES, "web", "default")
    changed["metadata"]["labels"] = {"colour": "blue"}
    await world.client.update(SERVICES, changed)
    await world.clock.run(1)
    assert len(world.nft.transactions) == 1


async def test_other_nodes_get_routes_and_their_heartbeats_no_work(world: World):
    world.seed(node("here", "10.244.0.0/24", "192.0.2.1"), node("other", "10.244.1.0/24", "192.0.2.2"))
    await world.start()
    assert world.network.ensured == [(Peer("192.0.2.2", "10.244.1.0/24"),)]
    beating = await world.client.get(NODES, "other")
    beating["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    await world.client.update(NODES, beating, subresource="status")
    await world.clock.run(1)
    assert len(world.network.ensured) == 1
    await world.client.delete(NODES, "other")
    await world.clock.run(1)
    assert world.network.ensured[-1] == ()


async def test_a_table_that_somebody_flushed_is_back_within_half_a_minute(world: World):
    world.seed(make_service(), make_slice(make_endpoint("10.244.0.5")))
    await world.start()
    await world.nft.apply(f"delete table ip {TABLE}")
    await world.clock.run(31)
    assert list(world.elements()) == ["10.96.0.7 . tcp . 80"]


async def test_a_refusal_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch):
    async def refuse(text: str) -> None:
        raise NftError("no")

    monkeypatch.setattr(world.nft, "apply", refuse)
    await world.start()
    with pytest.raises(RuntimeError, match="not applied yet"):
        await world.proxier.check_healthy()
    monkeypatch.undo()
    await world.clock.run(60)
    assert TABLE in world.nft.tables
    await world.proxier.check_healthy()


async def test_udp_flows_to_an_endpoint_that_left_are_forgotten(world: World):
    gone, stays = (Flow("10.96.0.7", 53, Backend(address, 5353)) for address in ("10.244.0.5", "10.244.0.6"))
    world.seed(
        make_service(ports=[{"port": 53, "protocol": "UDP"}]),
        make_slice(make_endpoint("10.244.0.5"), make_endpoint("10.244.0.6"), ports=[{"port": 5353, "protocol": "UDP"}]),
    )
    await world.start()
    world.conntrack.known = {gone, stays}
    changed = await world.client.get(ENDPOINT_SLICES, "web-1", "default")
    changed["endpoints"] = changed["endpoints"][1:]
    await world.client.update(ENDPOINT_SLICES, changed)
    await world.clock.run(1)
    assert world.conntrack.known == {stays}


async def test_a_load_balancer_does_not_take_a_port_that_the_host_listens_on(world: World):
    balancer, cluster_ip = f"{NODE_IP} . tcp . 22", "10.96.0.7 . tcp . 22"
    world.listeners = frozenset({Listener("tcp", "", 22)})
    ssh = make_service(type="LoadBalancer", ingress=[NODE_IP], ports=[{"port": 22, "protocol": "TCP"}])
    world.seed(ssh, make_slice(make_endpoint("10.244.0.5")))
    await world.start()
    assert list(world.elements()) == [cluster_ip]
    await world.clock.run(100)
    (event,) = world.client.objects(EVENTS)
    assert (event["reason"], event["count"], event["involvedObject"]["name"]) == ("PortInUse", 1, "web")
    assert event["message"] == (
        f"Node here itself listens at {NODE_IP}, port 22/TCP: the load balancer does not serve it there"
    )
    world.listeners = frozenset()
    await world.clock.run(31)
    assert set(world.elements()) == {cluster_ip, balancer}
    world.listeners = frozenset({Listener("tcp", NODE_IP, 22)})
    await world.clock.run(31)
    assert list(world.elements()) == [cluster_ip]
