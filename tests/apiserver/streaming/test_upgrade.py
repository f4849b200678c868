"""Connections taken over from the HTTP server, and passed on to backends: over real sockets on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.responses import Response

from apiserver.server import make_server
from apiserver.settings import Settings
from apiserver.streaming import relay
from apiserver.streaming.relay import BadAnswer, ask, pump, request_head
from apiserver.streaming.upgrade import EXTENSION, SwitchProtocols
from minikube_py.runtime.hijack import HijackedConnection
from minikube_py.runtime.tasks import Tasks

Serve = Callable[[HijackedConnection], Awaitable[None]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Served:
    """A server of ours without TLS, whose application upgrades ``/up`` and answers everything else."""

    def __init__(self, settings: Settings, serve: Serve) -> None:
        self.stop = asyncio.Event()
        self._serve = serve
        self._server = make_server(self, settings, self.stop)
        self._server.config.ssl_context_factory = None
        self._tasks = Tasks()
        self.port = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/up" and EXTENSION in scope["extensions"]:
            await SwitchProtocols([("Upgrade", "parrot")], self._serve)(scope, receive, send)
        else:
            await Response(b"plain")(scope, receive, send)

    async def start(self) -> None:
        listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        sockets = [one.dup() for one in listening.sockets]
        self.port = sockets[0].getsockname()[1]
        listening.close()
        self.serving = self._tasks.start("server", self._server.serve(sockets))

    async def close(self) -> None:
        self.stop.set()
        await asyncio.wait({self.serving}, timeout=10)
        await self._tasks.cancel_all()

    async def ask(self, path: str, *headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = "".join(f"{header}\r\n" for header in headers)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\n{lines}\r\n".encode())
        return reader, writer


@asynccontextmanager
async def served(settings: Settings, serve: Serve) -> AsyncIterator[Served]:
    made = Served(settings, serve)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


async def parrot(connection: HijackedConnection) -> None:
    while data := await connection.read():
        await connection.write(data)


UPGRADE = ("Connection: Upgrade", "Upgrade: parrot")


@pytest.mark.parametrize("kind", ["parrot", "websocket", "SPDY/3.1"])
async def test_a_connection_is_taken_over_and_carries_bytes_both_ways(settings: Settings, kind: str) -> None:
    async with served(settings, parrot) as server:
        reader, writer = await server.ask("/up", "Connection: keep-alive, Upgrade", f"Upgrade: {kind}")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head == b"HTTP/1.1 101 Switching Protocols\r\nupgrade: parrot\r\n\r\n"
        for said in (b"hello", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256))):
            writer.write(said)
            assert await reader.readexactly(len(said)) == said
        writer.close()


async def test_more_than_either_side_holds_passes(settings: Settings) -> None:
    async with served(settings, parrot) as server:
        reader, writer = await server.ask("/up", *UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        said = b"0123456789abcdef" * 500_000

        async def say() -> None:
            writer.write(said)
            await writer.drain()

        saying = asyncio.ensure_future(say())
        assert await reader.readexactly(len(said)) == said
        await saying
        writer.close()


async def test_a_request_whose_upgrade_is_not_taken_is_answered_and_the_connection_goes_on(settings: Settings) -> None:
    async with served(settings, parrot) as server:
        reader, writer = await server.ask("/", "Connection: Upgrade, keep-alive", "Upgrade: h2c")
        assert (await reader.readuntil(b"plain")).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_a_request_without_an_upgrade_cannot_be_taken_over(settings: Settings) -> None:
    async with served(settings, parrot) as server:
        reader, writer = await server.ask("/up")
        assert (await reader.readuntil(b"plain")).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_the_server_closes_what_was_taken_over_when_it_stops(settings: Settings) -> None:
    async with served(settings, parrot) as server:
        reader, writer = await server.ask("/up", *UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        server.stop.set()
        assert await reader.read() == b""
        writer.close()


async def test_who_serves_a_connection_hears_that_its_client_has_gone(settings: Settings) -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(connection: HijackedConnection) -> None:
        heard.set_result(await connection.read())
        assert connection.ended
        with pytest.raises(ConnectionError):
            await connection.write(b"anybody?")

    async with served(settings, listen) as server:
        reader, writer = await server.ask("/up", *UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        assert await asyncio.wait_for(heard, 10) == b""


@asynccontextmanager
async def backend(talk: Talk) -> AsyncIterator[int]:
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def answering(answer: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    return talk


HEAD = request_head("GET", "/", [("Host", "there")])


async def test_a_backends_answer_is_read_with_its_body() -> None:
    async with backend(answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot here!")) as port:
        answer = await ask("127.0.0.1", port, None, HEAD)
        assert (answer.status, answer.reason, answer.header("content-length")) == (404, "Not Found", "9")
        assert await answer.body(100) == b"not here!"
        answer.close()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConte", id="half a head"),
        pytest.param(b"SSH-2.0 banner\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 two\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", id="a header without a colon"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"x" * 100_000, id="a head without end"),
    ],
)
async def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    async with backend(answering(answer)) as port:
        with pytest.raises(BadAnswer):
            await ask("127.0.0.1", port, None, HEAD)


async def test_a_silent_backend_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "HEAD_SECONDS", 0.02)
    waiting = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await waiting.wait()
        writer.close()

    async with backend(silent) as port:
        with pytest.raises(TimeoutError):
            await ask("127.0.0.1", port, None, HEAD)
        waiting.set()


def test_a_head_cannot_smuggle_lines() -> None:
    with pytest.raises(ValueError, match="end in its midst"):
        request_head("GET", "/", [("Host", "there\r\nX-Other: yes")])


async def test_what_a_backend_sent_before_it_ended_reaches_the_client(settings: Settings) -> None:
    last_words = b"last words " * 100_000

    async def serve(connection: HijackedConnection) -> None:
        async with backend(answering(b"HTTP/1.1 101 Go\r\n\r\n" + last_words)) as port:
            await pump(connection, await ask("127.0.0.1", port, None, HEAD))

    async with served(settings, serve) as server:
        reader, writer = await server.ask("/up", *UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.read(-1) == last_words
        writer.close()
