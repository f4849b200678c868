"""Calls to etcd over gRPC: channels, fail-over between members, time-outs, and etcd's errors as ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import Message

from apiserver.storage.proto import etcd_pb2 as pb
from apiserver.storage.store import (
    Compacted,
    FutureRevision,
    NoSpace,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    ValueTooLarge,
)

DEFAULT_TIMEOUT_SECONDS = 5.0
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
)
_REQUIRE_LEADER = (("hasleader", "true"),)
_FIRST_POLL_SECONDS = 0.005
_LONGEST_POLL_SECONDS = 0.1
_PROBE_SECONDS = 0.5
_RESPONSES: dict[str, type[Message]] = {
    "KV/Range": pb.RangeResponse,
    "KV/Txn": pb.TxnResponse,
    "KV/Compact": pb.CompactionResponse,
    "Lease/LeaseGrant": pb.LeaseGrantResponse,
    "Lease/LeaseRevoke": pb.LeaseRevokeResponse,
    "Maintenance/Status": pb.StatusResponse,
    "Maintenance/Alarm": pb.AlarmResponse,
    "Maintenance/Defragment": pb.DefragmentResponse,
}
R = TypeVar("R", bound=Message)


@dataclass(frozen=True, slots=True)
class EtcdTls:
    """Paths of PEM files: the CA that signed etcd's certificates, and the client certificate and key to show."""

    ca_file: str
    cert_file: str = ""
    key_file: str = ""

    def credentials(self) -> grpc.ChannelCredentials:
        """gRPC's form of it. Raises OSError where a file cannot be read."""
        return grpc.ssl_channel_credentials(
            root_certificates=Path(self.ca_file).read_bytes(),
            private_key=Path(self.key_file).read_bytes() if self.key_file else None,
            certificate_chain=Path(self.cert_file).read_bytes() if self.cert_file else None,
        )


class EtcdCalls:
    """Channels to every member; a call goes to one that is connected, the one that served last by preference.

    ``endpoints`` are ``host:port`` or URLs; those of scheme ``https`` need ``tls``. Nothing connects before the first
    call. One event loop only.
    """

    def __init__(self, endpoints: Sequence[str], *, tls: EtcdTls | None, timeout: float) -> None:
        if not endpoints:
            raise ValueError("at least one etcd endpoint is needed")
        if tls is None and any(endpoint.startswith("https://") for endpoint in endpoints):
            raise ValueError("an https etcd endpoint needs a CA file")
        self.endpoints = tuple(endpoint.rpartition("://")[2].rstrip("/") for endpoint in endpoints)
        self.timeout = timeout
        self._tls = tls
        self._channels: list[grpc.aio.Channel] = []
        self._methods: dict[tuple[int, str], Callable[..., Any]] = {}
        self._active = 0

    async def call(self, method: str, request: Message, response: type[R], *, read_only: bool, timeout: float) -> R:
        """One answer. A call that only reads is tried again, until its time is over, when a connection breaks."""
        deadline = time.monotonic() + timeout
        while True:
            index = await self._connected(deadline)
            try:
                answer = await self._unary(index, method)(
                    request, timeout=max(deadline - time.monotonic(), 0.001), metadata=_REQUIRE_LEADER
                )
            except grpc.aio.AioRpcError as error:
                failure = store_error(error)
                if isinstance(failure, StoreUnavailable | StoreTimeout):
                    self._active = (index + 1) % len(self.endpoints)
                if not (read_only and isinstance(failure, StoreUnavailable) and time.monotonic() < deadline):
                    raise failure from error
                await asyncio.sleep(_FIRST_POLL_SECONDS)
            else:
                return cast(R, answer)

    async def open_watch(self) -> Any:
        """A bidirectional ``Watch`` stream on a connected member, as a ``grpc.aio.StreamStreamCall``."""
        index = await self._connected(time.monotonic() + self.timeout)
        opened = self._channels[index].stream_stream(
            "/etcdserverpb.Watch/Watch",
            request_serializer=pb.WatchRequest.SerializeToString,
            response_deserializer=pb.WatchResponse.FromString,
        )
        return opened(metadata=_REQUIRE_LEADER)

    async def close(self) -> None:
        """Ends every connection; calls under way fail."""
        channels, self._channels = self._channels, []
        self._methods.clear()
        await asyncio.gather(*(channel.close() for channel in channels))

    async def _connected(self, deadline: float) -> int:
        """The index of a connected channel, asking all to connect and waiting if none is."""
        if not self._channels:
            self._channels = [self._channel(endpoint) for endpoint in self.endpoints]
        delay = _FIRST_POLL_SECONDS
        while True:
            for offset in range(len(self._channels)):
                index = (self._active + offset) % len(self._channels)
                if self._channels[index].get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY:
                    self._active = index
                    return index
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise StoreUnavailable(f"etcd is not reachable at {', '.join(self.endpoints)}: {await self._why_not()}")
            await asyncio.sleep(min(delay, remaining))
            delay = min(delay * 1.5, _LONGEST_POLL_SECONDS)

    async def _why_not(self) -> str:
        """What the preferred channel says of its failure (refused, a certificate that has expired, …)."""
        probe = self._unary(self._active, "Maintenance/Status")
        try:
            await probe(pb.StatusRequest(), timeout=_PROBE_SECONDS)
        except grpc.aio.AioRpcError as error:
            return str(error.details() or error.code().name)
        return "it has only now become so"

    def _channel(self, endpoint: str) -> grpc.aio.Channel:
        if self._tls is None:
            return grpc.aio.insecure_channel(endpoint, options=_CHANNEL_OPTIONS)
        return grpc.aio.secure_channel(endpoint, self._tls.credentials(), options=_CHANNEL_OPTIONS)

    def _unary(self, index: int, method: str) -> Callable[..., Any]:
        known = self._methods.get((index, method))
        if known is None:
            known = self._methods[index, method] = self._channels[index].unary_unary(
                f"/etcdserverpb.{method}",
                request_serializer=_serialize,
                response_deserializer=cast(Any, _RESPONSES[method]).FromString,
            )
        return known


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def store_error(error: grpc.aio.AioRpcError) -> StoreError:
    """Our error for one of etcd's; an answer that is not known is StoreUnavailable with etcd's words."""
    code, details = error.code(), error.details() or ""
    if "database space exceeded" in details:
        return NoSpace(details)
    if "has been compacted" in details:
        return Compacted(0)
    if "is a future revision" in details:
        return FutureRevision()
    if "request is too large" in details or "larger than max" in details:
        return ValueTooLarge()
    if code is grpc.StatusCode.DEADLINE_EXCEEDED or "request timed out" in details:
        return StoreTimeout(details)
    return StoreUnavailable(f"{code.name}: {details}")
