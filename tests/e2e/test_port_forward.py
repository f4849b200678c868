"""Forwarding ports into pods, as every kubectl and the official Python client do it."""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import socketserver
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from harness import Cluster, http_get
from kubectls import KUBECTLS
from pod_helpers import create, ready, shell

COUNTS = "nc -ll -p 9000 -e wc -c"
"""A server that reads to the end and answers with how much it was: its client must half-close."""
ECHOES = "nc -ll -p 9001 -e cat"


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace("forward") as name:
        web = shell(f"mkdir /www; echo hello > /www/index.html; {COUNTS} & {ECHOES} & httpd -f -p 8080 -h /www")
        create(cluster, name, "web", containers=[web])
        ready(cluster, name, "web")
        cluster.kubectl("expose", "pod", "web", "--port=80", "--target-port=8080", "-n", name)
        yield name


@dataclass
class Forward:
    """A running port-forward: local ports by the pod's."""

    process: subprocess.Popen[str]
    ports: dict[int, int] = field(default_factory=dict)

    def told(self, seconds: float = 10.0) -> str:
        """What it says on stderr from now on."""
        assert self.process.stderr is not None
        readable, _, _ = select.select([self.process.stderr], [], [], seconds)
        return os.read(self.process.stderr.fileno(), 65536).decode() if readable else ""

    def connect(self, port: int) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.ports[port]), timeout=20)


@contextlib.contextmanager
def forwarding(cluster: Cluster, binary: str, namespace: str, target: str, *ports: int) -> Iterator[Forward]:
    process = subprocess.Popen(
        [binary, "port-forward", target, "-n", namespace, *(f":{port}" for port in ports)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=cluster.environment,
    )
    running = Forward(process)
    try:
        assert process.stdout is not None
        while len(running.ports) < len(ports):
            line = process.stdout.readline()
            assert line, process.communicate(timeout=10)
            found = re.match(r"Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)", line)
            if found:
                running.ports[int(found[2])] = int(found[1])
        yield running
    finally:
        process.kill()
        process.communicate(timeout=10)


@pytest.mark.parametrize("binary", KUBECTLS)
def test_a_pods_port_answers_here(cluster: Cluster, namespace: str, binary: str):
    with forwarding(cluster, binary, namespace, "pod/web", 8080) as forward:
        for _ in range(3):
            assert http_get(f"http://127.0.0.1:{forward.ports[8080]}/") == "hello\n"


@pytest.mark.parametrize("binary", KUBECTLS)
def test_much_data_goes_there_and_back_and_its_end_is_heard(cluster: Cluster, namespace: str, binary: str):
    sent = os.urandom(5_000_000)
    with forwarding(cluster, binary, namespace, "pod/web", 9000, 9001) as forward:
        with forward.connect(9000) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100) == b"5000000\n"
        with forward.connect(9001) as connection, ThreadPoolExecutor(1) as threads:
            sending = threads.submit(connection.sendall, sent)
            received = bytearray()
            while len(received) < len(sent):
                piece = connection.recv(65536)
                assert piece, len(received)
                received += piece
            sending.result(20)
            assert received == sent


class Parrot(socketserver.BaseRequestHandler):
    """Says what it hears."""

    def handle(self) -> None:
        while heard := self.request.recv(65536):
            self.request.sendall(heard)


class Aviary(socketserver.ThreadingTCPServer):
    """Takes many connections at once, which busybox's nc does not: its backlog is two."""

    request_queue_size = 100
    daemon_threads = True


@pytest.fixture(scope="module")
def host_port(cluster: Cluster, namespace: str) -> Iterator[int]:
    """A port of the host's, served here, that the pod ``host`` shares."""
    create(cluster, namespace, "host", hostNetwork=True, containers=[shell("sleep 600")])
    ready(cluster, namespace, "host")
    with Aviary(("127.0.0.1", 0), Parrot) as server, ThreadPoolExecutor(1) as threads:
        threads.submit(server.serve_forever)
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("binary", KUBECTLS)
def test_many_connections_at_once_do_not_mix(cluster: Cluster, namespace: str, host_port: int, binary: str):
    with forwarding(cluster, binary, namespace, "pod/host", host_port) as forward:

        def talk(number: int) -> bool:
            said = f"{number:06}".encode() * 5_000
            with forward.connect(host_port) as connection:
                connection.sendall(said)
                heard = bytearray()
                while len(heard) < len(said):
                    heard += connection.recv(65536) or b"the end"
                return heard == said

        with ThreadPoolExecutor(30) as threads:
            assert all(threads.map(talk, range(60)))


@pytest.mark.parametrize("binary", KUBECTLS)
def test_a_port_that_nobody_listens_on_is_told(cluster: Cluster, namespace: str, binary: str):
    with forwarding(cluster, binary, namespace, "pod/web", 81) as forward:
        with forward.connect(81) as connection:
            assert connection.recv(10) == b""
        told = forward.told()
        assert "an error occurred forwarding" in told
        assert "failed to connect to localhost:81 inside namespace" in told
        assert "dial tcp4 127.0.0.1:81: connect: connection refused" in told


def test_a_service_leads_to_a_pod_of_its(cluster: Cluster, namespace: str):
    with forwarding(cluster, "kubectl", namespace, "service/web", 80) as forward:
        assert http_get(f"http://127.0.0.1:{next(iter(forward.ports.values()))}/") == "hello\n"


def test_a_pod_on_the_hosts_network(cluster: Cluster, namespace: str):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    web = shell(f"mkdir /www; echo host > /www/index.html; httpd -f -p 127.0.0.1:{port} -h /www")
    create(cluster, namespace, "on-host", hostNetwork=True, containers=[web])
    ready(cluster, namespace, "on-host")
    with forwarding(cluster, "kubectl", namespace, "pod/on-host", port) as forward:
        assert http_get(f"http://127.0.0.1:{forward.ports[port]}/") == "host\n"


def test_a_pod_that_is_deleted_ends_it(cluster: Cluster, namespace: str):
    create(cluster, namespace, "brief", containers=[shell(ECHOES)])
    ready(cluster, namespace, "brief")
    with (
        forwarding(cluster, "kubectl", namespace, "pod/brief", 9001) as forward,
        forward.connect(9001) as connection,
    ):
        connection.sendall(b"here")
        assert connection.recv(10) == b"here"
        cluster.kubectl("delete", "pod", "brief", "-n", namespace, "--wait")
        assert connection.recv(10) == b""


def test_the_python_client_forwards_over_channels(cluster: Cluster, namespace: str):
    kubernetes = pytest.importorskip("kubernetes")
    from kubernetes.stream import portforward

    api = kubernetes.config.new_client_from_config(cluster.environment["KUBECONFIG"])
    core = kubernetes.client.CoreV1Api(api)
    forward = portforward(core.connect_get_namespaced_pod_portforward, "web", namespace, ports="9001,81")
    connection = forward.socket(9001)
    connection.settimeout(20)
    connection.sendall(b"by channel")
    assert connection.recv(100) == b"by channel"
    deadline = time.monotonic() + 20
    while forward.error(81) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "connection refused" in str(forward.error(81))
    forward.close()
