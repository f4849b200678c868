"""Objects for the proxy's tests, and network namespaces for those that send real packets."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CLONE_NEWNET = 0x40000000
TIMEOUT_SECONDS = 3.0
NODE_IP, CLIENT_IP = "192.0.2.10", "192.0.2.99"
POD_CIDR, GATEWAY = "10.244.0.0/24", "10.244.0.1"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces, needs root")


def make_service(name: str = "web", **spec: Any) -> dict[str, Any]:
    status = {"loadBalancer": {"ingress": [{"ip": ip} for ip in spec.pop("ingress", ())]}}
    metadata = {"name": name, "namespace": "default", "labels": spec.pop("labels", {})}
    spec = {"type": "ClusterIP", "clusterIP": "10.96.0.7", "ports": [{"port": 80, "protocol": "TCP"}]} | spec
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": status}


def make_slice(
    *endpoints: dict[str, Any], service: str = "web", name: str = "web-1", ports: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": list(endpoints),
        "ports": ports or [{"name": "", "port": 8080, "protocol": "TCP"}],
    }


def make_endpoint(address: str, node: str = "here", **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "nodeName": node, "conditions": {"ready": True} | conditions}


def _setns(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread is in the namespace: sockets made and programs started here are in it, and stay so."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        _setns(there.fileno())
        try:
            yield
        finally:
            _setns(home.fileno())


def sh(*commands: str) -> None:
    for command in commands:
        subprocess.run(command.split(), check=True, capture_output=True, timeout=20)


@dataclass(frozen=True)
class Lab:
    """A node with two pods on its bridge, and a client on its segment. There is no default route but the pods'."""

    node: str
    client: str
    pods: tuple[str, str]

    addresses = ("10.244.0.5", "10.244.0.6")

    def serve(self, namespace: str, address: str, port: int, answer: str, *, udp: bool = False) -> Server:
        with inside(namespace):
            return Server(address, port, answer, udp=udp)

    def ask(
        self,
        namespace: str,
        address: str,
        port: int,
        *,
        udp: bool = False,
        source_port: int = 0,
        seconds: float = TIMEOUT_SECONDS,
    ) -> str:
        """The answer and the source address that the server saw: ``name address``."""
        with inside(namespace):
            asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        with asking:
            asking.settimeout(seconds)
            if source_port:
                asking.bind(("0.0.0.0", source_port))
            asking.connect((address, port))
            asking.send(b"hello")
            return asking.recv(1000).decode()


class Server:
    """Answers each connection, or datagram, with its name and the address that it comes from."""

    def __init__(self, address: str, port: int, answer: str, *, udp: bool) -> None:
        self._answer = answer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((address, port))
        target: Callable[[], None] = self._datagrams if udp else self._connections
        if not udp:
            self._socket.listen(16)
        self._thread = threading.Thread(target=target, daemon=True)
        self._thread.start()

    def _connections(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, (source, _) = self._socket.accept()
                with connection:
                    connection.recv(100)
                    connection.send(f"{self._answer} {source}".encode())

    def _datagrams(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, peer = self._socket.recvfrom(100)
                if data:
                    self._socket.sendto(f"{self._answer} {peer[0]}".encode(), peer)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(TIMEOUT_SECONDS)


@pytest.fixture
def namespace() -> Iterator[str]:
    """An empty network namespace, which the test's own thread is in."""
    name = f"mkpy-{os.getpid()}"
    sh(f"ip netns add {name}")
    try:
        with inside(name):
            sh("ip link set lo up")
            yield name
    finally:
        sh(f"ip netns del {name}")


@pytest.fixture(params=["1", "0"], ids=["bridge frames shown to nftables", "bridge frames hidden from nftables"])
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    made = Lab(*(f"mkpy-{os.getpid()}-{name}" for name in ("node", "client")), _pod_names())
    names = (made.node, made.client, *made.pods)
    try:
        for name in names:
            sh(f"ip netns add {name}", f"ip -n {name} link set lo up")
        sh(
            f"ip -n {made.node} link add eth0 type veth peer name eth0 netns {made.client}",
            f"ip -n {made.node} addr add {NODE_IP}/24 dev eth0",
            f"ip -n {made.client} addr add {CLIENT_IP}/24 dev eth0",
            f"ip -n {made.node} link add cni0 type bridge",
            f"ip -n {made.node} addr add {GATEWAY}/24 dev cni0",
            *(f"ip -n {made.node} link set {link} up" for link in ("eth0", "cni0")),
            f"ip -n {made.client} link set eth0 up",
        )
        for number, (pod, address) in enumerate(zip(made.pods, made.addresses, strict=True)):
            sh(
                f"ip -n {made.node} link add veth{number} type veth peer name eth0 netns {pod}",
                f"ip -n {made.node} link set veth{number} master cni0 up",
                f"ip -n {made.node} link set veth{number} type bridge_slave hairpin on",
                f"ip -n {pod} addr add {address}/24 dev eth0",
                f"ip -n {pod} link set eth0 up",
                f"ip -n {pod} route add default via {GATEWAY}",
            )
        with inside(made.node):
            bridge = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
            if bridge.exists():
                bridge.write_text(request.param)
            elif request.param == "1":
                pytest.skip("this kernel has no br_netfilter")
            yield made
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, timeout=20, check=False)


def _pod_names() -> tuple[str, str]:
    return f"mkpy-{os.getpid()}-pod0", f"mkpy-{os.getpid()}-pod1"
