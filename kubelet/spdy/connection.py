"""One SPDY connection over a byte stream: the adapter between frames and coroutines, for either side.

Flow control is the byte stream's own. The Go clients of Kubernetes (``moby/spdystream``) never send WINDOW_UPDATE, and
never heed it, so windows are neither kept nor waited for: a reader that falls behind stops the whole connection from
being read, and a peer that falls behind stops everything from being written.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from kubelet.spdy.frames import (
    CANCEL,
    GOAWAY_OK,
    GOAWAY_PROTOCOL_ERROR,
    INVALID_STREAM,
    LONGEST_DATA_FRAME,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    Data,
    Frame,
    FrameReader,
    FrameWriter,
    GoAway,
    Headers,
    MoreHeaders,
    Ping,
    ProtocolError,
    RstStream,
    SynReply,
    SynStream,
)

STREAM_BUFFER_BYTES: Final = 1024 * 1024
"""What a stream may hold unread before the connection is read no further."""
CONNECTION_BUFFER_BYTES: Final = 16 * 1024 * 1024
"""What all streams may hold together."""
MAX_STREAMS: Final = 2048
"""How many streams a peer may have open; more are refused."""
IDLE_SECONDS: Final = 4 * 3600.0
"""How long a connection may be silent both ways, as upstream's ``streamingConnectionIdleTimeout``."""


class ByteStream(Protocol):
    """What a connection runs over."""

    async def read(self) -> bytes:
        """The next bytes, as they come; empty at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Returns when there is room for more. Raises ConnectionError once the peer has gone."""
        ...


class StreamReset(ConnectionError):
    """The peer has ended the stream, or the connection has ended under it."""


class Stream:
    """Bytes both ways, each half ended on its own. Made by :class:`Connection`."""

    def __init__(self, connection: Connection, stream_id: int, headers: Headers) -> None:
        self.id = stream_id
        self.headers = headers
        self._connection = connection
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._arrived = asyncio.Event()
        self._discards = False
        self.read_ended = False
        """Whether the peer sends no more."""
        self.write_ended = False
        """Whether this side sends no more."""
        self.was_reset = False

    async def read(self) -> bytes:
        """The next bytes; empty at the end. Raises StreamReset where the stream did not end in order."""
        while not self._pieces:
            if self.was_reset:
                raise StreamReset("the stream was reset")
            if self.read_ended:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = self._pieces.popleft()
        self._held -= len(data)
        self._connection.took(len(data))
        return data

    async def write(self, data: bytes) -> None:
        """Sends, in as many frames as it takes. Raises StreamReset, or ConnectionError."""
        for start in range(0, len(data), LONGEST_DATA_FRAME):
            if self.was_reset or self.write_ended:
                raise StreamReset("the stream has ended")
            await self._connection.send(Data(self.id, data[start : start + LONGEST_DATA_FRAME]))

    async def close_write(self) -> None:
        """Tells the peer that no more comes. Idempotent; raises ConnectionError."""
        if self.write_ended or self.was_reset:
            return
        self.write_ended = True
        await self._connection.send(Data(self.id, b"", fin=True))
        self._connection.forget_if_ended(self)

    async def reset(self, status: int = CANCEL) -> None:
        """Ends both halves at once. Idempotent; raises ConnectionError."""
        if self.was_reset or (self.read_ended and self.write_ended):
            return
        self.cut_off()
        await self._connection.send(RstStream(self.id, status))

    def discard(self) -> None:
        """Throws away what the peer sends from now on, and has sent."""
        self._discards = True
        self._drop()

    @property
    def held(self) -> int:
        """Bytes that have come and have not been read."""
        return self._held

    def arrived(self, data: bytes, *, fin: bool) -> None:
        """Takes what the peer has sent; for the connection."""
        if data and not self._discards and not self.was_reset:
            self._pieces.append(data)
            self._held += len(data)
            self._connection.keeps(len(data))
        if fin:
            self.read_ended = True
            self._connection.forget_if_ended(self)
        self._arrived.set()

    def cut_off(self) -> None:
        """Ends both halves without a word; for the connection. What has come can still be read."""
        self.was_reset = True
        self._connection.forget(self)
        self._arrived.set()

    def _drop(self) -> None:
        self._pieces.clear()
        self._connection.took(self._held)
        self._held = 0


class Connection:
    """Either side of a SPDY connection.

    ``on_stream`` is called for each stream that the peer opens, and says whether it is taken; others are refused.
    """

    def __init__(
        self,
        transport: ByteStream,
        *,
        on_stream: Callable[[Stream], bool] | None = None,
        client: bool = False,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._transport = transport
        self._on_stream = on_stream
        self._parity = 1 if client else 0
        self._next_id = 1 if client else 2
        self._highest_seen = 0
        self._streams: dict[int, Stream] = {}
        self._writer = FrameWriter()
        self._write_lock = asyncio.Lock()
        self._held = 0
        self._room = asyncio.Event()
        self._room.set()
        self._idle_seconds = idle_seconds
        self._sent_something = False
        self._going_away = False
        self.ended = False
        """Whether nothing more will be read."""

    async def run(self) -> None:
        """Reads until the peer has gone, has sent GOAWAY and its streams have ended, or has broken the protocol."""
        reader = FrameReader()
        try:
            while (received := await self._read()) != b"":
                for frame in reader.feed(received):
                    await self._take(frame)
                if self._going_away and not self._streams:
                    return
                while self._is_full():
                    self._room.clear()
                    await self._room.wait()
        except ProtocolError:
            with contextlib.suppress(ConnectionError):
                await self.send(GoAway(self._highest_seen, GOAWAY_PROTOCOL_ERROR))
            raise
        except ConnectionError:
            return
        finally:
            self.ended = True
            for stream in list(self._streams.values()):
                stream.cut_off()

    async def _read(self) -> bytes:
        while True:
            self._sent_something = False
            try:
                async with asyncio.timeout(self._idle_seconds):
                    return await self._transport.read()
            except TimeoutError:
                if not self._sent_something:
                    return b""

    async def open(self, headers: Headers, *, fin: bool = False) -> Stream:
        """A new stream; what it carries may be sent at once. Raises ConnectionError."""
        stream = Stream(self, self._next_id, headers)
        self._next_id += 2
        stream.write_ended = fin
        self._streams[stream.id] = stream
        await self.send(SynStream(stream.id, headers, fin))
        return stream

    async def go_away(self) -> None:
        """Tells the peer that the connection ends. Raises ConnectionError."""
        await self.send(GoAway(self._highest_seen, GOAWAY_OK))

    async def send(self, frame: Frame) -> None:
        """Sends one frame. Raises ConnectionError."""
        async with self._write_lock:
            self._sent_something = True
            await self._transport.write(self._writer.encode(frame))

    async def _take(self, frame: Frame) -> None:
        match frame:
            case SynStream():
                await self._opened(frame)
            case Data(stream_id, data, fin):
                stream = self._streams.get(stream_id)
                if stream is not None:
                    if stream.read_ended:
                        await stream.reset(PROTOCOL_ERROR)
                    else:
                        stream.arrived(data, fin=fin)
                elif stream_id > self._highest_seen and stream_id % 2 != self._parity:
                    await self.send(RstStream(stream_id, INVALID_STREAM))
            case SynReply(stream_id, _, fin) | MoreHeaders(stream_id, _, fin):
                stream = self._streams.get(stream_id)
                if stream is not None and fin:
                    stream.arrived(b"", fin=True)
            case RstStream(stream_id):
                stream = self._streams.get(stream_id)
                if stream is not None:
                    stream.cut_off()
            case GoAway():
                self._going_away = True
            case Ping(ping_id):
                if ping_id % 2 != self._parity:
                    await self.send(frame)

    async def _opened(self, frame: SynStream) -> None:
        if frame.stream_id % 2 == self._parity or frame.stream_id <= self._highest_seen:
            raise ProtocolError(f"stream id {frame.stream_id} after {self._highest_seen}")
        self._highest_seen = frame.stream_id
        stream = Stream(self, frame.stream_id, frame.headers)
        stream.read_ended = frame.fin
        stream.write_ended = frame.unidirectional
        if self._on_stream is None or len(self._streams) >= MAX_STREAMS or not self._on_stream(stream):
            await self.send(RstStream(frame.stream_id, REFUSED_STREAM))
            return
        self._streams[stream.id] = stream
        # spdystream drops data that comes before the reply. This is first in line for the lock of writers.
        await self.send(SynReply(stream.id, {}))

    def _is_full(self) -> bool:
        if self._held < STREAM_BUFFER_BYTES:
            return False
        return self._held >= CONNECTION_BUFFER_BYTES or any(
            stream.held >= STREAM_BUFFER_BYTES for stream in self._streams.values()
        )

    def keeps(self, count: int) -> None:
        """A stream holds so many bytes more; for streams."""
        self._held += count

    def took(self, count: int) -> None:
        """So many bytes have been read from a stream; for streams."""
        self._held -= count
        self._room.set()

    def forget(self, stream: Stream) -> None:
        """The stream has ended; for streams."""
        self._streams.pop(stream.id, None)
        self._room.set()

    def forget_if_ended(self, stream: Stream) -> None:
        """The stream has ended where both its halves have; for streams."""
        if stream.read_ended and stream.write_ended:
            self.forget(stream)
