"""Services: their types and how they change, whom they lead to, and what is said of it in endpoints and slices."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from harness import API_ADDRESS, NODE_PORTS, Cluster, eventually
from python_pods import SERVER_PORTS, ask_inside, python_spec
from rest import Rest
from workloads import Workloads, changed, pod_spec

ENDPOINT_SLICE = "[sig-network] EndpointSlice {} [Conformance]"
HOST_NAME = ["sh", "-c", "hostname >/www/index.html; exec serve"]
PORT = {"name": "http", "port": 80, "targetPort": 8080}


class Services(Workloads):
    """A namespace's Services, seen from a pod called ``client``, and the servers behind them."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        super().__init__(Rest(cluster), namespace)
        self.cluster = cluster
        self.slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        self.all_endpoints = f"/api/v1/namespaces/{namespace}/endpoints"
        self.pod("client")
        self.replication_controller("server", replicas=3, spec=pod_spec(command=HOST_NAME))
        self.all_running("client", 1)
        self.hosts = {pod["metadata"]["name"] for pod in self.all_running("server", 3)}

    def service(self, name: str, **spec: Any) -> Any:
        """Creates a Service."""
        return self.rest.ok("POST", self.services, {"metadata": {"name": name}, "spec": spec})

    def becomes(self, name: str, **spec: Any) -> Any:
        """Changes a Service; a field that is None is no longer there."""

        def change(found: dict[str, Any]) -> None:
            kept = {**found["spec"], **spec}
            found["spec"] = {field: value for field, value in kept.items() if value is not None}

        return changed(self.rest, f"{self.services}/{name}", change)

    def answers(self, address: str, times: int = 1) -> list[str]:
        """Who answers the client at an address, several times in a row; AssertionError where nobody does."""
        script = f"for i in $(seq {times}); do timeout 2 wget -qO- http://{address}/ || exit 1; done"
        return self.cluster.kubectl("exec", "client", "-n", self.namespace, "--", "sh", "-c", script).split()

    def reachable(self, *addresses: str) -> None:
        """Returns when a server answers at each address."""
        for address in addresses:
            assert set(eventually(lambda to=address: self.answers(to), f"{address} answers")) <= self.hosts

    def node_addresses(self, service: dict[str, Any]) -> list[str]:
        """Where a Service's first node port is, on every node."""
        port = service["spec"]["ports"][0]["nodePort"]
        assert port in NODE_PORTS
        return [
            f"{address['address']}:{port}"
            for node in self.rest.ok("GET", "/api/v1/nodes")["items"]
            for address in node["status"]["addresses"]
            if address["type"] in ("InternalIP", "ExternalIP")
        ]

    def resolves(self, name: str, address: str) -> None:
        """Returns when the client resolves a Service's name to the address."""
        full = f"{name}.{self.namespace}.svc.cluster.local"

        def found() -> bool:
            done = self.cluster.run_kubectl("exec", "client", "-n", self.namespace, "--", "nslookup", "-type=a", full)
            return address in done.stdout

        eventually(found, f"{full} is {address}")

    def slices_of(self, name: str) -> list[dict[str, Any]]:
        """The slices of a Service."""
        return list(self.rest.ok("GET", f"{self.slices}?labelSelector=kubernetes.io/service-name%3D{name}")["items"])

    def told(self, name: str) -> set[tuple[str, int]]:
        """The pods and ports of a Service, of which its Endpoints and its slices must say the same."""
        in_slices = {
            (endpoint["targetRef"]["name"], port["port"])
            for one in self.slices_of(name)
            for endpoint in one.get("endpoints") or []
            for port in one.get("ports") or []
        }
        endpoints = self.rest("GET", f"{self.all_endpoints}/{name}")
        assert endpoints.status_code == 200, endpoints.text
        assert in_slices == {
            (address["targetRef"]["name"], port["port"])
            for subset in endpoints.json().get("subsets") or []
            for address in subset.get("addresses") or []
            for port in subset.get("ports") or []
        }
        return in_slices

    def tells(self, name: str, expected: set[tuple[str, int]]) -> None:
        """Returns when both say that these are the pods and ports of a Service."""
        eventually(lambda: self.told(name) == expected, f"{name} leads to {expected}")


@pytest.fixture(scope="module")
def net(cluster: Cluster) -> Iterator[Services]:
    with cluster.namespace("services") as name:
        yield Services(cluster, name)


class TestTypes:
    @pytest.fixture
    def alias(self, net: Services) -> Iterator[tuple[str, str]]:
        """A name that an alias can stand for, and its address."""
        made = net.service("aliased", selector={"app": "server"}, ports=[PORT])
        yield f"aliased.{net.namespace}.svc.cluster.local", made["spec"]["clusterIP"]
        net.rest.ok("DELETE", f"{net.services}/aliased")

    @pytest.mark.conformance("Service, change type, ExternalName to ClusterIP")
    def test_an_alias_becomes_an_address(self, net: Services) -> None:
        made = net.service("to-address", type="ExternalName", externalName="example.com")
        assert "clusterIP" not in made["spec"]
        spec = net.becomes("to-address", type="ClusterIP", externalName=None, selector={"app": "server"}, ports=[PORT])[
            "spec"
        ]
        assert spec["clusterIP"]
        net.reachable("to-address", spec["clusterIP"])

    @pytest.mark.conformance("Service, change type, ExternalName to NodePort")
    def test_an_alias_becomes_a_node_port(self, net: Services) -> None:
        made = net.service("to-node-port", type="ExternalName", externalName="example.com")
        assert "clusterIP" not in made["spec"]
        service = net.becomes(
            "to-node-port", type="NodePort", externalName=None, selector={"app": "server"}, ports=[PORT]
        )
        net.reachable("to-node-port", service["spec"]["clusterIP"], *net.node_addresses(service))

    @pytest.mark.conformance("Service, change type, ClusterIP to ExternalName")
    def test_an_address_becomes_an_alias(self, net: Services, alias: tuple[str, str]) -> None:
        name, address = alias
        assert net.service("from-address", selector={"app": "server"}, ports=[PORT])["spec"]["clusterIP"]
        spec = net.becomes("from-address", type="ExternalName", externalName=name)["spec"]
        assert not spec.keys() & {"clusterIP", "clusterIPs"}
        net.resolves("from-address", address)

    @pytest.mark.conformance("Service, change type, NodePort to ExternalName")
    def test_a_node_port_becomes_an_alias(self, net: Services, alias: tuple[str, str]) -> None:
        name, address = alias
        made = net.service("from-node-port", type="NodePort", selector={"app": "server"}, ports=[PORT])
        port = made["spec"]["ports"][0]["nodePort"]
        assert made["spec"]["clusterIP"]
        net.reachable(*net.node_addresses(made))
        spec = net.becomes("from-node-port", type="ExternalName", externalName=name)["spec"]
        assert not spec.keys() & {"clusterIP", "clusterIPs"}
        assert "nodePort" not in spec["ports"][0]
        other = net.service("same-node-port", type="NodePort", ports=[{**PORT, "nodePort": port}])
        assert other["spec"]["ports"][0]["nodePort"] == port
        net.resolves("from-node-port", address)

    @pytest.mark.conformance("Service, NodePort Service")
    def test_a_node_port(self, net: Services) -> None:
        made = net.service("node-port", type="NodePort", selector={"app": "server"}, ports=[PORT])
        net.reachable("node-port", made["spec"]["clusterIP"], *net.node_addresses(made))


class TestAffinity:
    @pytest.mark.parametrize(
        ("kind", "to_none"),
        [
            pytest.param(
                kind,
                to_none,
                marks=pytest.mark.conformance(f"Service, {kind} type, session affinity to {affinity}"),
                id=f"{kind}, {said}",
            )
            for kind in ("ClusterIP", "NodePort")
            for to_none, affinity, said in ((False, "ClientIP", "kept"), (True, "None", "switched off and on"))
        ],
    )
    def test_one_client_stays_with_one_pod(self, net: Services, kind: str, to_none: bool) -> None:
        name = f"affine-{kind.lower()}-{to_none}".lower()
        made = net.service(name, type=kind, selector={"app": "server"}, ports=[PORT], sessionAffinity="ClientIP")
        assert made["spec"]["clusterIP"]
        nodes = net.node_addresses(made) if kind == "NodePort" else []
        asked = (nodes or [made["spec"]["clusterIP"]])[0]
        net.reachable(name, made["spec"]["clusterIP"], *nodes)
        one_answers(net, asked)
        if to_none:
            net.becomes(name, sessionAffinity="None", sessionAffinityConfig=None)
            eventually(lambda: set(net.answers(asked, 20)) == net.hosts, "every pod answers")
            net.becomes(name, sessionAffinity="ClientIP")
            eventually(lambda: len(set(net.answers(asked, 20))) == 1, "one pod answers alone")
            one_answers(net, asked)
        net.reachable(name, made["spec"]["clusterIP"], *nodes)


def one_answers(net: Services, address: str) -> None:
    assert len(set(net.answers(address, 16))) == 1


class TestEndpoints:
    @pytest.mark.conformance("Service, endpoints")
    def test_pods_of_a_service_come_and_go(self, net: Services) -> None:
        net.service("basic", selector={"app": "basic"}, ports=[PORT])
        net.tells("basic", set())
        net.pod("one", app="basic")
        net.tells("basic", {("one", 8080)})
        net.pod("two", app="basic")
        net.tells("basic", {("one", 8080), ("two", 8080)})
        assert eventually(lambda: net.answers("basic"), "it answers")
        net.rest.ok("DELETE", f"{net.all_pods}/two")
        net.tells("basic", {("one", 8080)})
        net.rest.ok("DELETE", f"{net.all_pods}/one")
        net.tells("basic", set())

    @pytest.mark.conformance("Service, endpoints with multiple ports")
    def test_each_pod_under_the_port_it_has(self, net: Services) -> None:
        ports = [{"name": f"port{n}", "port": 80 + n, "targetPort": f"of-pod{n}"} for n in (1, 2)]
        net.service("multi", selector={"app": "multi"}, ports=ports)
        net.tells("multi", set())
        for n in (1, 2):
            container = {**pod_spec()["containers"][0], "ports": [{"name": f"of-pod{n}", "containerPort": 100 * n}]}
            net.pod(f"pod{n}", app="multi", containers=[container])
            net.tells("multi", {(f"pod{m}", 100 * m) for m in range(1, n + 1)})
        net.rest.ok("DELETE", f"{net.all_pods}/pod1")
        net.tells("multi", {("pod2", 200)})
        net.rest.ok("DELETE", f"{net.all_pods}/pod2")
        net.tells("multi", set())

    @pytest.mark.conformance("Service, should serve endpoints on same port and different protocols.")
    def test_one_port_of_two_protocols(self, net: Services) -> None:
        tcp, udp = (
            {"name": f"{protocol.lower()}-port", "port": 80, "protocol": protocol, "targetPort": SERVER_PORTS[protocol]}
            for protocol in ("TCP", "UDP")
        )
        for name in ("both", "asking"):
            net.pod(name, **python_spec())
        address = net.service("both", selector={"app": "both"}, ports=[tcp, udp])["spec"]["clusterIP"]

        def answers() -> set[str]:
            return {
                protocol
                for protocol in ("TCP", "UDP")
                if ask_inside(net.cluster, net.namespace, "asking", address, protocol, 80) == "both"
            }

        eventually(lambda: answers() == {"TCP", "UDP"}, "both protocols answer")
        net.becomes("both", ports=[tcp])
        eventually(lambda: answers() == {"TCP"}, "TCP alone answers")
        net.becomes("both", ports=[udp])
        eventually(lambda: answers() == {"UDP"}, "UDP alone answers")

    @pytest.mark.conformance("Service endpoint latency, thresholds")
    def test_endpoints_are_there_soon(self, net: Services) -> None:
        """Upstream's bounds are 20 s for the half and 50 s for nine tenths of a hundred Services."""
        made, there = {}, {}
        with net.rest.watch(net.all_endpoints) as watched:
            for number in range(100):
                name = f"timed-{number}"
                made[name] = time.monotonic()
                net.service(name, selector={"app": "server"}, ports=[PORT])

                def arrived(of: str = name) -> bool:
                    return any(
                        event["object"]["metadata"]["name"] == of and event["object"].get("subsets")
                        for event in watched.events
                    )

                eventually(arrived, f"{name} has endpoints", every=0.005)
                there[name] = time.monotonic()
                watched.events.clear()
        waited = sorted(there[name] - began for name, began in made.items())
        assert waited[49] < 20
        assert waited[89] < 50
        for name in made:
            net.rest.ok("DELETE", f"{net.services}/{name}")


def discovered(rest: Rest) -> None:
    """The three discovery documents that must name EndpointSlices do."""
    assert "discovery.k8s.io" in [group["name"] for group in rest.ok("GET", "/apis")["groups"]]
    versions = rest.ok("GET", "/apis/discovery.k8s.io")["versions"]
    assert "discovery.k8s.io/v1" in [version["groupVersion"] for version in versions]
    resources = rest.ok("GET", "/apis/discovery.k8s.io/v1")["resources"]
    assert "endpointslices" in [resource["name"] for resource in resources]


class TestEndpointSlices:
    @pytest.mark.conformance(
        ENDPOINT_SLICE.format("should create Endpoints and EndpointSlices for Pods matching a Service")
    )
    def test_pods_with_different_ports_of_one_name(self, net: Services) -> None:
        discovered(net.rest)
        for name, number in (("sliced1", 3000), ("sliced2", 3001)):
            container = {**pod_spec()["containers"][0], "ports": [{"name": "example-name", "containerPort": number}]}
            net.pod(name, app="sliced", containers=[container])
        port = {"name": "example", "port": 80, "targetPort": "example-name"}
        net.service("sliced", selector={"app": "sliced"}, ports=[port])
        net.tells("sliced", {("sliced1", 3000), ("sliced2", 3001)})
        assert len(net.rest.ok("GET", f"{net.all_endpoints}/sliced")["subsets"]) == 2
        slices = net.slices_of("sliced")
        assert len(slices) == 2
        for one in slices:
            assert one["addressType"] == "IPv4"
            assert [(p["name"], p["protocol"]) for p in one["ports"]] == [("example", "TCP")]
            [endpoint] = one["endpoints"]
            pod = net.rest.ok("GET", f"{net.all_pods}/{endpoint['targetRef']['name']}")
            assert endpoint["addresses"] == [pod["status"]["podIP"]]
            assert endpoint["nodeName"] == pod["spec"]["nodeName"]
            assert endpoint["targetRef"]["uid"] == pod["metadata"]["uid"]
            assert endpoint["conditions"]["ready"] is True

    @pytest.mark.conformance(
        ENDPOINT_SLICE.format(
            "should create and delete Endpoints and EndpointSlices for a Service with a selector specified"
        )
    )
    def test_they_come_and_go_with_the_service(self, net: Services) -> None:
        discovered(net.rest)
        made = net.service("passing", selector={"app": "nobody"}, ports=[PORT])
        net.tells("passing", set())
        [one] = eventually(lambda: net.slices_of("passing"), "its slice is there")
        assert one["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] == "endpointslice-controller.k8s.io"
        assert [reference["uid"] for reference in one["metadata"]["ownerReferences"]] == [made["metadata"]["uid"]]
        net.rest.ok("DELETE", f"{net.services}/passing")
        net.rest.gone(f"{net.all_endpoints}/passing")
        eventually(lambda: not net.slices_of("passing"), "its slice is gone")

    @pytest.mark.conformance(ENDPOINT_SLICE.format("should have Endpoints and EndpointSlices pointing to API Server"))
    def test_the_api_server_has_them_too(self, net: Services) -> None:
        discovered(net.rest)
        default = "/api/v1/namespaces/default"
        assert net.rest.ok("GET", f"{default}/services/kubernetes")["spec"]["clusterIP"] == API_ADDRESS
        subsets = net.rest.ok("GET", f"{default}/endpoints/kubernetes")["subsets"]
        told = {
            (address["ip"], port["port"]) for one in subsets for address in one["addresses"] for port in one["ports"]
        }
        selected = "labelSelector=kubernetes.io/service-name%3Dkubernetes"
        slices = net.rest.ok("GET", f"/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?{selected}")["items"]
        assert told == {
            (address, port["port"])
            for one in slices
            for endpoint in one["endpoints"]
            for address in endpoint["addresses"]
            for port in one["ports"]
        }
        assert told == {(net.cluster.node_ip, net.cluster.ports["api"])}

    @pytest.mark.conformance("EndpointSlice Mirroring")
    def test_endpoints_of_ones_own_are_mirrored(self, net: Services) -> None:
        discovered(net.rest)
        net.service("mirrored", ports=[PORT])
        path = f"{net.all_endpoints}/mirrored"
        subset = {"addresses": [{"ip": "10.1.2.3"}], "ports": [{"name": "http", "port": 80}]}
        net.rest.ok("POST", net.all_endpoints, {"metadata": {"name": "mirrored"}, "subsets": [subset]})

        def mirror() -> list[tuple[list[str], list[int]]]:
            return [
                ([a for endpoint in one["endpoints"] for a in endpoint["addresses"]], [p["port"] for p in one["ports"]])
                for one in net.slices_of("mirrored")
            ]

        eventually(lambda: mirror() == [(["10.1.2.3"], [80])], "they are mirrored")
        [one] = net.slices_of("mirrored")
        manager = one["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"]
        assert manager == "endpointslicemirroring-controller.k8s.io"
        net.rest.patch(
            path, {"subsets": [{"addresses": [{"ip": "10.2.3.4"}], "ports": [{"name": "http", "port": 81}]}]}
        )
        eventually(lambda: mirror() == [(["10.2.3.4"], [81])], "a change is mirrored")
        net.rest.ok("DELETE", path)
        eventually(lambda: mirror() == [], "an end is mirrored")


class TestOfTheCluster:
    @pytest.mark.conformance("Kubernetes Service")
    def test_the_api_server_is_a_service(self, net: Services) -> None:
        spec = net.rest.ok("GET", "/api/v1/namespaces/default/services/kubernetes")["spec"]
        with socket.create_connection((spec["clusterIP"], spec["ports"][0]["port"]), timeout=5):
            pass

    @pytest.mark.conformance("Find Kubernetes Service in default Namespace")
    def test_it_is_among_all_services(self, net: Services) -> None:
        found = [item["metadata"] for item in net.rest.ok("GET", "/api/v1/services")["items"]]
        assert ("default", "kubernetes") in [(meta["namespace"], meta["name"]) for meta in found]
