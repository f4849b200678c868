"""The Docker Engine API over its unix socket, asyncio-native: requests, streamed answers and hijacked connections.

See docs/adr/0001 for why this is not the ``docker`` SDK. The API version is negotiated once, at the first request.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from kubelet.runtime import RuntimeFailure, RuntimeUnavailable

OLDEST_API = (1, 41)
"""Docker 20.10's."""
PREFERRED_API = (1, 44)
"""The oldest version that the newest engines still accept: one behaviour on as many engines as can be."""
REQUEST_TIMEOUT_SECONDS = 120.0
CONNECT_TIMEOUT_SECONDS = 10.0
_UNIX = "unix://"
_LONGEST_HEAD_BYTES = 64 * 1024


class DockerError(RuntimeFailure):
    """The engine's answer to a request it did not fulfil: HTTP status and its own message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Hijacked:
    """A connection that stopped being HTTP: raw bytes both ways, each half closable on its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer
        self._half_closed = False

    async def write(self, data: bytes) -> None:
        """Sends; silently nothing once either side has closed."""
        if self._half_closed:
            return
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (ConnectionError, RuntimeError):
            self._half_closed = True

    async def close_write(self) -> None:
        """Tells the engine that no more input comes; its output can still be read."""
        if self._half_closed:
            return
        self._half_closed = True
        try:
            await self._writer.drain()
            self._writer.write_eof()
        except (OSError, RuntimeError):
            pass  # the engine has closed already: there is nobody left to tell

    async def close(self) -> None:
        """Ends the connection."""
        self._half_closed = True
        self._writer.close()
        with contextlib.suppress(OSError):  # it was broken before it was closed
            await self._writer.wait_closed()


class DockerClient:
    """One engine. Raises RuntimeUnavailable where it does not answer and DockerError for its refusals."""

    def __init__(self, host: str = "unix:///var/run/docker.sock") -> None:
        if not host.startswith(_UNIX):
            raise ValueError(
                f"docker_host {host!r}: only unix:// sockets are supported, the pods' network is on this host"
            )
        self._path = host.removeprefix(_UNIX)
        self._session: aiohttp.ClientSession | None = None
        self._prefix = ""
        self._negotiating = asyncio.Lock()

    async def api_version(self) -> str:
        """The negotiated version, as ``1.41``. Raises RuntimeFailure for an engine older than 20.10."""
        return (await self._versioned())[2:]

    async def _versioned(self) -> str:
        if self._prefix:
            return self._prefix
        async with self._negotiating:
            if not self._prefix:
                body = await self._send("GET", "/version")
                self._prefix = f"/v{negotiate(body.get('ApiVersion', ''), body.get('MinAPIVersion', ''))}"
        return self._prefix

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> Any:
        """The decoded answer, or None where it has no body."""
        prefix = self._prefix or await self._versioned()
        return await self._send(method, prefix + path, params=params, json=json, timeout_seconds=timeout_seconds)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> Any:
        async with self._open(method, path, params, json, aiohttp.ClientTimeout(total=timeout_seconds)) as response:
            body = await response.read()
        return orjson.loads(body) if body else None

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        idle_timeout_seconds: float | None = None,
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """The answer's body as it comes; ``idle_timeout_seconds`` bounds the wait for each piece (None: no bound).

        A break while the body is read is RuntimeUnavailable too, with a TimeoutError as its cause where it was that.
        """
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_TIMEOUT_SECONDS, sock_read=idle_timeout_seconds
        )
        path = (self._prefix or await self._versioned()) + path
        async with self._open(method, path, params, None, timeout, headers, body) as response:
            yield response.content

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        json: Any,
        timeout: aiohttp.ClientTimeout,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(self._path, limit=0), auto_decompress=False, read_bufsize=64 * 1024
            )
        sent = dict(headers or {})
        if json is not None:
            body = orjson.dumps(json)
            sent["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                method, f"http://docker{path}", params=params, data=body, headers=sent, timeout=timeout
            ) as response:
                if response.status >= 400:
                    raise DockerError(response.status, _message(await response.read()))
                yield response
        except TimeoutError as error:
            raise RuntimeUnavailable(f"Docker Engine did not answer {method} {path} in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise RuntimeUnavailable(f"Docker Engine at {self._path}: {error}") from error

    async def hijack(self, path: str, *, params: Mapping[str, str] | None = None, json: Any = None) -> Hijacked:
        """POSTs and takes the connection over as soon as the engine agrees to it."""
        target = (self._prefix or await self._versioned()) + path
        if params:
            target += "?" + "&".join(f"{key}={value}" for key, value in params.items())
        body = orjson.dumps(json) if json is not None else b""
        head = (
            f"POST {target} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._path, limit=_LONGEST_HEAD_BYTES)
        except (OSError, TimeoutError) as error:
            raise RuntimeUnavailable(f"Docker Engine at {self._path}: {error}") from error
        connection = Hijacked(reader, writer)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
                writer.write(head.encode() + body)
                await writer.drain()
                await _take_over(reader)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            await connection.close()
            raise RuntimeUnavailable(f"Docker Engine did not answer POST {target}") from error
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Ends every pooled connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _take_over(reader: asyncio.StreamReader) -> None:
    """Reads the head of the answer; raises DockerError with the body's message where it refuses."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status_line, *lines = head.split("\r\n")
    status = int(status_line.split(" ", 2)[1])
    if status in (101, 200):
        return
    length = next((int(line.split(":", 1)[1]) for line in lines if line.lower().startswith("content-length:")), 0)
    raise DockerError(status, _message(await reader.readexactly(length)))


def _message(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return body.decode(errors="replace").strip() or "no message"


def negotiate(newest: str, oldest: str) -> str:
    """The version to speak to an engine that accepts ``oldest`` … ``newest``. Raises RuntimeFailure."""
    top, bottom = _parsed(newest), _parsed(oldest)
    if top < OLDEST_API:
        raise RuntimeFailure(f"Docker Engine's API {newest or '(unknown)'} is too old: 1.41 (Docker 20.10) is needed")
    chosen = max(min(PREFERRED_API, top), bottom)
    return f"{chosen[0]}.{chosen[1]}"


def _parsed(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)
