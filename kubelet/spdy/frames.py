"""SPDY/3.1 frames: bytes to values and back. Without I/O.

Follows the SPDY/3.1 draft as ``moby/spdystream`` speaks it. A data frame's payload is given out in the pieces it
arrives in, so that nothing as long as a frame is ever held; only the last piece carries ``fin``.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kubelet.spdy.dictionary import HEADER_DICTIONARY

VERSION: Final = 3
LONGEST_CONTROL_FRAME: Final = 64 * 1024
"""Bytes of a control frame's payload; a longer one is an error."""
LONGEST_HEADERS: Final = 64 * 1024
"""Bytes of a header block once it is decompressed; a longer one is an error."""
LONGEST_DATA_FRAME: Final = 64 * 1024
"""Bytes of payload in one data frame that is sent."""

PROTOCOL_ERROR, INVALID_STREAM, REFUSED_STREAM, UNSUPPORTED_VERSION, CANCEL = 1, 2, 3, 4, 5
GOAWAY_OK, GOAWAY_PROTOCOL_ERROR = 0, 1

_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _HEADERS, _WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
_FIN: Final = 1
_UNIDIRECTIONAL: Final = 2
_HEAD: Final = struct.Struct(">II")
_UINT32: Final = struct.Struct(">I")
_ID_MASK: Final = 0x7FFFFFFF
_LENGTH_MASK: Final = 0xFFFFFF
_CONTROL: Final = 0x80000000

Headers = Mapping[str, str]
"""Header names in lower case; several values of one name are joined by NUL."""


class ProtocolError(Exception):
    """The peer does not speak SPDY/3.1; the connection cannot go on."""


@dataclass(frozen=True, slots=True)
class SynStream:
    """Opens a stream; ``fin`` where its sender sends nothing on it."""

    stream_id: int
    headers: Headers
    fin: bool = False
    unidirectional: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True)
class SynReply:
    """Accepts a stream."""

    stream_id: int
    headers: Headers
    fin: bool = False


@dataclass(frozen=True, slots=True)
class RstStream:
    """Ends a stream at once, both ways."""

    stream_id: int
    status: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings by their ids; none of them matters here."""

    values: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Ping:
    """To be sent back by the side whose parity the id is not of."""

    ping_id: int


@dataclass(frozen=True, slots=True)
class GoAway:
    """No stream after ``last_stream_id`` is taken."""

    last_stream_id: int
    status: int


@dataclass(frozen=True, slots=True)
class MoreHeaders:
    """Further headers of a stream."""

    stream_id: int
    headers: Headers
    fin: bool = False


@dataclass(frozen=True, slots=True)
class WindowUpdate:
    """How many more bytes may be sent on a stream."""

    stream_id: int
    delta: int


@dataclass(frozen=True, slots=True)
class Data:
    """A piece of a stream's bytes; ``fin`` on the last."""

    stream_id: int
    data: bytes
    fin: bool = False


Frame = SynStream | SynReply | RstStream | Settings | Ping | GoAway | MoreHeaders | WindowUpdate | Data


class FrameWriter:
    """Frames to bytes. Its frames must reach the wire in the order they are made: headers share one compression."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(level=zlib.Z_BEST_COMPRESSION, zdict=HEADER_DICTIONARY)

    def encode(self, frame: Frame) -> bytes:
        """The frame's bytes. Raises ValueError for a data frame that is too long."""
        match frame:
            case Data(stream_id, data, fin):
                if len(data) > _LENGTH_MASK:
                    raise ValueError(f"a data frame of {len(data)} bytes is too long")
                return _HEAD.pack(stream_id & _ID_MASK, (_FIN if fin else 0) << 24 | len(data)) + data
            case SynStream(stream_id, headers, fin, unidirectional, priority):
                flags = (_FIN if fin else 0) | (_UNIDIRECTIONAL if unidirectional else 0)
                body = struct.pack(">IIBB", stream_id & _ID_MASK, 0, (priority & 7) << 5, 0)
                return _control(_SYN_STREAM, flags, body + self._block(headers))
            case SynReply(stream_id, headers, fin):
                return _control(_SYN_REPLY, _FIN if fin else 0, _UINT32.pack(stream_id) + self._block(headers))
            case MoreHeaders(stream_id, headers, fin):
                return _control(_HEADERS, _FIN if fin else 0, _UINT32.pack(stream_id) + self._block(headers))
            case RstStream(stream_id, status):
                return _control(_RST_STREAM, 0, _HEAD.pack(stream_id, status))
            case Ping(ping_id):
                return _control(_PING, 0, _UINT32.pack(ping_id))
            case GoAway(last_stream_id, status):
                return _control(_GOAWAY, 0, _HEAD.pack(last_stream_id, status))
            case WindowUpdate(stream_id, delta):
                return _control(_WINDOW_UPDATE, 0, _HEAD.pack(stream_id, delta & _ID_MASK))
            case Settings(values):
                pairs = b"".join(_HEAD.pack(key & _LENGTH_MASK, value) for key, value in values.items())
                return _control(_SETTINGS, 0, _UINT32.pack(len(values)) + pairs)

    def _block(self, headers: Headers) -> bytes:
        plain = [_UINT32.pack(len(headers))]
        for name, value in headers.items():
            for text in (name.lower().encode("utf-8"), value.encode("utf-8")):
                plain += [_UINT32.pack(len(text)), text]
        return self._deflate.compress(b"".join(plain)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


class FrameReader:
    """Bytes to frames; keeps what is not a whole frame yet."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zdict=HEADER_DICTIONARY)
        self._buffer = bytearray()
        self._data_left = 0
        self._data_stream = 0
        self._data_fin = False

    def feed(self, received: bytes) -> Iterator[Frame]:
        """The frames, or pieces of data frames, that are complete now. Raises ProtocolError."""
        self._buffer += received
        while True:
            frame = self._piece() if self._data_left else self._next()
            if frame is None:
                return
            yield frame

    def _piece(self) -> Data | None:
        if not self._buffer:
            return None
        data = bytes(self._buffer[: self._data_left])
        del self._buffer[: len(data)]
        self._data_left -= len(data)
        return Data(self._data_stream, data, self._data_fin and not self._data_left)

    def _next(self) -> Frame | None:
        while len(self._buffer) >= _HEAD.size:
            first, second = _HEAD.unpack_from(self._buffer)
            flags, length = second >> 24, second & _LENGTH_MASK
            if not first & _CONTROL:
                del self._buffer[: _HEAD.size]
                self._data_stream, self._data_left, self._data_fin = first, length, bool(flags & _FIN)
                if not first:
                    raise ProtocolError("a data frame of no stream")
                return self._piece() if length else Data(first, b"", self._data_fin)
            if (first >> 16) & 0x7FFF != VERSION:
                raise ProtocolError(f"SPDY version {(first >> 16) & 0x7FFF} is not supported, only {VERSION}")
            if length > LONGEST_CONTROL_FRAME:
                raise ProtocolError(f"a control frame of {length} bytes is too long")
            if len(self._buffer) < _HEAD.size + length:
                return None
            body = bytes(self._buffer[_HEAD.size : _HEAD.size + length])
            del self._buffer[: _HEAD.size + length]
            try:
                frame = self._control(first & 0xFFFF, flags, body)
            except (struct.error, zlib.error, UnicodeDecodeError) as error:
                raise ProtocolError(f"a malformed control frame: {error}") from error
            if frame is not None:
                return frame
        return None

    def _control(self, kind: int, flags: int, body: bytes) -> Frame | None:
        """None for a kind that is not known, which is to be ignored."""
        fin = bool(flags & _FIN)
        match kind:
            case 1:
                stream_id, _, priority, _ = struct.unpack_from(">IIBB", body)
                headers = self._headers(body[10:])
                return SynStream(_identity(stream_id), headers, fin, bool(flags & _UNIDIRECTIONAL), priority >> 5)
            case 2:
                return SynReply(_identity(_UINT32.unpack_from(body)[0]), self._headers(body[4:]), fin)
            case 3:
                stream_id, status = _HEAD.unpack(body)
                return RstStream(_identity(stream_id), status)
            case 4:
                (count,) = _UINT32.unpack_from(body)
                if len(body) != 4 + 8 * count:
                    raise ProtocolError("a settings frame of the wrong length")
                return Settings({key & _LENGTH_MASK: value for key, value in _HEAD.iter_unpack(body[4:])})
            case 6:
                return Ping(_UINT32.unpack(body)[0])
            case 7:
                stream_id, status = _HEAD.unpack(body)
                return GoAway(stream_id & _ID_MASK, status)
            case 8:
                return MoreHeaders(_identity(_UINT32.unpack_from(body)[0]), self._headers(body[4:]), fin)
            case 9:
                stream_id, delta = _HEAD.unpack(body)
                return WindowUpdate(stream_id & _ID_MASK, delta & _ID_MASK)
        return None

    def _headers(self, block: bytes) -> dict[str, str]:
        plain = self._inflate.decompress(block, LONGEST_HEADERS + 1)
        if len(plain) > LONGEST_HEADERS or self._inflate.unconsumed_tail:
            raise ProtocolError(f"headers of more than {LONGEST_HEADERS} bytes")
        (count,) = _UINT32.unpack_from(plain)
        headers: dict[str, str] = {}
        at = 4
        for _ in range(count):
            name, at = _text(plain, at)
            value, at = _text(plain, at)
            if not name or name in headers:
                raise ProtocolError("a header without a name, or named twice")
            headers[name] = value
        if at != len(plain):
            raise ProtocolError("bytes after the last header")
        return headers


def _control(kind: int, flags: int, body: bytes) -> bytes:
    return _HEAD.pack(_CONTROL | VERSION << 16 | kind, flags << 24 | len(body)) + body


def _identity(stream_id: int) -> int:
    found = stream_id & _ID_MASK
    if not found:
        raise ProtocolError("a control frame of no stream")
    return found


def _text(plain: bytes, at: int) -> tuple[str, int]:
    (length,) = _UINT32.unpack_from(plain, at)
    end = at + 4 + length
    if end > len(plain):
        raise ProtocolError("a header that is longer than its block")
    return plain[at + 4 : end].decode("utf-8"), end
