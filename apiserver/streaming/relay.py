"""A connection to a backend that is asked to upgrade, and the bytes passed on between it and the client.

What the bytes mean is the client's and the backend's. Either side is read only as fast as the other takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from minikube_py.runtime.hijack import HijackedConnection
from minikube_py.runtime.tasks import Tasks

DIAL_SECONDS: Final = 30.0
HEAD_SECONDS: Final = 60.0
"""How long a backend may take to answer a request for an upgrade."""
_PIECE_BYTES: Final = 64 * 1024
_LONGEST_HEAD_BYTES: Final = 64 * 1024
_CLOSE_SECONDS: Final = 10.0


class BadAnswer(OSError):
    """What the backend has answered is no HTTP."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend that has answered: the head of its answer, and its connection behind it."""

    status: int
    reason: str
    headers: Sequence[tuple[str, str]]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def header(self, name: str) -> str:
        """A header of the answer, or the empty string."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    async def body(self, limit: int) -> bytes:
        """The beginning of the body of an answer that is no upgrade; empty where its length is not told."""
        length = self.header("content-length")
        if not length.isdigit():
            return b""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                return await self.reader.readexactly(min(int(length), limit))
        return b""

    def close(self) -> None:
        """Ends the connection."""
        self.writer.close()


async def ask(host: str, port: int, tls: ssl.SSLContext | None, head: bytes) -> Backend:
    """Sends the head of a request to a backend and reads the head of its answer. Raises OSError, TimeoutError."""
    async with asyncio.timeout(DIAL_SECONDS):
        reader, writer = await asyncio.open_connection(host, port, ssl=tls, limit=_LONGEST_HEAD_BYTES)
    try:
        async with asyncio.timeout(HEAD_SECONDS):
            writer.write(head)
            await writer.drain()
            status, reason, headers = _parsed(await reader.readuntil(b"\r\n\r\n"))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        writer.close()
        raise BadAnswer(f"malformed HTTP response: {error}") from error
    except BaseException:
        writer.close()
        raise
    return Backend(status, reason, headers, reader, writer)


def request_head(method: str, target: str, headers: Sequence[tuple[str, str]]) -> bytes:
    """The head of a request. Raises ValueError where it would be more than one."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line of the request's head has an end in its midst")
    return "\r\n".join(lines).encode("latin-1")


def _parsed(head: bytes) -> tuple[int, str, list[tuple[str, str]]]:
    status_line, *lines = head.decode("latin-1").split("\r\n")
    version, status, *reason = status_line.split(" ", 2)
    if not version.startswith("HTTP/1."):
        raise ValueError(f"not HTTP/1: {version[:20]}")
    headers = []
    for line in lines:
        if line:
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError("a header without a colon")
            headers.append((name.strip(), value.strip()))
    return int(status), reason[0] if reason else "", headers


async def pump(client: HijackedConnection, backend: Backend) -> None:
    """Passes bytes both ways until either side has gone; what the backend has sent by then still reaches the client."""
    tasks = Tasks()
    try:
        upwards = tasks.start("stream-to-backend", _upwards(client, backend.writer))
        downwards = tasks.start("stream-to-client", _downwards(backend.reader, client))
        await asyncio.wait((upwards, downwards), return_when=asyncio.FIRST_COMPLETED)
        if not downwards.done() and not client.ended:
            # The backend takes no more: it is ending, and may have sent something before.
            await asyncio.wait((downwards,), timeout=_CLOSE_SECONDS)
    finally:
        await tasks.cancel_all()
        backend.close()


async def _upwards(client: HijackedConnection, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await client.read():
            writer.write(data)
            await writer.drain()


async def _downwards(reader: asyncio.StreamReader, client: HijackedConnection) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_PIECE_BYTES):
            await client.write(data)
