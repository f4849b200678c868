import pytest

from apiserver.storage.http2 import frames

TWO = frames.frame(0, 1, 3, b"abc") + frames.frame(6, 0, 0, b"12345678")


@pytest.mark.parametrize("size", [pytest.param(size, id=f"pieces of {size}") for size in (1, 2, 5, 9, 13, 100)])
def test_frames_are_whole_however_they_arrive(size):
    reader = frames.FrameReader()
    read = [f for start in range(0, len(TWO), size) for f in reader.feed(TWO[start : start + size])]
    assert read == [(0, 1, 3, b"abc"), (6, 0, 0, b"12345678")]


def test_a_frame_larger_than_allowed_is_refused():
    with pytest.raises(frames.ProtocolError, match="larger"):
        list(frames.FrameReader().feed(b"\x00\x40\x01" + b"\0" * 6))


@pytest.mark.parametrize(
    ("flags", "payload", "expected"),
    [
        pytest.param(0, b"abc", b"abc", id="as it is"),
        pytest.param(frames.PADDED, b"\x02abc\0\0", b"abc", id="padded"),
        pytest.param(frames.PRIORITY, b"12345abc", b"abc", id="with a priority"),
        pytest.param(frames.PADDED | frames.PRIORITY, b"\x0112345abc\0", b"abc", id="both"),
    ],
)
def test_padding_and_priority_are_taken_off(flags, payload, expected):
    assert frames.unpadded(flags, payload) == expected


@pytest.mark.parametrize("payload", [pytest.param(b"", id="empty"), pytest.param(b"\x09abc", id="too much padding")])
def test_impossible_padding_is_refused(payload):
    with pytest.raises(frames.ProtocolError):
        frames.unpadded(frames.PADDED, payload)


def test_settings_are_read_back():
    sent = frames.settings({frames.INITIAL_WINDOW_SIZE: 70_000, frames.MAX_FRAME_SIZE: 32_768})
    ((kind, _, stream, payload),) = frames.FrameReader().feed(sent)
    assert (kind, stream) == (frames.FrameType.SETTINGS, 0)
    assert dict(frames.read_settings(payload)) == {frames.INITIAL_WINDOW_SIZE: 70_000, frames.MAX_FRAME_SIZE: 32_768}
