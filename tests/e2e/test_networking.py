"""Services and DNS, from pods and from the host."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from dnslib import QTYPE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer
from harness import DNS_ADDRESS, Cluster, eventually, http_get

SERVER = "minikube-py/hello:1"


@pytest.fixture(scope="module")
def namespace(cluster: Cluster):
    with cluster.namespace("networking") as name:
        cluster.kubectl("create", "deployment", "echo", f"--image={SERVER}", "--replicas=2", "-n", name)
        cluster.kubectl("run", "client", f"--image={SERVER}", "-n", name)
        cluster.kubectl("rollout", "status", "deployment/echo", "-n", name, "--timeout=90s")
        cluster.kubectl("wait", "pod/client", "--for=condition=Ready", "-n", name, "--timeout=60s")
        for service in SERVICES:
            cluster.kubectl("create", "-n", name, "-f", "-", stdin=json.dumps(service))
        eventually(lambda: http_get(url(cluster, name, "echo")), "the Service answers")
        yield name


def service(name: str, **spec: object) -> dict:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


ECHO_PORT = {"name": "http", "port": 80, "targetPort": 8080}
SERVICES = [
    service("echo", selector={"app": "echo"}, ports=[ECHO_PORT]),
    service("headless", clusterIP="None", selector={"app": "echo"}, ports=[ECHO_PORT]),
    service("outside", type="NodePort", selector={"app": "echo"}, ports=[ECHO_PORT]),
    service("empty", selector={"app": "nobody"}, ports=[ECHO_PORT]),
    service("alias", type="ExternalName", externalName="echo.networking.svc.cluster.local"),
    service("udp", ports=[{"name": "dns", "protocol": "UDP", "port": 53}]),
]


def url(cluster: Cluster, namespace: str, name: str) -> str:
    return f"http://{cluster.get('service', name, '-n', namespace)['spec']['clusterIP']}/"


def inside(cluster: Cluster, namespace: str, *command: str) -> str:
    return cluster.kubectl("exec", "client", "-n", namespace, "--", *command)


def lookup(cluster: Cluster, namespace: str, name: str, record: str = "A") -> str:
    done = cluster.run_kubectl("exec", "client", "-n", namespace, "--", "nslookup", f"-type={record}", name)
    return done.stdout + done.stderr


def addresses(cluster: Cluster, namespace: str) -> set[str]:
    pods = cluster.get("pods", "-n", namespace, "-l", "app=echo")["items"]
    return {pod["status"]["podIP"] for pod in pods}


@pytest.mark.parametrize("name", ["echo", "echo.networking", "echo.networking.svc.cluster.local", "alias"])
def test_a_pod_reaches_a_service_by_name(cluster: Cluster, namespace: str, name: str):
    assert "Hello" in inside(cluster, namespace, "wget", "-qO-", f"http://{name}/")


def test_the_resolver_of_a_pod_searches_the_cluster(cluster: Cluster, namespace: str):
    lines = inside(cluster, namespace, "cat", "/etc/resolv.conf").splitlines()
    assert f"nameserver {DNS_ADDRESS}" in lines
    search = next(line for line in lines if line.startswith("search "))
    assert search.split()[1:4] == ["networking.svc.cluster.local", "svc.cluster.local", "cluster.local"]
    assert "options ndots:5" in lines


def test_a_headless_service_names_its_pods(cluster: Cluster, namespace: str):
    answer = lookup(cluster, namespace, "headless.networking.svc.cluster.local")
    assert all(address in answer for address in addresses(cluster, namespace))


def test_a_named_port_has_a_service_record(cluster: Cluster, namespace: str):
    answer = lookup(cluster, namespace, "_http._tcp.echo.networking.svc.cluster.local", "SRV")
    assert "80" in answer
    assert "echo.networking.svc.cluster.local" in answer


def test_a_name_that_is_not_there_is_said_so(cluster: Cluster, namespace: str):
    assert "NXDOMAIN" in lookup(cluster, namespace, "none.networking.svc.cluster.local")


def test_both_endpoints_are_chosen(cluster: Cluster, namespace: str):
    for pod in cluster.get("pods", "-n", namespace, "-l", "app=echo")["items"]:
        name = pod["metadata"]["name"]
        cluster.kubectl("exec", name, "-n", namespace, "--", "sh", "-c", f"echo {name} >/www/index.html")
    answers = {http_get(url(cluster, namespace, "echo")).strip() for _ in range(40)}
    assert len(answers) == 2


def test_a_node_port_answers_on_the_nodes_address(cluster: Cluster, namespace: str):
    port = cluster.get("service", "outside", "-n", namespace)["spec"]["ports"][0]["nodePort"]
    assert http_get(f"http://{cluster.node_ip}:{port}/")
    assert inside(cluster, namespace, "wget", "-qO-", f"http://{cluster.node_ip}:{port}/")


def test_a_service_without_endpoints_refuses(cluster: Cluster, namespace: str):
    with pytest.raises(OSError, match="refused"):
        http_get(url(cluster, namespace, "empty"))
    done = cluster.run_kubectl("exec", "client", "-n", namespace, "--", "wget", "-qO-", "http://empty/")
    assert "refused" in done.stderr


def test_a_pod_reaches_itself_through_its_service(cluster: Cluster, namespace: str):
    cluster.kubectl("expose", "pod", "client", "--port=80", "--target-port=8080", "--name=self", "-n", namespace)
    address = cluster.get("service", "self", "-n", namespace)["spec"]["clusterIP"]
    eventually(lambda: http_get(f"http://{address}/"), "the Service answers")
    assert "Hello" in inside(cluster, namespace, "wget", "-qO-", "http://self/")


class Answers(BaseResolver):
    """Any question about addresses is answered with one; the questions are kept."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.asked: list[str] = []

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        self.asked.append(str(request.q.qname))
        reply = request.reply()
        if request.q.qtype == QTYPE.A:
            reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(self._address), ttl=1))
        return reply


@contextlib.contextmanager
def name_server(listen: str, port: int, answer: str) -> Iterator[tuple[int, Answers]]:
    """A name server of the test's own on an address of the host: its port, and what it was asked."""
    resolver = Answers(answer)
    server = DNSServer(resolver, address=listen, port=port, logger=DNSLogger("-request,-reply,-truncated,-error"))
    server.start_thread()
    try:
        yield server.server.server_address[1], resolver
    finally:
        server.stop()
        server.server.server_close()


def test_datagrams_pass_through_a_service(cluster: Cluster, namespace: str):
    """A Service without a selector, whose endpoint is a name server on the node's address."""
    with name_server(cluster.node_ip, 0, "192.0.2.99") as (port, _):
        endpoints = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "udp-1", "labels": {"kubernetes.io/service-name": "udp"}},
            "addressType": "IPv4",
            "ports": [{"name": "dns", "protocol": "UDP", "port": port}],
            "endpoints": [{"addresses": [cluster.node_ip], "conditions": {"ready": True}}],
        }
        cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(endpoints))
        address = cluster.get("service", "udp", "-n", namespace)["spec"]["clusterIP"]

        def ask() -> str:
            return DNSRecord.parse(DNSRecord.question("from.host").send(address, 53, timeout=2)).short()

        assert eventually(ask, "the host gets an answer", timeout=30) == "192.0.2.99"
        assert "192.0.2.99" in inside(cluster, namespace, "nslookup", "-type=a", "from.pod.test", address)


def test_other_names_are_asked_of_the_hosts_resolvers(cluster: Cluster, namespace: str, tmp_path: Path):
    """The dns component is started again with a file of resolvers that names one of the test's."""
    file = cluster.data_dir / "config" / "dns.yaml"
    original = file.read_text()
    resolvers = tmp_path / "resolv.conf"
    resolvers.write_text("nameserver 127.0.0.79\n")
    file.write_text(yaml.safe_dump({**yaml.safe_load(original), "resolv_conf": str(resolvers)}))
    try:
        with name_server("127.0.0.79", 53, "192.0.2.80") as (_, asked):
            cluster.kill("dns")
            eventually(
                lambda: "192.0.2.80" in lookup(cluster, namespace, "outside.example.test."), "the name is resolved"
            )
            assert "outside.example.test." in asked.asked
            assert "NXDOMAIN" in lookup(cluster, namespace, "none.networking.svc.cluster.local.")
            assert not [name for name in asked.asked if name.endswith("cluster.local.")]
    finally:
        file.write_text(original)
        cluster.kill("dns")
        eventually(lambda: "Address" in lookup(cluster, namespace, "echo.networking.svc.cluster.local."), "DNS is back")


def test_an_address_has_the_name_of_its_service(cluster: Cluster, namespace: str):
    address = cluster.get("service", "echo", "-n", namespace)["spec"]["clusterIP"]
    assert "name = echo.networking.svc.cluster.local" in inside(cluster, namespace, "nslookup", address)


def test_names_are_answered_over_tcp(cluster: Cluster, namespace: str):
    question = DNSRecord.question("echo.networking.svc.cluster.local")
    answer = DNSRecord.parse(question.send(DNS_ADDRESS, 53, tcp=True, timeout=5))
    assert answer.short() == cluster.get("service", "echo", "-n", namespace)["spec"]["clusterIP"]


def test_an_unready_pod_gets_no_traffic(cluster: Cluster, namespace: str):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "gated", "labels": {"app": "gated"}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "c",
                    "image": SERVER,
                    "readinessProbe": {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1},
                }
            ],
        },
    }
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(pod))
    cluster.kubectl("expose", "pod", "gated", "--port=80", "--target-port=8080", "-n", namespace)
    cluster.kubectl("wait", "pod/gated", "--for=jsonpath={.status.phase}=Running", "-n", namespace, "--timeout=60s")
    address = url(cluster, namespace, "gated")

    def refused() -> bool:
        try:
            http_get(address)
        except OSError as error:
            return "refused" in str(error)
        return False

    eventually(refused, "the unready pod's Service refuses")
    cluster.kubectl("exec", "gated", "-n", namespace, "--", "touch", "/tmp/ready")
    eventually(lambda: "Hello" in http_get(address), "the ready pod answers")
    cluster.kubectl("exec", "gated", "-n", namespace, "--", "rm", "/tmp/ready")
    eventually(refused, "it refuses again")
