"""The server around the application: TLS with client certificates, and chunks sent beside the application."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from apiserver.authn.certificates import EXTENSION
from apiserver.handlers.watch import PUSH
from apiserver.server import Gathering, listen, make_server
from apiserver.settings import Settings
from minikube_py.client.kubeconfig import KubeConfig
from minikube_py.cluster.pki import ensure_pki
from minikube_py.cluster.settings import ClusterSettings

Serve = Callable[[Any], Any]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pki")
    ensure_pki(ClusterSettings(data_dir=made, node_ip="127.0.0.1"), datetime.datetime.now(datetime.UTC))
    admin = KubeConfig.load(str(made / "admin.conf"))
    (made / "admin.crt").write_bytes(admin.client_certificate_data)
    (made / "admin.key").write_bytes(admin.client_key_data)
    return made


@pytest.fixture
async def serve(directory: Path) -> AsyncIterator[Serve]:
    pki, stop, tasks = directory / "pki", asyncio.Event(), []

    async def start(app: Any) -> int:
        settings = Settings(
            bind_address="127.0.0.1",
            secure_port=0,
            tls_cert_file=str(pki / "apiserver.crt"),
            tls_private_key_file=str(pki / "apiserver.key"),
            client_ca_file=str(pki / "ca.crt"),
            service_account_key_file=str(pki / "sa.pub"),
            service_account_signing_key_file=str(pki / "sa.key"),
        )
        listening: socket.socket = listen(settings)
        listening.listen()
        tasks.append(asyncio.create_task(make_server(app, settings, stop).serve([listening])))
        return int(listening.getsockname()[1])

    yield start
    stop.set()
    await asyncio.gather(*tasks)


async def fetch(directory: Path, port: int) -> bytes:
    context = ssl.create_default_context(cafile=str(directory / "pki" / "ca.crt"))
    context.load_cert_chain(directory / "admin.crt", directory / "admin.key")
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
    return answer.partition(b"\r\n\r\n")[2]


async def test_a_chunk_is_sent_beside_the_application_and_in_order(serve: Serve, directory: Path) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        push = scope["extensions"][PUSH]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        seen.append(push(b"3\r\ntwo\r\n"))
        await send({"type": "http.response.body", "body": b"three"})
        seen.append(push(b"4\r\nlate\r\n"))

    assert await fetch(directory, await serve(app)) == b"3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"
    assert seen == [True, False]


async def test_nothing_is_pushed_to_a_client_that_does_not_read(serve: Serve, directory: Path) -> None:
    refused = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        while scope["extensions"][PUSH](chunk):
            pass
        refused.set()
        await send({"type": "http.response.body", "body": b""})

    body = await fetch(directory, await serve(app))
    assert refused.is_set()
    assert body.endswith(b"\r\n0\r\n\r\n")


async def test_the_application_is_shown_the_clients_certificate(serve: Serve, directory: Path) -> None:
    peers: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        peers.append(scope["extensions"][EXTENSION]["peer"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    await fetch(directory, await serve(app))
    assert (("commonName", "kubernetes-admin"),) in peers[0]["subject"]


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str) -> str:
        return name


def test_what_is_held_is_sent_as_one() -> None:
    transport: Any = Transport()
    gathering = Gathering(transport)
    gathering.write(b"at once")
    gathering.hold()
    gathering.write(b"head")
    gathering.write(b"body")
    assert transport.written == [b"at once"]
    gathering.release()
    gathering.write(b"next")
    assert transport.written == [b"at once", b"headbody", b"next"]
    assert (gathering.get_extra_info("peername"), gathering.is_closing()) == ("peername", False)


def test_what_is_held_is_sent_before_the_end() -> None:
    transport: Any = Transport()
    gathering = Gathering(transport)
    gathering.hold()
    gathering.write(b"last")
    gathering.close()
    gathering.release()
    assert (transport.written, gathering.is_closing()) == ([b"last"], True)
