from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kubelet.spdy import connection as module
from kubelet.spdy.connection import Connection, Stream, StreamReset
from kubelet.spdy.frames import FrameReader, FrameWriter, GoAway, Ping, ProtocolError, RstStream, SynStream
from minikube_py.runtime.tasks import Tasks


class Pipe:
    """One end of a byte stream in memory."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self.peer: Pipe | None = None
        self.sent = b""

    async def read(self) -> bytes:
        return await self.incoming.get()

    async def write(self, data: bytes) -> None:
        self.sent += data
        if self.peer is not None:
            self.peer.incoming.put_nowait(data)

    def end(self) -> None:
        self.incoming.put_nowait(b"")


class Ends:
    def __init__(self) -> None:
        self.near, self.far = Pipe(), Pipe()
        self.near.peer, self.far.peer = self.far, self.near
        self.opened: asyncio.Queue[Stream] = asyncio.Queue()
        self.server = Connection(self.far, on_stream=self._opened)
        self.client = Connection(self.near, client=True)
        self.taken = True

    def _opened(self, stream: Stream) -> bool:
        self.opened.put_nowait(stream)
        return self.taken


@asynccontextmanager
async def connected() -> AsyncIterator[Ends]:
    ends, tasks = Ends(), Tasks()
    tasks.start("server", ends.server.run())
    tasks.start("client", ends.client.run())
    try:
        yield ends
    finally:
        await tasks.cancel_all()


async def everything(stream: Stream) -> bytes:
    pieces = []
    while data := await stream.read():
        pieces.append(data)
    return b"".join(pieces)


async def test_a_stream_carries_bytes_both_ways_and_each_half_ends_on_its_own() -> None:
    async with connected() as ends:
        ours = await ends.client.open({"streamtype": "data", "port": "80"})
        theirs = await ends.opened.get()
        assert theirs.headers == {"streamtype": "data", "port": "80"}
        await ours.write(b"question" * 50_000)
        await ours.close_write()
        assert await everything(theirs) == b"question" * 50_000
        await theirs.write(b"answer")
        await theirs.close_write()
        assert await everything(ours) == b"answer"


async def test_many_streams_do_not_mix() -> None:
    async with connected() as ends:
        streams = [await ends.client.open({"n": str(n)}) for n in range(50)]
        for n, stream in enumerate(streams):
            await stream.write(b"%d" % n)
            await stream.close_write()
        for _ in streams:
            theirs = await ends.opened.get()
            assert (await everything(theirs)).decode() == theirs.headers["n"]


async def test_a_reset_ends_both_halves() -> None:
    async with connected() as ends:
        ours = await ends.client.open({})
        theirs = await ends.opened.get()
        await ours.reset()
        with pytest.raises(StreamReset):
            await theirs.read()
        with pytest.raises(StreamReset):
            await theirs.write(b"too late")


async def test_a_stream_that_is_not_taken_is_refused() -> None:
    async with connected() as ends:
        ends.taken = False
        ours = await ends.client.open({})
        with pytest.raises(StreamReset):
            await ours.read()


async def test_an_unread_stream_stops_the_connection_until_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STREAM_BUFFER_BYTES", 1000)
    async with connected() as ends:
        slow = await ends.client.open({})
        theirs = await ends.opened.get()
        for _ in range(10):
            await slow.write(b"x" * 1000)
        await slow.close_write()
        for _ in range(20):
            await asyncio.sleep(0)
        assert theirs.held == 1000
        assert ends.far.incoming.qsize() == 10
        assert len(await everything(theirs)) == 10_000


async def test_a_discarded_stream_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STREAM_BUFFER_BYTES", 10)
    async with connected() as ends:
        ours = await ends.client.open({})
        theirs = await ends.opened.get()
        theirs.discard()
        await ours.write(b"x" * 100)
        await ours.close_write()
        assert await everything(theirs) == b""


async def test_pings_of_the_peer_come_back_and_ours_do_not() -> None:
    pipe, writer = Pipe(), FrameWriter()
    pipe.incoming.put_nowait(writer.encode(Ping(1)) + writer.encode(Ping(2)))
    pipe.end()
    await Connection(pipe).run()
    assert list(FrameReader().feed(pipe.sent)) == [Ping(1)]


async def test_a_peer_that_goes_away_is_left_once_its_streams_have_ended() -> None:
    pipe, writer = Pipe(), FrameWriter()
    pipe.incoming.put_nowait(writer.encode(SynStream(1, {})) + writer.encode(GoAway(0, 0)))
    server = Connection(pipe, on_stream=lambda _: True)
    running = asyncio.ensure_future(server.run())
    await asyncio.sleep(0)
    assert not running.done()
    pipe.incoming.put_nowait(writer.encode(RstStream(1, 5)))
    await running
    assert server.ended


async def test_a_broken_protocol_ends_the_connection_and_the_peer_is_told() -> None:
    pipe, writer = Pipe(), FrameWriter()
    pipe.incoming.put_nowait(writer.encode(SynStream(3, {})) + writer.encode(SynStream(1, {})))
    with pytest.raises(ProtocolError, match="stream id 1 after 3"):
        await Connection(pipe, on_stream=lambda _: True).run()
    assert list(FrameReader().feed(pipe.sent))[-1] == GoAway(3, 1)


async def test_streams_end_with_their_connection() -> None:
    async with connected() as ends:
        ours = await ends.client.open({})
        theirs = await ends.opened.get()
        ends.far.end()
        with pytest.raises(StreamReset):
            await theirs.read()
        ends.near.end()
        with pytest.raises(StreamReset):
            await ours.read()
