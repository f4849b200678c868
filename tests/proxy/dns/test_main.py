"""The whole component on a fake API server, asked over loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import dnslib
import pytest
from pydantic import ValidationError

from minikube_py.api.resources import ENDPOINT_SLICES, NAMESPACES, NODES, SERVICES
from minikube_py.client.fake import FakeClient
from minikube_py.runtime.clock import RealClock
from proxy.dns.main import Settings, serve


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    def __init__(self, resolv_conf: Path) -> None:
        self.client = FakeClient(RealClock())
        for name in ("default", "kube-system"):
            self.client.seed(NAMESPACES, {"metadata": {"name": name}})
        self.client.seed(NODES, {"metadata": {"name": "node"}})
        self.port = free_port()
        self.settings = Settings(
            kubeconfig="",
            node_name="node",
            node_ip="127.0.0.1",
            port=self.port,
            metrics_port=free_port(),
            resolv_conf=str(resolv_conf),
        )

    def add_service(self, name: str, cluster_ip: str) -> None:
        self.client.seed(
            SERVICES,
            {
                "metadata": {"name": name, "namespace": "default"},
                "spec": {
                    "type": "ClusterIP",
                    "clusterIP": cluster_ip,
                    "clusterIPs": [cluster_ip],
                    "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
                },
            },
        )

    async def ask(self, name: str, kind: str = "A", *, tcp: bool = False) -> Any:
        query = dnslib.DNSRecord.question(name, kind).pack()
        async with asyncio.timeout(5):
            if tcp:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(len(query).to_bytes(2, "big") + query)
                answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                writer.close()
                return dnslib.DNSRecord.parse(answer)
            loop = asyncio.get_running_loop()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
                channel.setblocking(False)
                channel.connect(("127.0.0.1", self.port))
                await loop.sock_sendall(channel, query)
                return dnslib.DNSRecord.parse(await loop.sock_recv(channel, 65535))

    async def eventually(self, name: str, expected: list[str]) -> None:
        async with asyncio.timeout(5):
            while [str(record.rdata) for record in (await self.ask(name)).rr] != expected:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    path = tmp_path / "resolv.conf"
    path.write_text("")
    made = Cluster(path)
    made.add_service("web", "10.96.0.7")
    stop = asyncio.Event()
    running = asyncio.create_task(serve(made.settings, made.client, RealClock(), stop))
    async with asyncio.timeout(5):
        while made.client.object(ENDPOINT_SLICES, "kube-dns-node", "kube-system") is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    yield made
    stop.set()
    await asyncio.wait_for(running, 5)


async def test_it_answers_for_services_by_udp_and_tcp_and_follows_changes(cluster: Cluster) -> None:
    await cluster.eventually("web.default.svc.cluster.local", ["10.96.0.7"])
    assert [str(record.rdata) for record in (await cluster.ask("web.default.svc.cluster.local", tcp=True)).rr] == [
        "10.96.0.7"
    ]
    cluster.add_service("late", "10.96.0.8")
    await cluster.eventually("late.default.svc.cluster.local", ["10.96.0.8"])
    assert (await cluster.ask("missing.default.svc.cluster.local")).header.rcode == 3
    assert str((await cluster.ask("8.0.96.10.in-addr.arpa", "PTR")).rr[0].rdata) == "late.default.svc.cluster.local."


async def test_headless_endpoints_are_the_ready_ones(cluster: Cluster) -> None:
    cluster.client.seed(
        SERVICES,
        {
            "metadata": {"name": "db", "namespace": "default"},
            "spec": {"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"], "ports": [{"port": 80}]},
        },
    )
    cluster.client.seed(
        ENDPOINT_SLICES,
        {
            "metadata": {"name": "db-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "db"}},
            "addressType": "IPv4",
            "endpoints": [
                {"addresses": ["10.244.0.5"], "hostname": "db-0", "conditions": {"ready": True}},
                {"addresses": ["10.244.0.6"], "conditions": {"ready": False}},
            ],
            "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
        },
    )
    await cluster.eventually("db.default.svc.cluster.local", ["10.244.0.5"])
    await cluster.eventually("db-0.db.default.svc.cluster.local", ["10.244.0.5"])
    names = [str(record.rdata) for record in (await cluster.ask("5.0.244.10.in-addr.arpa", "PTR")).rr]
    assert names == ["db-0.db.default.svc.cluster.local."]


async def test_names_of_others_fail_when_nobody_can_be_asked(cluster: Cluster) -> None:
    assert (await cluster.ask("example.com")).header.rcode == 2
    assert (await cluster.ask("example.com", tcp=True)).header.rcode == 2


async def test_it_registers_itself_and_repairs_what_others_change(cluster: Cluster) -> None:
    service = cluster.client.object(SERVICES, "kube-dns", "kube-system")
    assert service is not None
    assert service["spec"]["clusterIP"] == "10.96.0.10"
    assert service["spec"]["internalTrafficPolicy"] == "Local"
    assert [(port["name"], port["port"], port["targetPort"]) for port in service["spec"]["ports"]] == [
        ("dns", 53, cluster.port),
        ("dns-tcp", 53, cluster.port),
    ]
    found = cluster.client.object(ENDPOINT_SLICES, "kube-dns-node", "kube-system")
    assert found is not None
    assert found["endpoints"][0]["addresses"] == ["127.0.0.1"]
    assert found["endpoints"][0]["nodeName"] == "node"
    assert found["metadata"]["ownerReferences"][0]["kind"] == "Node"
    cluster.client.remove(ENDPOINT_SLICES, "kube-dns-node", "kube-system")
    async with asyncio.timeout(5):
        while cluster.client.object(ENDPOINT_SLICES, "kube-dns-node", "kube-system") is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="prot"):
        Settings(kubeconfig="x", node_name="n", node_ip="127.0.0.1", prot=1)  # type: ignore[call-arg]
