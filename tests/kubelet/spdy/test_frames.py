from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelet.spdy import frames
from kubelet.spdy.dictionary import HEADER_DICTIONARY
from kubelet.spdy.frames import (
    Data,
    Frame,
    FrameReader,
    FrameWriter,
    GoAway,
    MoreHeaders,
    Ping,
    ProtocolError,
    RstStream,
    Settings,
    SynReply,
    SynStream,
    WindowUpdate,
)


def read(data: bytes) -> list[Frame]:
    return list(FrameReader().feed(data))


def control(kind: int, body: bytes, flags: int = 0, *, version: int = 3) -> bytes:
    return struct.pack(">HHI", 0x8000 | version, kind, flags << 24 | len(body)) + body


def block(plain: bytes) -> bytes:
    deflate = zlib.compressobj(zdict=HEADER_DICTIONARY)
    return deflate.compress(plain) + deflate.flush(zlib.Z_SYNC_FLUSH)


def test_the_dictionary_is_that_of_spdy_3() -> None:
    assert len(HEADER_DICTIONARY) == 1423
    assert zlib.adler32(HEADER_DICTIONARY) == 0xE3C6A7C2


@pytest.mark.parametrize(
    ("frame", "encoded"),
    [
        pytest.param(Data(5, b"hello"), "0000000500000005 68656c6c6f", id="data"),
        pytest.param(Data(5, b"", fin=True), "0000000501000000", id="the end of data"),
        pytest.param(RstStream(3, frames.CANCEL), "8003000300000008 00000003 00000005", id="a reset"),
        pytest.param(Ping(7), "8003000600000004 00000007", id="a ping"),
        pytest.param(GoAway(9, frames.GOAWAY_OK), "8003000700000008 00000009 00000000", id="going away"),
        pytest.param(WindowUpdate(1, 65536), "8003000900000008 00000001 00010000", id="a window update"),
        pytest.param(Settings({7: 65536}), "800300040000000c 00000001 00000007 00010000", id="settings"),
    ],
)
def test_frames_have_the_bytes_of_the_draft(frame: Frame, encoded: str) -> None:
    assert FrameWriter().encode(frame) == bytes.fromhex(encoded)
    assert read(bytes.fromhex(encoded)) == [frame]


def test_a_stream_is_opened_with_compressed_headers() -> None:
    encoded = FrameWriter().encode(SynStream(1, {"streamType": "error"}, fin=True, priority=2))
    kind, length = struct.unpack_from(">HI", encoded, 2)
    assert (kind, length & 0xFFFFFF, length >> 24) == (1, len(encoded) - 8, 1)
    stream_id, associated, priority = struct.unpack_from(">IIB", encoded, 8)
    assert (stream_id, associated, priority >> 5) == (1, 0, 2)
    inflate = zlib.decompressobj(zdict=HEADER_DICTIONARY)
    assert inflate.decompress(encoded[18:]) == b"\0\0\0\1\0\0\0\nstreamtype\0\0\0\5error"


names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)
headers = st.dictionaries(names, st.text(max_size=50), max_size=8)
ids = st.integers(1, 2**31 - 1)
anything = st.one_of(
    st.builds(Data, ids, st.binary(min_size=1, max_size=200), st.booleans()),
    st.builds(SynStream, ids, headers, st.booleans(), st.booleans(), st.integers(0, 7)),
    st.builds(SynReply, ids, headers, st.booleans()),
    st.builds(MoreHeaders, ids, headers, st.booleans()),
    st.builds(RstStream, ids, st.integers(0, 2**32 - 1)),
    st.builds(Ping, st.integers(0, 2**32 - 1)),
    st.builds(GoAway, st.integers(0, 2**31 - 1), st.integers(0, 2**32 - 1)),
    st.builds(WindowUpdate, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)),
    st.builds(Settings, st.dictionaries(st.integers(0, 2**24 - 1), st.integers(0, 2**32 - 1), max_size=5)),
)


def joined(found: list[Frame]) -> list[Frame]:
    """Pieces of one data frame as one: what is told does not depend on where the bytes were cut."""
    whole: list[Frame] = []
    open_data = False
    for frame in found:
        last = whole[-1] if whole else None
        if open_data and isinstance(frame, Data) and isinstance(last, Data) and last.stream_id == frame.stream_id:
            whole[-1] = Data(frame.stream_id, last.data + frame.data, frame.fin)
        else:
            whole.append(frame)
        open_data = isinstance(frame, Data) and not frame.fin
    return whole


@given(st.lists(anything, max_size=12), st.lists(st.integers(1, 64), min_size=1, max_size=8))
def test_frames_survive_any_cut_of_their_bytes(sent: list[Frame], cuts: list[int]) -> None:
    writer, reader = FrameWriter(), FrameReader()
    data = b"".join(writer.encode(frame) for frame in sent)
    found: list[Frame] = []
    at = turn = 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        found += reader.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert joined(found) == joined(sent)


@given(st.binary(max_size=300))
def test_bytes_of_nobody_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        read(data)
    except ProtocolError:
        return


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        pytest.param(control(6, b"\0\0\0\1", version=2), "version 2", id="another version"),
        pytest.param(control(6, b"\0\0"), "malformed", id="a ping too short"),
        pytest.param(control(1, b"\0\0\0\1"), "malformed", id="a stream without headers"),
        pytest.param(control(2, b"\0\0\0\1nonsense"), "malformed", id="headers that are not compressed"),
        pytest.param(control(2, b"\0\0\0\0" + block(b"\0\0\0\0")), "no stream", id="a reply to no stream"),
        pytest.param(b"\0\0\0\0\0\0\0\1x", "no stream", id="data of no stream"),
        pytest.param(struct.pack(">HHI", 0x8003, 1, 0xFFFFFF), "too long", id="a control frame without end"),
        pytest.param(control(4, b"\0\0\0\2" + b"\0" * 8), "wrong length", id="fewer settings than told"),
        pytest.param(
            control(2, b"\0\0\0\1" + block(b"\0\0\0\1\0\0\0\xffabc")), "longer than its block", id="a header cut off"
        ),
        pytest.param(
            control(2, b"\0\0\0\1" + block(b"\0\0\0\2" + b"\0\0\0\1a\0\0\0\1b" * 2)), "named twice", id="a name twice"
        ),
        pytest.param(control(2, b"\0\0\0\1" + block(b"\0\0\0\0more")), "after the last", id="bytes after the headers"),
        pytest.param(control(2, b"\0\0\0\1" + block(b"\0" * 10_000_000)), "more than", id="headers that swell"),
    ],
)
def test_what_is_no_spdy_is_refused_by_name(data: bytes, cause: str) -> None:
    with pytest.raises(ProtocolError, match=cause):
        read(data)


def test_frames_of_unknown_kinds_are_passed_over() -> None:
    assert read(control(42, b"what") + FrameWriter().encode(Ping(1))) == [Ping(1)]


def test_a_data_frame_is_given_out_as_it_comes() -> None:
    reader = FrameReader()
    assert list(reader.feed(bytes.fromhex("00000003 01000006") + b"abc")) == [Data(3, b"abc")]
    assert list(reader.feed(b"def")) == [Data(3, b"def", fin=True)]
