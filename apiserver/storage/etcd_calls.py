"""Calls to etcd over gRPC: connections, fail-over between members, time-outs, and etcd's errors as ours."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from apiserver.storage.http2.calls import DEADLINE_EXCEEDED, RpcError, StreamCall
from apiserver.storage.http2.connection import Connection, header_block
from apiserver.storage.store import (
    Compacted,
    FutureRevision,
    NoSpace,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    ValueTooLarge,
)
from minikube_py.runtime.tasks import Tasks

DEFAULT_TIMEOUT_SECONDS = 5.0
_REQUIRE_LEADER = (("hasleader", "true"),)
_FIRST_POLL_SECONDS = 0.005
_LONGEST_POLL_SECONDS = 0.1
_CONNECT_SECONDS = 5.0
_FIRST_BACKOFF_SECONDS = 0.1
_LONGEST_BACKOFF_SECONDS = 1.0
R = TypeVar("R", bound=Message)


@dataclass(frozen=True, slots=True)
class EtcdTls:
    """Paths of PEM files: the CA that signed etcd's certificates, and the client certificate and key to show."""

    ca_file: str
    cert_file: str = ""
    key_file: str = ""

    def context(self) -> ssl.SSLContext:
        """The TLS of a connection. Raises OSError where a file cannot be read."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file or None)
        context.set_alpn_protocols(["h2"])
        return context


class _Member:
    """One etcd member: at most one connection, made anew with a back-off of 0.1 s to 1 s."""

    def __init__(self, endpoint: str, tls: ssl.SSLContext | None) -> None:
        scheme, _, address = endpoint.rpartition("://")
        self.address = address.rstrip("/")
        self.failure = "it does not answer"
        self._is_socket = scheme == "unix"
        self._tls = tls
        self._connection: Connection | None = None
        self._is_connecting = False
        self._next_attempt = 0.0
        self._backoff = _FIRST_BACKOFF_SECONDS
        self._headers: dict[str, bytes] = {}

    @property
    def connection(self) -> Connection | None:
        """The connection, where there is one that takes calls."""
        connection = self._connection
        return connection if connection is not None and connection.usable else None

    def headers(self, method: str) -> bytes:
        """What every call of a method (``KV/Txn``) begins with."""
        known = self._headers.get(method)
        if known is None:
            authority = "localhost" if self._is_socket else self.address
            known = self._headers[method] = header_block(
                f"/etcdserverpb.{method}", authority=authority, tls=self._tls is not None, metadata=_REQUIRE_LEADER
            )
        return known

    def connect(self, tasks: Tasks) -> None:
        """Begins to connect, unless that is under way, or failed a moment ago."""
        if not self._is_connecting and time.monotonic() >= self._next_attempt:
            self._is_connecting = True
            tasks.start("etcd-connect", self._connect())

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                self._connection = await self._open()
            self._backoff = _FIRST_BACKOFF_SECONDS
        except TimeoutError:
            self._failed("connecting took too long")
        except OSError as error:
            self._failed(str(error) or type(error).__name__)
        finally:
            self._is_connecting = False

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        if self._is_socket:
            _, connection = await loop.create_unix_connection(Connection, self.address)
            return connection
        host, _, port = self.address.rpartition(":")
        host = host.strip("[]")
        name = host if self._tls is not None else None
        _, connection = await loop.create_connection(Connection, host, int(port), ssl=self._tls, server_hostname=name)
        return connection

    def _failed(self, why: str) -> None:
        self.failure = why
        self._next_attempt = time.monotonic() + self._backoff
        self._backoff = min(self._backoff * 2, _LONGEST_BACKOFF_SECONDS)

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()


class EtcdCalls:
    """Connections to every member; a call goes to one that is connected, the one that served last by preference.

    ``endpoints`` are ``host:port`` or URLs; those of scheme ``https`` need ``tls``. Nothing connects before the first
    call. One event loop only.
    """

    def __init__(self, endpoints: Sequence[str], *, tls: EtcdTls | None, timeout: float) -> None:
        if not endpoints:
            raise ValueError("at least one etcd endpoint is needed")
        if tls is None and any(endpoint.startswith("https://") for endpoint in endpoints):
            raise ValueError("an https etcd endpoint needs a CA file")
        self.endpoints = tuple(endpoints)
        self.timeout = timeout
        self._tls = tls
        self._members: list[_Member] = []
        self._tasks = Tasks()
        self._active = 0

    async def call(self, method: str, request: Message, response: type[R], *, read_only: bool, timeout: float) -> R:
        """One answer. A call that only reads is tried again, until its time is over, when a connection breaks."""
        deadline = time.monotonic() + timeout
        message = request.SerializeToString()
        while True:
            member, connection = self._ready() or await self._connected(deadline)
            left = max(deadline - time.monotonic(), 0.001)
            try:
                return response.FromString(await connection.unary(member.headers(method), message, left))
            except DecodeError as error:
                raise StoreUnavailable(f"etcd's answer cannot be read: {error}") from None
            except RpcError as error:
                failure = store_error(error)
                if isinstance(failure, StoreUnavailable | StoreTimeout):
                    self._active = (self._members.index(member) + 1) % len(self._members)
                if not (read_only and isinstance(failure, StoreUnavailable) and time.monotonic() < deadline):
                    raise failure from error
                await asyncio.sleep(_FIRST_POLL_SECONDS)

    async def open_watch(self) -> StreamCall:
        """A ``Watch`` call, for messages both ways, on a connected member."""
        member, connection = self._ready() or await self._connected(time.monotonic() + self.timeout)
        try:
            return connection.stream(member.headers("Watch/Watch"))
        except RpcError as error:
            raise store_error(error) from error

    async def close(self) -> None:
        """Ends every connection; calls under way fail."""
        await self._tasks.cancel_all()
        members, self._members = self._members, []
        for member in members:
            member.close()

    def _ready(self) -> tuple[_Member, Connection] | None:
        """A member that is connected, the one that served last by preference."""
        for offset in range(len(self._members)):
            index = (self._active + offset) % len(self._members)
            member = self._members[index]
            if (connection := member.connection) is not None:
                self._active = index
                return member, connection
        return None

    async def _connected(self, deadline: float) -> tuple[_Member, Connection]:
        """A connected member, asking all to connect and waiting if none is."""
        if not self._members:
            context = self._tls.context() if self._tls is not None else None
            self._members = [_Member(endpoint, context) for endpoint in self.endpoints]
        delay = _FIRST_POLL_SECONDS
        while (found := self._ready()) is None:
            for member in self._members:
                member.connect(self._tasks)
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                failures = ", ".join(f"{member.address}: {member.failure}" for member in self._members)
                raise StoreUnavailable(f"etcd is not reachable at {failures}")
            await asyncio.sleep(min(delay, remaining))
            delay = min(delay * 1.5, _LONGEST_POLL_SECONDS)
        return found


def store_error(error: RpcError) -> StoreError:
    """Our error for one of etcd's; an answer that is not known is StoreUnavailable with etcd's words."""
    code, details = error.code, error.message
    if "database space exceeded" in details:
        return NoSpace(details)
    if "has been compacted" in details:
        return Compacted(0)
    if "is a future revision" in details:
        return FutureRevision()
    if "request is too large" in details or "larger than max" in details:
        return ValueTooLarge()
    if code == DEADLINE_EXCEEDED or "request timed out" in details:
        return StoreTimeout(details)
    return StoreUnavailable(f"gRPC status {code}: {details}")
