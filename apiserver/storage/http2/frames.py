"""Frames (RFC 9113, sections 4 and 6), pure: those that a client sends, and the reader of those that it gets."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES = 9
DEFAULT_WINDOW = 65_535
DEFAULT_FRAME_BYTES = 16_384
LARGEST_WINDOW = (1 << 31) - 1

END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 1, 2, 3, 4, 5
CANCEL = 0x8


class FrameType(IntEnum):
    """The types of frames; others are to be passed over."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class ProtocolError(Exception):
    """The peer does not keep to HTTP/2; the connection is of no more use."""


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame."""
    return b"%b%c%c%b%b" % (len(payload).to_bytes(3, "big"), kind, flags, stream.to_bytes(4, "big"), payload)


def settings(values: dict[int, int]) -> bytes:
    """A SETTINGS frame."""
    payload = b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in values.items())
    return frame(FrameType.SETTINGS, 0, 0, payload)


def window_update(stream: int, size: int) -> bytes:
    """A WINDOW_UPDATE frame: the peer may send ``size`` bytes more."""
    return frame(FrameType.WINDOW_UPDATE, 0, stream, size.to_bytes(4, "big"))


def read_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """The values of a SETTINGS frame."""
    for start in range(0, len(payload) - 5, 6):
        yield int.from_bytes(payload[start : start + 2], "big"), int.from_bytes(payload[start + 2 : start + 6], "big")


def unpadded(flags: int, payload: bytes) -> bytes:
    """What a DATA or HEADERS frame carries between its padding and its priority. Raises ProtocolError."""
    start, end = 0, len(payload)
    if flags & PADDED:
        if not payload:
            raise ProtocolError("a padded frame is empty")
        start, end = 1, end - payload[0]
    if flags & PRIORITY:
        start += 5
    if start > end:
        raise ProtocolError("a frame is padded beyond its length")
    return payload[start:end]


class FrameReader:
    """Cuts what arrives into frames of at most 16 KiB, the size that a client allows unless it says otherwise."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """Type, flags, stream and payload of every frame that is now whole. Raises ProtocolError."""
        if self._rest:
            data = self._rest + data
        position, size = 0, len(data)
        while size - position >= HEADER_BYTES:
            length = data[position] << 16 | data[position + 1] << 8 | data[position + 2]
            if length > DEFAULT_FRAME_BYTES:
                raise ProtocolError("a frame is larger than allowed")
            end = position + HEADER_BYTES + length
            if end > size:
                break
            stream = int.from_bytes(data[position + 5 : position + 9], "big") & LARGEST_WINDOW
            yield data[position + 3], data[position + 4], stream, data[position + HEADER_BYTES : end]
            position = end
        self._rest = data[position:]
