"""The whole process over TLS, with a kubelet that a test plays."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError

from apiserver.main import prepare, run
from apiserver.settings import Settings
from minikube_py.cluster.pki import Subject, ensure_certificate, ensure_service_account_key, load_authority

NOW = datetime.datetime.now(datetime.UTC)
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pki")
    authority = load_authority(directory, NOW)
    here = {"dns_names": ("localhost",), "addresses": ("127.0.0.1",), "server": True}
    ensure_certificate(authority, directory, "apiserver", Subject("kube-apiserver", **here), NOW)
    ensure_certificate(authority, directory, "kubelet", Subject("system:node:n", ("system:nodes",), **here), NOW)
    ensure_certificate(authority, directory, "client", Subject("kube-apiserver-kubelet-client"), NOW)
    ensure_certificate(authority, directory, "admin", Subject("kubernetes-admin", ("system:masters",)), NOW)
    ensure_certificate(authority, directory, "bob", Subject("bob"), NOW)
    long_ago = NOW - datetime.timedelta(days=1000)
    ensure_certificate(authority, directory, "expired", Subject("kubernetes-admin", ("system:masters",)), long_ago)
    foreign = tmp_path_factory.mktemp("foreign")
    other = load_authority(foreign, NOW)
    ensure_certificate(other, directory, "foreign", Subject("kubernetes-admin", ("system:masters",)), NOW)
    ensure_service_account_key(directory)
    return directory


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A running server, its settings, and sessions by the name of a certificate."""

    def __init__(self, pki: Path, settings: Settings) -> None:
        self.pki = pki
        self.settings = settings
        self.url = f"https://127.0.0.1:{settings.secure_port}"
        self._sessions: list[aiohttp.ClientSession] = []

    def session(self, name: str = "") -> aiohttp.ClientSession:
        context = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        if name:
            context.load_cert_chain(self.pki / f"{name}.crt", self.pki / f"{name}.key")
        session = aiohttp.ClientSession(self.url, connector=aiohttp.TCPConnector(ssl=context))
        self._sessions.append(session)
        return session

    async def close(self) -> None:
        for session in self._sessions:
            await session.close()


@pytest.fixture
async def cluster(pki: Path) -> AsyncIterator[Cluster]:
    settings = Settings(
        etcd_servers=["memory"],
        bind_address="127.0.0.1",
        advertise_address="10.0.0.1",
        secure_port=free_port(),
        tls_cert_file=str(pki / "apiserver.crt"),
        tls_private_key_file=str(pki / "apiserver.key"),
        client_ca_file=str(pki / "ca.crt"),
        service_account_key_file=str(pki / "sa.pub"),
        service_account_signing_key_file=str(pki / "sa.key"),
        kubelet_client_certificate=str(pki / "client.crt"),
        kubelet_client_key=str(pki / "client.key"),
        kubelet_certificate_authority=str(pki / "ca.crt"),
        shutdown_seconds=1,
    )
    stop = asyncio.Event()
    running = asyncio.ensure_future(run(settings, stop))
    found = Cluster(pki, settings)
    try:
        await wait_ready(found, running)
        yield found
    finally:
        stop.set()
        await found.close()
        await running


async def wait_ready(cluster: Cluster, running: asyncio.Future[None]) -> None:
    session = cluster.session()
    async with asyncio.timeout(20):
        while not running.done():
            try:
                async with session.get("/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.02)
    await running


class Kubelet:
    """Answers what the API server asks of it, over TLS, and remembers how it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.peers: list[Any] = []

    async def logs(self, request: web.Request) -> web.StreamResponse:
        self._remember(request)
        if request.match_info["container"] == "waiting":
            text = 'container "waiting" in pod "p" is waiting to start: ContainerCreating'
            return web.Response(status=400, text=text)
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"one\n")
        await answer.write(b"two\n")
        return answer

    async def exec(self, request: web.Request) -> web.WebSocketResponse:
        self._remember(request)
        stream = web.WebSocketResponse(protocols=("v5.channel.k8s.io", "v4.channel.k8s.io"))
        await stream.prepare(request)
        async for message in stream:
            if message.data == b"\x00exit":
                await stream.send_bytes(b'\x03{"metadata":{},"status":"Success"}')
                break
            await stream.send_bytes(b"\x01" + message.data[1:])
        await stream.close()
        return stream

    def _remember(self, request: web.Request) -> None:
        query = {key: request.query.getall(key) for key in request.query}
        self.asked.append((request.path, query))
        assert request.transport is not None
        self.peers.append(request.transport.get_extra_info("peercert"))


@pytest.fixture
async def kubelet(cluster: Cluster) -> AsyncIterator[Kubelet]:
    """A kubelet for node ``n``, and pod ``p`` with two containers on it."""
    played = Kubelet()
    app = web.Application()
    app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", played.logs)
    app.router.add_get("/exec/{namespace}/{pod}/{container}", played.exec)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(cluster.pki / "ca.crt"))
    context.load_cert_chain(cluster.pki / "kubelet.crt", cluster.pki / "kubelet.key")
    context.verify_mode = ssl.CERT_REQUIRED
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    admin = cluster.session("admin")
    node = {"metadata": {"name": "n"}}
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    containers = [{"name": name, "image": "x"} for name in ("main", "waiting")]
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n", "containers": containers}}
    account = {"metadata": {"name": "default"}}
    for path, body in (
        ("/api/v1/nodes", node),
        ("/api/v1/namespaces/default/serviceaccounts", account),
        (PODS, pod),
    ):
        async with admin.post(path, json=body) as answer:
            assert answer.status == 201, await answer.text()
    headers = {"Content-Type": "application/merge-patch+json"}
    async with admin.patch("/api/v1/nodes/n/status", json={"status": status}, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
    yield played
    await runner.cleanup()


async def test_the_certificate_is_the_user(cluster: Cluster) -> None:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    async with cluster.session("bob").post(path, json={}) as answer:
        user = (await answer.json())["status"]["userInfo"]
    assert user == {"username": "bob", "groups": ["system:authenticated"]}


@pytest.mark.parametrize("name", ["foreign", "expired"])
async def test_a_certificate_that_is_not_good_is_refused_in_the_handshake(cluster: Cluster, name: str) -> None:
    with pytest.raises((aiohttp.ClientError, ssl.SSLError, ConnectionError)):
        await cluster.session(name).get("/version")


async def test_a_watch_ends_in_order_when_the_server_stops(pki: Path, cluster: Cluster) -> None:
    admin = cluster.session("admin")
    async with admin.get("/api/v1/namespaces?watch=true") as answer:
        line = await answer.content.readline()
        assert b'"ADDED"' in line
        async with admin.post("/api/v1/namespaces", json={"metadata": {"name": "late"}}) as created:
            assert created.status == 201
        while b'"late"' not in line:
            line = await answer.content.readline()


async def test_logs_come_from_the_kubelet(cluster: Cluster, kubelet: Kubelet) -> None:
    admin = cluster.session("admin")
    async with admin.get(f"{PODS}/p/log?container=main&tailLines=5&follow=true") as answer:
        assert (answer.status, await answer.text()) == (200, "one\ntwo\n")
    assert kubelet.asked == [("/containerLogs/default/p/main", {"follow": ["true"], "tailLines": ["5"]})]
    assert kubelet.peers[0]["subject"] == ((("commonName", "kube-apiserver-kubelet-client"),),)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param("", "a container name must be specified for pod p, choose one of: [main waiting]", id="no name"),
        pytest.param("?container=x", "container x is not valid for pod p", id="an unknown name"),
        pytest.param(
            "?container=waiting",
            'container "waiting" in pod "p" is waiting to start: ContainerCreating',
            id="one that waits",
        ),
    ],
)
async def test_logs_are_refused(cluster: Cluster, kubelet: Kubelet, query: str, message: str) -> None:
    async with cluster.session("admin").get(f"{PODS}/p/log{query}") as answer:
        assert answer.status == 400
        assert (await answer.json())["message"] == message


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io"])
async def test_exec_passes_bytes_both_ways(cluster: Cluster, kubelet: Kubelet, protocol: str) -> None:
    path = f"{PODS}/p/exec?container=main&command=cat&command=-u&stdin=true&stdout=true"
    async with cluster.session("admin").ws_connect(path, protocols=(protocol,)) as stream:
        assert stream.protocol == protocol
        for _ in range(50):
            await stream.send_bytes(b"\x00" + b"x" * 100_000)
            assert (await stream.receive_bytes()) == b"\x01" + b"x" * 100_000
        await stream.send_bytes(b"\x00exit")
        assert (await stream.receive_bytes()).startswith(b"\x03")
        assert (await stream.receive()).type == aiohttp.WSMsgType.CLOSE
        assert stream.close_code == 1000
    query = {"command": ["cat", "-u"], "input": ["1"], "output": ["1"]}
    assert kubelet.asked == [("/exec/default/p/main", query)]


@pytest.mark.parametrize(
    ("user", "path", "protocols", "status"),
    [
        pytest.param("bob", f"{PODS}/p/exec?command=ls&stdout=1", ("v5.channel.k8s.io",), 403, id="without a right"),
        pytest.param("admin", f"{PODS}/q/exec?command=ls&stdout=1", ("v5.channel.k8s.io",), 404, id="in no pod"),
        pytest.param("admin", f"{PODS}/p/exec?command=ls&stdout=1", ("v5.channel.k8s.io",), 400, id="in any container"),
        pytest.param("admin", f"{PODS}/p/exec?container=main&stdout=1", ("v5.channel.k8s.io",), 400, id="of nothing"),
        pytest.param("admin", "/api/v1/namespaces", ("v5.channel.k8s.io",), 200, id="of a collection, which is listed"),
    ],
)
async def test_exec_is_refused(
    cluster: Cluster, kubelet: Kubelet, user: str, path: str, protocols: tuple[str, ...], status: int
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await cluster.session(user).ws_connect(path, protocols=protocols)
    assert refused.value.status == status
    assert kubelet.asked == []


async def test_a_port_in_use_is_named(pki: Path, cluster: Cluster) -> None:
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{cluster.settings.secure_port}"):
        await run(cluster.settings, asyncio.Event())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"etcd_servers": ["memory"]}, "a store in memory is of one process", id="a store in memory"),
        pytest.param({"secure_port": 0}, "several workers need a port that is named", id="any free port"),
        pytest.param({"workers": 0}, "greater than or equal to 1", id="none"),
    ],
)
def test_workers_that_cannot_work_together_are_refused(values: dict[str, Any], message: str) -> None:
    needed = ("tls_cert_file", "tls_private_key_file", "client_ca_file")
    keys = ("service_account_key_file", "service_account_signing_key_file")
    given = {**dict.fromkeys((*needed, *keys), "unused"), "workers": 2, **values}
    with pytest.raises(ValidationError, match=message):
        Settings(**given)


def test_workers_are_not_started_on_a_port_that_is_taken() -> None:
    needed = ("tls_cert_file", "tls_private_key_file", "client_ca_file")
    keys = ("service_account_key_file", "service_account_signing_key_file")
    port = free_port()
    files = dict.fromkeys((*needed, *keys), "unused")
    settings = Settings(bind_address="127.0.0.1", secure_port=port, workers=2, **files)
    prepare(settings)
    with (
        socket.create_server(("127.0.0.1", port), reuse_port=True),
        pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"),
    ):
        prepare(settings)
