"""A connection against a peer that says, frame by frame, what the test wants it to say."""

import asyncio

import pytest

from apiserver.storage.http2 import frames, hpack
from apiserver.storage.http2.calls import (
    DEADLINE_EXCEEDED,
    INTERNAL,
    RESOURCE_EXHAUSTED,
    UNAVAILABLE,
    UNKNOWN,
    RpcError,
    prefixed,
)
from apiserver.storage.http2.connection import STREAM_WINDOW, Connection, header_block
from apiserver.storage.http2.frames import FrameType

HEADERS = header_block("/etcdserverpb.KV/Txn", authority="etcd:2379", tls=False)
OPENING = hpack.encode([(":status", "200"), ("content-type", "application/grpc")])
OK = hpack.encode([("grpc-status", "0")])


class Transport:
    def __init__(self):
        self.reader = frames.FrameReader()
        self.sent = []
        self.aborted = False
        self.preface = b""
        self.connection = None

    def write(self, data):
        if data and not self.preface:
            self.preface, data = data[: len(frames.PREFACE)], data[len(frames.PREFACE) :]
        self.sent += self.reader.feed(data)

    def is_closing(self):
        return self.aborted

    def abort(self):
        self.aborted = True

    def take(self, *kinds):
        """What was sent since, of these types."""
        if self.connection is not None:
            self.connection._write_out()
        taken, self.sent = [f for f in self.sent if not kinds or f[0] in kinds], []
        return taken


@pytest.fixture
def transport():
    return Transport()


@pytest.fixture
async def connection(transport):
    made = Connection()
    made.connection_made(transport)
    transport.connection = made
    transport.take()
    yield made
    made.close()


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


def answer(number, message, trailers=OK):
    return (
        frames.frame(FrameType.HEADERS, frames.END_HEADERS, number, OPENING)
        + frames.frame(FrameType.DATA, 0, number, prefixed(message))
        + frames.frame(FrameType.HEADERS, frames.END_HEADERS | frames.END_STREAM, number, trailers)
    )


def failing(number, *headers):
    block = hpack.encode([(":status", "200"), *headers])
    return frames.frame(FrameType.HEADERS, frames.END_HEADERS | frames.END_STREAM, number, block)


async def begin(connection, message=b"question", timeout=60):
    task = asyncio.create_task(connection.unary(HEADERS, message, timeout))
    await settle()
    return task


async def test_it_begins_with_the_preface_and_no_header_table(transport):
    made = Connection()
    made.connection_made(transport)
    await settle()
    assert transport.preface == frames.PREFACE
    (_, _, _, payload), *_ = transport.take(FrameType.SETTINGS)
    assert dict(frames.read_settings(payload))[frames.HEADER_TABLE_SIZE] == 0
    made.close()


async def test_a_call_is_headers_and_one_message_and_its_answer_one_message(connection, transport):
    call = await begin(connection)
    headers, data = transport.take()
    assert headers == (FrameType.HEADERS, frames.END_HEADERS, 1, HEADERS)
    assert data == (FrameType.DATA, frames.END_STREAM, 1, prefixed(b"question"))
    connection.data_received(answer(1, b"answer"))
    assert await call == b"answer"


async def test_answers_may_come_in_any_order_and_any_pieces(connection):
    first, second = await begin(connection), await begin(connection)
    for byte in answer(3, b"second") + answer(1, b"first"):
        connection.data_received(bytes((byte,)))
    assert (await first, await second) == (b"first", b"second")


@pytest.mark.parametrize(
    ("arrives", "code", "message"),
    [
        pytest.param(
            failing(1, ("grpc-status", "8"), ("grpc-message", "no%20space")),
            RESOURCE_EXHAUSTED,
            "no space",
            id="status",
        ),
        pytest.param(failing(1), UNKNOWN, "HTTP status is 200", id="no status at all"),
        pytest.param(
            frames.frame(FrameType.HEADERS, 5, 1, hpack.encode([(":status", "503")])),
            UNAVAILABLE,
            "503",
            id="a proxy's",
        ),
        pytest.param(frames.frame(FrameType.RST_STREAM, 0, 1, b"\0\0\0\x07"), UNAVAILABLE, "error 7", id="a reset"),
        pytest.param(
            frames.frame(FrameType.DATA, frames.END_STREAM, 1, prefixed(b"x")), INTERNAL, "no status", id="no trailers"
        ),
        pytest.param(answer(1, b"a")[:-3], UNAVAILABLE, "lost", id="a connection that is lost in the answer"),
        pytest.param(
            frames.frame(FrameType.GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\0bye"), UNAVAILABLE, "goes away: bye", id="goaway"
        ),
        pytest.param(
            frames.frame(FrameType.HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff\xff"), UNAVAILABLE, "keep", id="junk"
        ),
        pytest.param(frames.frame(FrameType.PUSH_PROMISE, 0, 1, b""), UNAVAILABLE, "push", id="a push"),
    ],
)
async def test_a_call_that_fails_says_why(connection, arrives, code, message):
    call = await begin(connection)
    connection.data_received(arrives)
    connection.connection_lost(OSError("lost"))
    with pytest.raises(RpcError, match=message) as caught:
        await call
    assert caught.value.code == code


async def test_headers_may_be_continued(connection):
    call = await begin(connection)
    block = hpack.encode([("grpc-status", "0")])
    connection.data_received(frames.frame(FrameType.DATA, 0, 1, prefixed(b"a")))
    connection.data_received(frames.frame(FrameType.HEADERS, frames.END_STREAM, 1, block[:4]))
    connection.data_received(frames.frame(FrameType.CONTINUATION, frames.END_HEADERS, 1, block[4:]))
    assert await call == b"a"


async def test_a_call_ends_with_its_time_and_is_reset(connection, transport):
    call = await begin(connection, timeout=0)
    with pytest.raises(RpcError) as caught:
        await call
    assert caught.value.code == DEADLINE_EXCEEDED
    assert transport.take(FrameType.RST_STREAM) == [(FrameType.RST_STREAM, 0, 1, b"\0\0\0\x08")]


async def test_a_call_that_is_cancelled_is_reset(connection, transport):
    call = await begin(connection)
    call.cancel()
    await settle()
    assert [kind for kind, *_ in transport.take()] == [FrameType.HEADERS, FrameType.DATA, FrameType.RST_STREAM]


async def test_no_more_is_sent_than_the_peers_windows_allow(connection, transport):
    message = bytes(100_000)
    call = await begin(connection, message)
    sent = transport.take(FrameType.DATA)
    assert sum(len(payload) for *_, payload in sent) == frames.DEFAULT_WINDOW
    connection.data_received(frames.window_update(1, 100_000))
    assert transport.take(FrameType.DATA) == []
    connection.data_received(frames.window_update(0, 100_000))
    sent += transport.take(FrameType.DATA)
    assert b"".join(payload for *_, payload in sent) == prefixed(message)
    assert [flags for _, flags, *_ in sent] == [0] * (len(sent) - 1) + [frames.END_STREAM]
    connection.data_received(answer(1, b"done"))
    assert await call == b"done"


async def test_a_larger_initial_window_counts_for_calls_under_way(connection, transport):
    call = await begin(connection, bytes(60_000))
    blocked = await begin(connection, bytes(60_000))
    transport.take()
    connection.data_received(frames.settings({frames.INITIAL_WINDOW_SIZE: 0}) + frames.window_update(0, 1_000_000))
    assert transport.take() == [(FrameType.SETTINGS, frames.ACK, 0, b"")]
    connection.data_received(frames.settings({frames.INITIAL_WINDOW_SIZE: 1_000_000}))
    assert transport.take(FrameType.DATA)[-1][1:3] == (frames.END_STREAM, 3)
    connection.data_received(answer(1, b"") + answer(3, b""))
    await asyncio.gather(call, blocked)


async def test_more_calls_than_the_peer_allows_wait_for_their_turn(connection, transport):
    connection.data_received(frames.settings({frames.MAX_CONCURRENT_STREAMS: 1}))
    first, second, third = await begin(connection), await begin(connection), await begin(connection)
    assert len(transport.take(FrameType.HEADERS)) == 1
    third.cancel()
    connection.data_received(answer(1, b"1"))
    assert await first == b"1"
    await settle()
    connection.data_received(answer(3, b"2"))
    assert await second == b"2"


async def test_who_waits_for_a_turn_is_told_when_the_connection_is_lost(connection):
    connection.data_received(frames.settings({frames.MAX_CONCURRENT_STREAMS: 1}))
    calls = [await begin(connection), await begin(connection)]
    connection.connection_lost(None)
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [result.code for result in results] == [UNAVAILABLE, UNAVAILABLE]


async def test_a_ping_is_answered(connection, transport):
    connection.data_received(frames.frame(FrameType.PING, 0, 0, b"12345678"))
    assert transport.take() == [(FrameType.PING, frames.ACK, 0, b"12345678")]


async def test_calls_that_the_peer_still_answers_outlive_its_goaway(connection, transport):
    call = await begin(connection)
    connection.data_received(frames.frame(FrameType.GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\0"))
    assert not connection.usable
    connection.data_received(answer(1, b"last"))
    assert await call == b"last"
    assert transport.aborted


async def test_a_stream_gives_messages_in_order_until_the_peer_ends_it(connection, transport):
    call = connection.stream(HEADERS)
    call.write(b"create")
    assert transport.take()[-1] == (FrameType.DATA, 0, 1, prefixed(b"create"))
    connection.data_received(answer(1, b"one")[: -(9 + len(OK))])
    connection.data_received(frames.frame(FrameType.DATA, 0, 1, prefixed(b"two") + prefixed(b"three")[:6]))
    assert [await call.read(), await call.read()] == [b"one", b"two"]
    waiting = asyncio.create_task(call.read())
    await settle()
    connection.data_received(frames.frame(FrameType.DATA, 0, 1, prefixed(b"three")[6:]))
    assert await waiting == b"three"
    connection.connection_lost(None)
    with pytest.raises(RpcError, match="closed by the peer"):
        await call.read()


async def test_the_peer_may_send_more_of_a_stream_only_as_it_is_read(connection, transport):
    call = connection.stream(HEADERS)
    transport.take()
    message, count = bytes(16_000), STREAM_WINDOW // 4 // 16_000 + 1
    for _ in range(count):
        connection.data_received(frames.frame(FrameType.DATA, 0, 1, prefixed(message)))
    assert transport.take(FrameType.WINDOW_UPDATE) == []
    for _ in range(count):
        await call.read()
    assert [stream for _, _, stream, _ in transport.take(FrameType.WINDOW_UPDATE)] == [1]


async def test_a_stream_that_is_cancelled_is_reset(connection, transport):
    connection.stream(HEADERS).cancel()
    assert transport.take()[-1][0] == FrameType.RST_STREAM


@pytest.mark.parametrize(
    "heard", [pytest.param(True, id="a peer that answers"), pytest.param(False, id="a silent peer")]
)
async def test_a_connection_that_is_silent_is_asked_and_given_up(connection, transport, heard):
    call = await begin(connection)
    connection._keep_alive()
    assert [kind for kind, *_ in transport.take(FrameType.PING)] == [FrameType.PING]
    if heard:
        connection.data_received(frames.frame(FrameType.PING, frames.ACK, 0, b"minikube"))
    connection._keep_alive()
    assert transport.aborted is not heard
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
