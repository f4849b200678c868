"""Pods that reach each other, the names they find each other by, and the ports of the host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dnslib import QTYPE, DNSRecord
from harness import API_ADDRESS, Cluster, eventually, free_ports
from python_pods import SERVER_PORTS, ask, ask_inside, python_spec, searched
from rest import Rest
from workloads import Workloads, changed, pod_spec

BETWEEN = "[sig-network] Networking Granular Checks: Pods should function for {} [Conformance]"
PORT = {"name": "http", "port": 80, "targetPort": 8080}


class Network(Workloads):
    """A namespace with two servers of every protocol and a client."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        super().__init__(Rest(cluster), namespace)
        self.cluster = cluster
        self.zone = f"{namespace}.svc.cluster.local"
        self.replication_controller("server", replicas=2, spec=python_spec())
        self.pod("client")
        self.all_running("client", 1)
        self.addresses = {p["metadata"]["name"]: p["status"]["podIP"] for p in self.all_running("server", 2)}
        for address in self.addresses.values():
            eventually(lambda to=address: ask(to, "TCP"), "the server answers")

    def service(self, name: str, **spec: object) -> str:
        """Creates a Service; its address."""
        body = {"metadata": {"name": name}, "spec": spec}
        return str(self.rest.ok("POST", self.services, body)["spec"].get("clusterIP", ""))

    def inside(self, pod: str, *command: str) -> str:
        """What a command prints in a pod, whatever comes of it."""
        done = self.cluster.run_kubectl("exec", pod, "-n", self.namespace, "--", *command)
        return done.stdout + done.stderr

    def resolves(self, name: str, *expected: str, record: str = "a", pod: str = "client") -> None:
        """Returns when a pod resolves a name to all that."""

        def found() -> bool:
            answer = self.inside(pod, "nslookup", f"-type={record}", name)
            return all(text in answer.partition("\n\n")[2] for text in expected)

        eventually(found, f"{name} is {expected}", timeout=30)

    def finds(self, name: str, *expected: str, record: str = "A") -> None:
        """Returns when a pod finds all that by a name, or by a part of it that its search list completes."""

        def found() -> bool:
            message = searched(self.cluster, self.namespace, next(iter(self.addresses)), name, getattr(QTYPE, record))
            told = {str(answer.rdata).split()[-1].rstrip(".") for answer in DNSRecord.parse(message).rr}
            return set(expected) <= told

        eventually(found, f"{name} is {expected}", timeout=30)


@pytest.fixture(scope="module")
def net(cluster: Cluster) -> Iterator[Network]:
    with cluster.namespace("reachability") as name:
        yield Network(cluster, name)


def every_server_answers(net: Network, asking: str, protocol: str) -> None:
    for name, address in net.addresses.items():
        to = (asking, address, protocol, SERVER_PORTS[protocol])
        answer = eventually(lambda to=to: ask_inside(net.cluster, net.namespace, *to), f"{name} answers")
        assert answer == name


class TestPods:
    @pytest.mark.parametrize(
        "protocol",
        [
            pytest.param(
                protocol,
                marks=pytest.mark.conformance(BETWEEN.format(f"intra-pod communication: {said} [NodeConformance]")),
                id=said,
            )
            for protocol, said in (("HTTP", "http"), ("UDP", "udp"))
        ],
    )
    def test_a_pod_reaches_every_pod(self, net: Network, protocol: str) -> None:
        every_server_answers(net, next(iter(net.addresses)), protocol)

    @pytest.mark.parametrize(
        "protocol",
        [
            pytest.param(
                protocol,
                marks=pytest.mark.conformance(
                    BETWEEN.format(f"node-pod communication: {said} [LinuxOnly] [NodeConformance]")
                ),
                id=said,
            )
            for protocol, said in (("HTTP", "http"), ("UDP", "udp"))
        ],
    )
    def test_the_node_reaches_every_pod(self, net: Network, protocol: str) -> None:
        """From a pod on the host's network, which is what a process of the host has."""
        if not net.pods("on-node"):
            on_host = python_spec(**dict(zip(SERVER_PORTS, free_ports(len(SERVER_PORTS)), strict=True)))
            net.pod("on-node", **on_host, hostNetwork=True)
            net.all_running("on-node", 1)
        every_server_answers(net, "on-node", protocol)

    @pytest.mark.conformance("Scheduling, HostPort matching and HostIP and Protocol not-matching")
    def test_one_host_port_of_different_addresses_and_protocols(self, net: Network) -> None:
        [port] = free_ports(1)
        wanted = {
            "port-1": ("127.0.0.1", "TCP", 8082),
            "port-2": (net.cluster.node_ip, "TCP", 8082),
            "port-3": (net.cluster.node_ip, "UDP", 8081),
        }
        for name, (address, protocol, inside) in wanted.items():
            spec = python_spec()
            of_host = {"containerPort": inside, "hostPort": port, "hostIP": address, "protocol": protocol}
            spec["containers"][0]["ports"] = [of_host]
            net.pod(name, **spec)
        for name, (address, protocol, _) in wanted.items():
            net.all_running(name, 1)
            answer = eventually(lambda to=address, by=protocol: ask(to, by, port), f"{name} answers")
            assert answer == name


@pytest.fixture(scope="module")
def services(net: Network) -> dict[str, list[str]]:
    """A headless Service and one with an address: the addresses that their names stand for."""
    selector = {"app": "server"}
    net.service("headless", clusterIP="None", selector=selector, ports=[PORT])
    address = net.service("normal", selector=selector, ports=[PORT])
    return {"headless": list(net.addresses.values()), "normal": [address]}


def targets(net: Network, name: str, addresses: list[str]) -> list[str]:
    """Where the port of a Service is: of a headless one at each endpoint, which is named after its address."""
    labels = [f"{address.replace('.', '-')}." for address in addresses] if name == "headless" else [""]
    return [f"{label}{name}.{net.zone}" for label in labels]


class TestNames:
    @pytest.mark.conformance("[sig-network] DNS should provide DNS for the cluster [Conformance]")
    @pytest.mark.parametrize(
        "name", ["kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    )
    def test_the_api_server_has_a_name(self, net: Network, name: str) -> None:
        net.finds(name, API_ADDRESS)

    @pytest.mark.conformance("[sig-network] DNS should provide DNS for services [Conformance]")
    def test_services_and_their_ports_have_names(self, net: Network, services: dict[str, list[str]]) -> None:
        for name, addresses in services.items():
            net.resolves(f"{name}.{net.zone}", *addresses)
            net.finds(f"_http._tcp.{name}.{net.zone}", *targets(net, name, addresses), record="SRV")
        [address] = services["normal"]
        assert f"name = normal.{net.zone}" in net.inside("client", "nslookup", address)

    @pytest.mark.conformance("DNS, PQDN for services")
    def test_a_part_of_a_name_is_enough(self, net: Network, services: dict[str, list[str]]) -> None:
        for name, addresses in services.items():
            for partial in (name, f"{name}.{net.namespace}", f"{name}.{net.namespace}.svc"):
                net.finds(partial, *addresses)
                net.finds(f"_http._tcp.{partial}", *targets(net, name, addresses), record="SRV")

    @pytest.mark.conformance("DNS, resolve the hostname", "DNS, resolve the subdomain")
    def test_a_pod_with_a_subdomain_has_a_name(self, net: Network) -> None:
        net.service("sub", clusterIP="None", selector={"app": "named"}, ports=[PORT])
        net.pod("named", hostname="querier", subdomain="sub")
        [pod] = net.all_running("named", 1)
        address = pod["status"]["podIP"]
        net.resolves(f"querier.sub.{net.zone}", address)
        net.resolves(f"sub.{net.zone}", address, pod="named")
        assert net.inside("named", "hostname", "-f").strip() == f"querier.sub.{net.zone}"
        assert net.inside("named", "hostname").strip() == "querier"
        entries = [line.split() for line in net.inside("named", "cat", "/etc/hosts").splitlines()]
        assert [address, f"querier.sub.{net.zone}", "querier"] in entries

    @pytest.mark.conformance("DNS, for ExternalName Services")
    def test_an_alias_is_followed_as_it_changes(self, net: Network) -> None:
        first, second = (net.service(name, ports=[PORT]) for name in ("aliased-1", "aliased-2"))
        net.service("alias", type="ExternalName", externalName=f"aliased-1.{net.zone}")
        full = f"alias.{net.zone}"
        net.resolves(full, f"canonical name = aliased-1.{net.zone}", first)
        path = f"{net.services}/alias"
        changed(net.rest, path, lambda found: found["spec"].update(externalName=f"aliased-2.{net.zone}"))
        net.resolves(full, f"canonical name = aliased-2.{net.zone}", second)

        def to_address(found: dict) -> None:
            found["spec"] = {"type": "ClusterIP", "ports": [PORT]}

        net.resolves(full, changed(net.rest, path, to_address)["spec"]["clusterIP"])

    @pytest.mark.conformance("DNS, custom dnsConfig")
    def test_a_pod_with_resolvers_of_its_own(self, net: Network) -> None:
        config = {"nameservers": ["192.0.2.53"], "searches": ["resolv.conf.local"]}
        net.pod("own-resolvers", dnsPolicy="None", dnsConfig=config, containers=pod_spec()["containers"])
        net.all_running("own-resolvers", 1)
        lines = net.inside("own-resolvers", "cat", "/etc/resolv.conf").splitlines()
        assert set(filter(None, lines)) == {"nameserver 192.0.2.53", "search resolv.conf.local"}
