"""Exec, attach and port-forward over SPDY/3.1, bare and in a WebSocket, as clients speak it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kubelet.fake_runtime import FakeRuntime
from kubelet.runtime import ContainerConfig, ExecResult, SandboxConfig
from kubelet.runtime import NamespaceMode as Mode
from kubelet.server import spdy_channels
from kubelet.server.certificate import server_context
from kubelet.server.server import KubeletServer
from kubelet.spdy.connection import Connection, Stream
from minikube_py.runtime.clock import FakeClock
from minikube_py.runtime.tasks import Tasks

IMAGE = "busybox:1"
PORT_FORWARD = "portforward.k8s.io"


class Bytes:
    """A connection of asyncio's as what SPDY runs over."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def read(self) -> bytes:
        return await self.reader.read(65536)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


class Messages:
    """A WebSocket's messages as what SPDY runs over."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def read(self) -> bytes:
        message = await self.socket.receive()
        return bytes(message.data) if message.type is aiohttp.WSMsgType.BINARY else b""

    async def write(self, data: bytes) -> None:
        await self.socket.send_bytes(data)


class Refused(Exception):
    """The status and body of an answer that is no upgrade."""


class Node:
    """A kubelet's endpoint with one pod, ``default/web``, on the host's network."""

    def __init__(self, authority: Any) -> None:
        self.tls = authority.client()
        self.runtime = FakeRuntime(FakeClock().now)
        self.runtime.add_image(IMAGE)
        self.pod: dict[str, Any] = {}
        tls = server_context(*authority.issue("node"), authority.file)
        self.server = KubeletServer(
            self, self.runtime, FakeClock(), node_name="node", host="127.0.0.1", port=0, tls=tls
        )

    def get_pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        return self.pod if (namespace, name) == ("default", "web") else None

    def list_pods(self) -> list[dict[str, Any]]:
        return [self.pod]

    async def run_pod(self) -> None:
        sandbox = SandboxConfig("web", "default", "uid-1", network=Mode.NODE)
        sandbox_id = await self.runtime.create_sandbox(sandbox)
        await self.runtime.start_sandbox(sandbox_id)
        config = ContainerConfig("c", 0, IMAGE, stdin=True)
        container_id = await self.runtime.create_container(sandbox_id, sandbox, config)
        await self.runtime.start_container(container_id)
        status = {"name": "c", "state": {"running": {}}, "containerID": f"docker://{container_id}"}
        self.pod = {
            "metadata": {"name": "web", "namespace": "default", "uid": "uid-1"},
            "spec": {"containers": [{"name": "c", "image": IMAGE}]},
            "status": {"containerStatuses": [status]},
        }

    @asynccontextmanager
    async def upgraded(self, path: str, *protocols: str) -> AsyncIterator[tuple[Connection, str]]:
        """A bare SPDY connection, and the protocol agreed upon. Raises Refused."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, ssl=self.tls)
        lines = "".join(f"X-Stream-Protocol-Version: {protocol}\r\n" for protocol in protocols)
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: n\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n{lines}\r\n".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        tasks = Tasks()
        try:
            if " 101 " not in head.partition("\r\n")[0]:
                length = int(head.lower().partition("content-length: ")[2].split("\r\n")[0])
                raise Refused(int(head.split()[1]), (await reader.readexactly(length)).decode())
            connection = Connection(Bytes(reader, writer), client=True)
            tasks.start("client", connection.run())
            yield connection, head.partition("X-Stream-Protocol-Version: ")[2].split("\r\n")[0]
        finally:
            await tasks.cancel_all()
            writer.close()


@pytest.fixture
async def node(authority: Any, tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(authority)
    await made.run_pod()
    await made.server.start()
    yield made
    await made.server.close()


async def everything(stream: Stream) -> bytes:
    pieces = []
    while data := await stream.read():
        pieces.append(data)
    return b"".join(pieces)


async def opened(connection: Connection, *kinds: str, **headers: str) -> list[Stream]:
    return [await connection.open({"streamType": kind, **headers}) for kind in kinds]


async def test_exec_parts_the_streams_and_tells_the_exit_code_as_a_status(node: Node) -> None:
    node.runtime.exec_results = lambda _container, command: ExecResult(3, b"out", b"err")
    path = "/exec/default/web/c?command=ls&output=1&error=1"
    async with node.upgraded(path, "v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io") as (connection, agreed):
        assert agreed == "v4.channel.k8s.io"
        error, stdout, stderr = await opened(connection, "error", "stdout", "stderr")
        assert (await everything(stdout), await everything(stderr)) == (b"out", b"err")
        status = json.loads(await everything(error))
        assert status["reason"] == "NonZeroExitCode"
        assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param(0, b"", id="success is silence"),
        pytest.param(3, b"command terminated with non-zero exit code", id="a failure is a text"),
    ],
)
@pytest.mark.parametrize("protocol", ["v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io", ""])
async def test_old_protocols_tell_the_end_in_words(node: Node, protocol: str, code: int, told: bytes) -> None:
    node.runtime.exec_results = lambda _container, command: ExecResult(code, b"out")
    protocols = [protocol] if protocol else []
    async with node.upgraded("/exec/default/web/c?command=ls&output=1", *protocols) as (connection, agreed):
        assert agreed == (protocol or "channel.k8s.io")
        error, stdout = await opened(connection, "error", "stdout")
        assert await everything(stdout) == b"out"
        said = await everything(error)
        assert said.startswith(told)
        assert bool(said) is bool(told)


async def test_input_ends_when_its_stream_does(node: Node) -> None:
    node.runtime.exec_results = lambda _container, command: ExecResult(0)
    path = "/exec/default/web/c?command=cat&input=1&output=1"
    async with node.upgraded(path, "v4.channel.k8s.io") as (connection, _):
        error, stdin, stdout = await opened(connection, "error", "stdin", "stdout")
        await stdin.write(b"hello")
        assert await stdout.read() == b"hello"
        await stdin.close_write()
        assert await everything(stdout) == b""
        assert json.loads(await everything(error))["status"] == "Success"


async def test_a_command_does_not_start_before_its_streams_stand(node: Node) -> None:
    async with node.upgraded("/exec/default/web/c?command=ls&output=1", "v4.channel.k8s.io") as (connection, _):
        await opened(connection, "error")
        assert node.runtime.execs == []
        (stdout,) = await opened(connection, "stdout")
        await everything(stdout)
        assert len(node.runtime.execs) == 1


async def test_a_client_that_opens_no_streams_is_left(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spdy_channels, "CREATION_SECONDS", 0.01)
    async with node.upgraded("/exec/default/web/c?command=ls&output=1", "v4.channel.k8s.io") as (connection, _):
        (error,) = await opened(connection, "error")
        with pytest.raises(ConnectionError):
            await everything(error)
    assert node.runtime.execs == []


@pytest.mark.parametrize(
    ("path", "protocol", "status", "text"),
    [
        pytest.param(
            "/exec/default/web/x?command=ls&output=1", "v4.channel.k8s.io", 404, "container not found", id="404"
        ),
        pytest.param("/exec/default/web/c?command=ls&output=1", "v9", 403, "server accepts ['v4", id="no protocol"),
        pytest.param("/portForward/default/other", PORT_FORWARD, 404, "pod does not exist", id="no such pod"),
    ],
)
async def test_what_cannot_be_is_refused_before_the_upgrade(
    node: Node, path: str, protocol: str, status: int, text: str
) -> None:
    with pytest.raises(Refused) as refused:
        async with node.upgraded(path, protocol):
            pass
    assert refused.value.args[0] == status
    assert text in refused.value.args[1]


@asynccontextmanager
async def serving(talk: Any) -> AsyncIterator[int]:
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers with what it has read to the end, in capitals."""
    writer.write((await reader.read()).upper())
    writer.close()


async def test_ports_are_forwarded_by_pairs_of_streams(node: Node) -> None:
    async with serving(shout) as port, node.upgraded("/portForward/default/web", PORT_FORWARD) as (connection, agreed):
        assert agreed == PORT_FORWARD
        pairs = []
        for number in range(20):
            error, data = await opened(connection, "error", "data", port=str(port), requestID=str(number))
            await error.close_write()
            await data.write(b"number %d" % number)
            pairs.append((error, data))
        for number, (error, data) in enumerate(pairs):
            await data.close_write()
            assert await everything(data) == b"NUMBER %d" % number
            assert await everything(error) == b""


async def test_streams_without_a_request_are_paired_by_their_ids(node: Node) -> None:
    async with serving(shout) as port, node.upgraded("/portForward/default/web", PORT_FORWARD) as (connection, _):
        _, data = await opened(connection, "error", "data", port=str(port))
        await data.write(b"old")
        await data.close_write()
        assert await everything(data) == b"OLD"


async def test_a_port_that_nobody_listens_on_is_told_on_the_error_stream(node: Node) -> None:
    async with serving(shout) as port:
        pass
    async with node.upgraded("/portForward/default/web", PORT_FORWARD) as (connection, _):
        error, data = await opened(connection, "error", "data", port=str(port), requestID="0")
        told = (await everything(error)).decode()
        assert told.startswith(f"error forwarding port {port} to pod ")
        assert f"IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused" in told
        assert await everything(data) == b""


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"port": "80"}, id="no kind"),
        pytest.param({"streamType": "data"}, id="no port"),
        pytest.param({"streamType": "data", "port": "0"}, id="port 0"),
        pytest.param({"streamType": "other", "port": "80"}, id="another kind"),
    ],
)
async def test_streams_that_mean_nothing_are_refused(node: Node, headers: dict[str, str]) -> None:
    async with node.upgraded("/portForward/default/web", PORT_FORWARD) as (connection, _):
        stream = await connection.open(headers)
        with pytest.raises(ConnectionError):
            await stream.read()


async def test_spdy_runs_in_a_web_socket_too(node: Node) -> None:
    async with (
        serving(shout) as port,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=node.tls)) as session,
        session.ws_connect(
            f"https://127.0.0.1:{node.server.port}/portForward/default/web",
            protocols=("SPDY/3.1+portforward.k8s.io",),
        ) as socket,
    ):
        connection = Connection(Messages(socket), client=True)
        tasks = Tasks()
        tasks.start("client", connection.run())
        _, data = await opened(connection, "error", "data", port=str(port), requestID="0")
        await data.write(b"inside")
        await data.close_write()
        assert await everything(data) == b"INSIDE"
        await tasks.cancel_all()


async def test_ports_are_forwarded_by_channels(node: Node) -> None:
    async def parrot(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async with serving(shout) as closed:
        pass
    async with (
        serving(parrot) as port,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=node.tls)) as session,
        session.ws_connect(
            f"https://127.0.0.1:{node.server.port}/portForward/default/web?port={port},{closed}",
            protocols=("v4.channel.k8s.io",),
        ) as socket,
    ):
        await socket.send_bytes(b"\0hello")
        by_channel: dict[int, bytes] = {}
        while by_channel.get(0, b"")[2:] != b"hello" or len(by_channel.get(3, b"")) <= 2:
            message = await socket.receive_bytes(timeout=10)
            by_channel[message[0]] = by_channel.get(message[0], b"") + message[1:]
        assert by_channel[0][:2] == by_channel[1][:2] == port.to_bytes(2, "little")
        assert by_channel[2][:2] == closed.to_bytes(2, "little")
        assert b"connection refused" in by_channel[3]


@pytest.mark.parametrize("query", ["", "?port=x", "?port=0", "?port=80,65536"])
async def test_ports_that_are_none_are_refused(node: Node, query: str) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=node.tls)) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(
                f"https://127.0.0.1:{node.server.port}/portForward/default/web{query}", protocols=("v4.channel.k8s.io",)
            )
    assert refused.value.status == 400
