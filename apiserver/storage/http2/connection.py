"""One HTTP/2 connection to a gRPC server, shared by any number of calls."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import cast
from urllib.parse import unquote

from apiserver.storage.http2 import frames, hpack
from apiserver.storage.http2.calls import (
    DEADLINE_EXCEEDED,
    INTERNAL,
    UNAVAILABLE,
    UNKNOWN,
    RpcError,
    StreamCall,
    UnaryCall,
    prefixed,
)
from apiserver.storage.http2.frames import FrameType, ProtocolError

STREAM_WINDOW = 16 * 1024 * 1024
"""Bytes that the peer may send of one call before they are read; larger than any message of etcd."""
PING_SECONDS = 30.0
PING_TIMEOUT_SECONDS = 10.0
_CODES_OF_HTTP = {"401": 16, "403": 7, "404": 12, "429": UNAVAILABLE, "502": UNAVAILABLE, "503": UNAVAILABLE}
"""What an HTTP status stands for where a proxy answers instead of the gRPC server."""


def header_block(method: str, *, authority: str, tls: bool, metadata: Sequence[tuple[str, str]] = ()) -> bytes:
    """The headers that begin every call of a method (``/etcdserverpb.KV/Txn``)."""
    return hpack.encode(
        (
            (":method", "POST"),
            (":scheme", "https" if tls else "http"),
            (":path", method),
            (":authority", authority),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            *metadata,
        )
    )


class _Stream:
    __slots__ = ("blocked", "call", "ends", "headers", "status", "unused", "window")

    def __init__(self, call: UnaryCall | StreamCall, window: int) -> None:
        self.call = call
        self.window = window
        self.blocked = b""
        """What is still to be sent when the peer's windows allow."""
        self.ends = False
        """Whether our side of the stream ends with ``blocked``."""
        self.headers = b""
        self.status = ""
        self.unused = 0
        """Received bytes that the peer has not been allowed anew."""


class Connection(asyncio.Protocol):
    """Calls over one connection, from its making to its loss; one event loop only.

    Every call ends: with an answer, an RpcError from the peer, or one of status UNAVAILABLE when the connection is lost
    or goes silent for 40 s while calls are under way. More calls at once than the peer allows wait for their turn.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = frames.FrameReader()
        self._streams: dict[int, _Stream] = {}
        self._next_stream = 1
        self._window = frames.DEFAULT_WINDOW
        self._initial_window = frames.DEFAULT_WINDOW
        self._largest_frame = frames.DEFAULT_FRAME_BYTES
        self._most_streams = 1 << 31
        self._blocked: deque[int] = deque()
        self._queued: deque[asyncio.Future[None]] = deque()
        self._continued: tuple[int, int] | None = None
        self._unused = 0
        self._heard = self._pinged = False
        self._keepalive: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self._outgoing: list[bytes] = []
        self.usable = False
        """Whether new calls may be made."""

    # What callers use

    async def unary(self, headers: bytes, message: bytes, timeout: float) -> bytes:
        """One answer. Raises RpcError, of status DEADLINE_EXCEEDED after ``timeout`` seconds."""
        if len(self._streams) >= self._most_streams:
            await self._turn(timeout)
        if not self.usable:
            raise RpcError(UNAVAILABLE, "the connection is closed")
        call = UnaryCall(self._loop.create_future())
        number = self._begin(call, headers, prefixed(message), ends=True)
        call.timer = self._loop.call_later(timeout, call.ended, DEADLINE_EXCEEDED, "no answer in time")
        try:
            return await call.future
        finally:
            if number in self._streams:
                self._reset(number)

    def stream(self, headers: bytes) -> StreamCall:
        """A call with messages both ways. Raises RpcError where the peer allows no more calls."""
        if not self.usable or len(self._streams) >= self._most_streams:
            raise RpcError(UNAVAILABLE, "the connection takes no more calls")
        number = self._next_stream
        call = StreamCall(
            lambda data: self._send(number, data),
            lambda size: self._credit(number, size),
            lambda: self._reset(number),
        )
        self._begin(call, headers, b"", ends=False)
        return call

    def close(self) -> None:
        """Ends the connection and every call on it."""
        self._end("the connection was closed")

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the preface; calls may follow at once."""
        self._transport = cast(asyncio.Transport, transport)
        self.usable = True
        self._write(
            frames.PREFACE
            + frames.settings(
                {
                    frames.HEADER_TABLE_SIZE: 0,
                    frames.ENABLE_PUSH: 0,
                    frames.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                }
            )
            + frames.window_update(0, frames.LARGEST_WINDOW - frames.DEFAULT_WINDOW)
        )
        self._keepalive = self._loop.call_later(PING_SECONDS, self._keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fails what is under way."""
        self._end(f"the connection was lost: {exc}" if exc else "the connection was closed by the peer")

    def data_received(self, data: bytes) -> None:
        """Takes what has arrived."""
        self._heard = True
        try:
            for kind, flags, stream, payload in self._reader.feed(data):
                self._take(kind, flags, stream, payload)
        except (ProtocolError, hpack.HeaderError) as error:
            self._end(f"the peer does not keep to the protocol: {error}")

    # Sending

    def _write(self, data: bytes) -> None:
        """Sends what is written in one turn of the event loop at its end, with one system call."""
        if not self._outgoing:
            self._loop.call_soon(self._write_out)
        self._outgoing.append(data)

    def _write_out(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if not self._transport.is_closing():
            self._transport.write(b"".join(outgoing))

    def _begin(self, call: UnaryCall | StreamCall, headers: bytes, data: bytes, *, ends: bool) -> int:
        number = self._next_stream
        self._next_stream += 2
        if self._next_stream >= frames.LARGEST_WINDOW:
            self.usable = False
        stream = self._streams[number] = _Stream(call, self._initial_window)
        opening = frames.frame(FrameType.HEADERS, frames.END_HEADERS, number, headers)
        if len(data) <= min(self._window, stream.window, self._largest_frame) and not self._blocked and ends:
            # Almost every call is this one: headers and all data in one write.
            self._window -= len(data)
            self._write(opening + frames.frame(FrameType.DATA, frames.END_STREAM, number, data))
            return number
        self._write(opening)
        stream.ends = ends
        if data:
            self._send(number, data)
        return number

    async def _turn(self, timeout: float) -> None:
        """Waits until the peer allows one more call, or the connection ends."""
        try:
            async with asyncio.timeout(timeout):
                while self.usable and len(self._streams) >= self._most_streams:
                    turn: asyncio.Future[None] = self._loop.create_future()
                    self._queued.append(turn)
                    await turn
        except TimeoutError:
            raise RpcError(DEADLINE_EXCEEDED, "the peer allows no more calls at once") from None

    def _send(self, number: int, data: bytes) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.blocked += data
        if number not in self._blocked:
            self._blocked.append(number)
        self._flush()

    def _flush(self) -> None:
        """Sends what the peer's windows allow, in the order in which it came."""
        waiting: list[int] = []
        while self._blocked and self._window > 0:
            number = self._blocked.popleft()
            stream = self._streams.get(number)
            if stream is None:
                continue
            while stream.blocked and (size := min(self._window, stream.window, self._largest_frame)) > 0:
                part, stream.blocked = stream.blocked[:size], stream.blocked[size:]
                self._window -= len(part)
                stream.window -= len(part)
                flags = frames.END_STREAM if stream.ends and not stream.blocked else 0
                self._write(frames.frame(FrameType.DATA, flags, number, part))
            if stream.blocked:
                waiting.append(number)
        self._blocked.extendleft(reversed(waiting))

    def _reset(self, number: int) -> None:
        if self._streams.pop(number, None) is not None and not self._transport.is_closing():
            self._write(frames.frame(FrameType.RST_STREAM, 0, number, frames.CANCEL.to_bytes(4, "big")))
            self._give_turns()

    def _give_turns(self) -> None:
        """Awakens those who wait for a turn, as many as there may be room for."""
        room = len(self._queued) if not self.usable else self._most_streams - len(self._streams)
        while self._queued and room > 0:
            turn = self._queued.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1

    def _credit(self, number: int, size: int) -> None:
        """Lets the peer send ``size`` bytes more of a call, told once a quarter of the window is used up."""
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.unused += size
        if stream.unused >= STREAM_WINDOW // 4:
            self._write(frames.window_update(number, stream.unused))
            stream.unused = 0

    # Receiving

    def _take(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if self._continued is not None and kind != FrameType.CONTINUATION:
            raise ProtocolError("headers are not continued")
        if kind == FrameType.DATA:
            self._take_data(flags, number, payload)
        elif kind == FrameType.HEADERS:
            self._take_headers(flags, number, frames.unpadded(flags, payload), flags)
        elif kind == FrameType.WINDOW_UPDATE:
            self._take_window(number, int.from_bytes(payload, "big") & frames.LARGEST_WINDOW)
        elif kind == FrameType.PING:
            if not flags & frames.ACK:
                self._write(frames.frame(FrameType.PING, frames.ACK, 0, payload))
        elif kind == FrameType.SETTINGS:
            if not flags & frames.ACK:
                self._take_settings(payload)
        elif kind == FrameType.RST_STREAM:
            code = int.from_bytes(payload, "big")
            self._finish(number, UNAVAILABLE, f"the peer reset the call with HTTP/2 error {code}")
        elif kind == FrameType.GOAWAY:
            self._take_goaway(payload)
        elif kind == FrameType.CONTINUATION:
            if self._continued is None or self._continued[0] != number:
                raise ProtocolError("a continuation continues nothing")
            self._take_headers(flags, number, payload, self._continued[1])
        elif kind == FrameType.PUSH_PROMISE:
            raise ProtocolError("a push was not asked for")

    def _take_data(self, flags: int, number: int, payload: bytes) -> None:
        self._unused += len(payload)
        if self._unused >= frames.LARGEST_WINDOW // 4:
            self._write(frames.window_update(0, self._unused))
            self._unused = 0
        stream = self._streams.get(number)
        if stream is None:
            return
        data = frames.unpadded(flags & ~frames.PRIORITY, payload) if flags & frames.PADDED else payload
        free = stream.call.received(data) + len(payload) - len(data)
        if free:
            self._credit(number, free)
        if flags & frames.END_STREAM:
            self._finish(number, INTERNAL, "the answer has no status")

    def _take_headers(self, flags: int, number: int, block: bytes, first_flags: int) -> None:
        stream = self._streams.get(number)
        headers = (stream.headers if stream is not None else b"") + block
        if not flags & frames.END_HEADERS:
            self._continued = (number, first_flags)
            if stream is not None:
                stream.headers = headers
            return
        self._continued = None
        if stream is None:
            return
        stream.headers = b""
        found = dict(hpack.decode(headers))
        stream.status = found.get(":status", stream.status)
        if first_flags & frames.END_STREAM:
            self._finish(number, *_outcome(found, stream.status))

    def _take_window(self, number: int, size: int) -> None:
        if not number:
            self._window += size
        elif (stream := self._streams.get(number)) is not None:
            stream.window += size
        if self._blocked:
            self._flush()

    def _take_settings(self, payload: bytes) -> None:
        for key, value in frames.read_settings(payload):
            if key == frames.INITIAL_WINDOW_SIZE:
                for stream in self._streams.values():
                    stream.window += value - self._initial_window
                self._initial_window = value
            elif key == frames.MAX_FRAME_SIZE:
                self._largest_frame = value
            elif key == frames.MAX_CONCURRENT_STREAMS:
                self._most_streams = value
        self._write(frames.frame(FrameType.SETTINGS, frames.ACK, 0, b""))
        self._give_turns()
        self._flush()

    def _take_goaway(self, payload: bytes) -> None:
        """No more calls; those that the peer will not look at fail, the others go on."""
        self.usable = False
        last = int.from_bytes(payload[:4], "big") & frames.LARGEST_WINDOW
        reason = payload[8:].decode("utf-8", "replace")
        for number in [number for number in self._streams if number > last]:
            self._finish(number, UNAVAILABLE, f"the peer goes away: {reason}")
        if not self._streams:
            self._end("the peer went away")

    def _finish(self, number: int, code: int, message: str) -> None:
        stream = self._streams.pop(number, None)
        if stream is None:
            return
        stream.call.ended(code, message)
        if self._queued:
            self._give_turns()
        if not self.usable and not self._streams:
            self._end("the connection is no longer used")

    def _keep_alive(self) -> None:
        if self._pinged and not self._heard:
            self._end("the peer does not answer a ping")
            return
        self._pinged = bool(self._streams) and not self._heard
        self._heard = False
        if self._pinged:
            self._write(frames.frame(FrameType.PING, 0, 0, b"minikube"))
        self._keepalive = self._loop.call_later(
            PING_TIMEOUT_SECONDS if self._pinged else PING_SECONDS, self._keep_alive
        )

    def _end(self, why: str) -> None:
        self.usable = False
        if self._keepalive is not None:
            self._keepalive.cancel()
        self._transport.abort()
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.call.ended(UNAVAILABLE, why)
        self._give_turns()


def _outcome(headers: dict[str, str], http_status: str) -> tuple[int, str]:
    """The gRPC status and message of a call's last headers."""
    status = headers.get("grpc-status", "")
    if status.isdigit():
        return int(status), unquote(headers.get("grpc-message", "")) if status != "0" else ""
    code = _CODES_OF_HTTP.get(http_status, UNKNOWN)
    return code, f"the answer has no gRPC status, its HTTP status is {http_status}"
