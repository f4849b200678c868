"""Real packets through real rules: a node, two pods on its bridge and a client, each in a network namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from proxy_lab import CLIENT_IP, GATEWAY, NODE_IP, POD_CIDR, Lab, Server, needs_root, sh

from proxy.cleanup import cleanup
from proxy.conntrack import ProgramConntrack, changed_targets, stale_flows, udp_targets
from proxy.endpoints import Backend, ServicePort
from proxy.listeners import Listener, host_listeners, without_conflicts
from proxy.nft import ProgramNft
from proxy.node import NodeNetwork, Peer, bridge_netfilter, is_local_address, show_routes
from proxy.programs import run
from proxy.rules import Network, ruleset
from proxy.ruleset import Ruleset
from proxy.table import ServiceTable

pytestmark = needs_root

TABLE, CLUSTER_CIDR, SERVICE_CIDR = "minikube-py", "10.244.0.0/16", "10.96.0.0/12"
WEB, ALONE, EMPTY, API, DNS, LOCAL, NOBODY = (f"10.96.0.{n}" for n in (20, 21, 22, 1, 10, 23, 99))
PODS = (Backend("10.244.0.5", 8080), Backend("10.244.0.6", 8080))
UDP_PODS = (Backend("10.244.0.5", 9000), Backend("10.244.0.6", 9000))


def port(name: str, cluster_ip: str, number: int = 80, protocol: str = "tcp", **given: object) -> ServicePort:
    backends = given.pop("backends", ())
    return ServicePort(
        "default", name, "", protocol, cluster_ip, number,
        cluster_endpoints=backends, has_any_endpoint=bool(backends), **given,
    )  # fmt: skip


PORTS = (
    port("api", API, 443, backends=(Backend(NODE_IP, 6443),)),
    port("web", WEB, backends=PODS, node_port=30080, load_balancer_ips=(NODE_IP,)),
    port("alone", ALONE, backends=PODS[:1]),
    port("empty", EMPTY, node_port=30081),
    port("local", LOCAL, backends=PODS, local_endpoints=PODS[1:], node_port=30082, external_local=True),
    port("sticky", "10.96.0.24", backends=PODS, affinity_seconds=60),
    port("fenced", "10.96.0.25", 81, backends=PODS, load_balancer_ips=(NODE_IP,), source_ranges=("198.51.100.0/24",)),
    port("dns", DNS, 53, "udp", internal_local=True, local_endpoints=(Backend(NODE_IP, 10053),)),
    port("udp", "10.96.0.26", 9000, "udp", backends=UDP_PODS[:1]),
)


def desired(ports: tuple[ServicePort, ...] = PORTS) -> Ruleset:
    return ruleset(ports, Network(TABLE, CLUSTER_CIDR, SERVICE_CIDR, POD_CIDR, bridge_netfilter()))


def node_network() -> NodeNetwork:
    return NodeNetwork(table=TABLE, cluster_cidr=CLUSTER_CIDR, service_cidr=SERVICE_CIDR, node_ip=NODE_IP)


@pytest.fixture
def proxied(lab: Lab) -> Iterator[Lab]:
    servers: list[Server] = [
        lab.serve(lab.pods[0], "0.0.0.0", 8080, "pod0"),
        lab.serve(lab.pods[1], "0.0.0.0", 8080, "pod1"),
        lab.serve(lab.node, NODE_IP, 6443, "api"),
        lab.serve(lab.node, NODE_IP, 10053, "dns", udp=True),
        lab.serve(lab.pods[0], "0.0.0.0", 9000, "pod0", udp=True),
        lab.serve(lab.pods[1], "0.0.0.0", 9000, "pod1", udp=True),
    ]

    async def set_up() -> None:
        # As on a host where Docker has closed FORWARD.
        await run("iptables", "-w", "-P", "FORWARD", "DROP")
        await node_network().ensure(())
        await ServiceTable(ProgramNft()).apply(desired())

    asyncio.run(set_up())
    yield lab
    for server in servers:
        server.close()


def test_services_answer_and_nothing_else_does(proxied: Lab):
    lab = proxied
    node, client, (pod0, pod1) = lab.node, lab.client, lab.pods

    def names(namespace: str, address: str, number: int, asks: int = 24) -> set[str]:
        return {lab.ask(namespace, address, number).split()[0] for _ in range(asks)}

    # What the kernel tells by ICMP comes first, before its limit on these messages is reached: no such Service, and
    # a pod that there is not, on another node's share.
    with pytest.raises(ConnectionRefusedError):
        lab.ask(pod0, NOBODY, 53, udp=True)
    for namespace in (pod0, node):
        with pytest.raises(OSError, match=r"No route|unreachable"):
            lab.ask(namespace, "10.244.7.7", 80)
    # A ClusterIP from pods and from the host, which has no default route; both endpoints are chosen.
    assert names(pod0, WEB, 80) == {"pod0", "pod1"}
    assert names(node, WEB, 80) == {"pod0", "pod1"}
    # The source stays the pod's where it can, and is another where the pod meets itself.
    assert lab.ask(pod0, ALONE, 80) == f"pod0 {GATEWAY}"
    assert lab.ask(pod1, ALONE, 80) == f"pod0 {lab.addresses[1] if bridge_netfilter() else GATEWAY}"
    # A node port and a load balancer's address, from outside, from the host and from pods.
    for number in (30080, 80):
        assert names(client, NODE_IP, number, 12) == {"pod0", "pod1"}
        assert names(node, NODE_IP, number, 12) == {"pod0", "pod1"}
        assert names(pod0, NODE_IP, number, 12) == {"pod0", "pod1"}
    # The API server and DNS, which are on the host itself.
    assert lab.ask(pod0, API, 443) == f"api {lab.addresses[0]}"
    assert lab.ask(node, API, 443).startswith("api ")
    assert lab.ask(pod0, DNS, 53, udp=True) == f"dns {lab.addresses[0]}"
    assert lab.ask(node, DNS, 53, udp=True).startswith("dns ")
    # The external policy Local keeps the client's address and this node's endpoints; the host has them all.
    assert {lab.ask(client, NODE_IP, 30082) for _ in range(8)} == {f"pod1 {CLIENT_IP}"}
    assert names(node, NODE_IP, 30082) == {"pod0", "pod1"}
    assert names(pod0, NODE_IP, 30082) == {"pod0", "pod1"}
    # Affinity: the first choice stays.
    assert len(names(pod0, "10.96.0.24", 80, 8)) == 1
    assert len(names(node, "10.96.0.24", 80, 8)) == 1
    # A range of sources keeps others out, quietly.
    with pytest.raises(TimeoutError):
        lab.ask(client, NODE_IP, 81, seconds=0.3)
    # No endpoints, no such port, no such Service: refused at once, everywhere.
    for address, number in ((EMPTY, 80), (WEB, 81), (NOBODY, 80), (NODE_IP, 30081)):
        for namespace in (pod0, node):
            with pytest.raises(ConnectionRefusedError):
                lab.ask(namespace, address, number)
    with pytest.raises(ConnectionRefusedError):
        lab.ask(client, NODE_IP, 30081)


def test_nothing_of_the_cluster_leaves_by_the_default_route(proxied: Lab):
    lab = proxied
    sh(f"ip route add default via {CLIENT_IP}")
    escaped = f"ip daddr {{ {SERVICE_CIDR}, {CLUSTER_CIDR} }} counter name escaped"
    watch = f"""table ip watch {{
        counter escaped {{ }}
        chain out {{ type filter hook postrouting priority 300; oifname eth0 {escaped}; }}
    }}"""
    asyncio.run(ProgramNft().apply(watch))
    test_services_answer_and_nothing_else_does(lab)
    assert "packets 0 " in asyncio.run(run("nft", "list", "counter", "ip", "watch", "escaped"))


def test_the_host_keeps_the_ports_that_it_listens_on(proxied: Lab):
    lab = proxied
    ssh = lab.serve(lab.node, "0.0.0.0", 22, "ssh")
    balanced = port("greedy", "10.96.0.30", 22, backends=PODS, load_balancer_ips=(NODE_IP,))
    assert {
        Listener("tcp", "", 22),
        Listener("tcp", NODE_IP, 6443),
        Listener("udp", NODE_IP, 10053),
    } <= host_listeners()
    served, conflicts = without_conflicts((*PORTS, balanced), host_listeners(), is_local_address)
    assert [conflict.service for conflict in conflicts] == ["default/greedy"]
    asyncio.run(ServiceTable(ProgramNft()).apply(desired(served)))
    assert lab.ask(lab.client, NODE_IP, 22).startswith("ssh ")
    assert lab.ask(lab.client, NODE_IP, 80).startswith("pod")
    assert lab.ask(lab.pods[0], "10.96.0.30", 22).startswith("pod")
    ssh.close()


def test_pods_go_out_with_the_nodes_address(proxied: Lab):
    server = proxied.serve(proxied.client, CLIENT_IP, 7000, "outside")
    assert proxied.ask(proxied.pods[0], CLIENT_IP, 7000) == f"outside {NODE_IP}"
    server.close()


def test_udp_follows_the_endpoints(proxied: Lab):
    lab = proxied
    assert lab.ask(lab.pods[1], "10.96.0.26", 9000, udp=True, source_port=5000).startswith("pod0")
    moved = port("udp", "10.96.0.26", 9000, "udp", backends=UDP_PODS[1:])
    ports = (*PORTS[:-1], moved)

    async def move() -> None:
        await ServiceTable(ProgramNft()).apply(desired(ports))
        targets = changed_targets(udp_targets(PORTS), udp_targets(ports))
        stale = stale_flows(await ProgramConntrack().flows(), targets, is_local_address)
        assert [(flow.destination, flow.answered_by) for flow in stale] == [("10.96.0.26", UDP_PODS[0])]
        for flow in stale:
            await ProgramConntrack().forget(flow)

    asyncio.run(move())
    assert lab.ask(lab.pods[1], "10.96.0.26", 9000, udp=True, source_port=5000).startswith("pod1")


def test_the_host_is_as_before_after_cleanup(lab: Lab):
    async def state() -> list[str]:
        return [
            await run("nft", "list", "tables"),
            await run("iptables", "-S"),
            await run("ip", "-4", "route"),
        ]

    async def main() -> None:
        await run("iptables", "-w", "-P", "FORWARD", "DROP")
        before = await state()
        for _ in range(2):
            await node_network().ensure((Peer(CLIENT_IP, "10.244.3.0/24"),))
            await ServiceTable(ProgramNft()).apply(desired())
        assert f"10.244.3.0/24 via {CLIENT_IP} dev eth0" in (await state())[2]
        assert (await run("iptables", "-S")).count("minikube-py pods") == 2
        assert len(await show_routes()) == 3
        await node_network().ensure(())
        assert len(await show_routes()) == 2
        for _ in range(2):
            await cleanup(table_name=TABLE, cluster_cidr=CLUSTER_CIDR, service_cidr=SERVICE_CIDR)
            assert await state() == before

    asyncio.run(main())
