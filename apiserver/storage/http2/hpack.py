"""Header blocks (HPACK, RFC 7541), pure: requests are written plainly, answers are read.

The connection announces a dynamic table of size zero, so a block means the same wherever it stands: equal blocks are
decoded once. Blocks are written as literals, because a client whose requests differ in nothing writes them once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

_STATIC_TABLE = tuple(
    line.partition(" ")[::2]
    for line in """:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate""".splitlines()
)
"""RFC 7541, Appendix A: names and values, numbered from 1."""
_CODE_LENGTHS = bytes.fromhex(
    "0d171c1c1c1c1c1c1c181e1c1c1e1c1c1c1c1c1c1c1c1e1c1c1c1c1c1c1c1c1c060a0a0c0d06080b0a0a080b"
    "080606060505050606060606060607080f060c0a0d0607070707070707070707070707070707070707070707"
    "0807080d130d0e060f05060506050606060507070606060506070605050607070707070f0b0e0d1c14161414"
    "1616161716171717171718171818161718171717171516171617171816151416161717151716161815161717"
    "151516151716171714161616171616171a1a1413161716191a1a1a1b1b1a181913151a1b1b1a1b1815151a1a"
    "1c1b1b1b14181415161515171616191918181a171a1b1a1a1b1b1b1b1b1c1b1b1b1b1b1a1e"
)
"""RFC 7541, Appendix B: the length in bits of each octet's code, the end of a string last. The code is canonical."""
_END_OF_STRING = 256


class HeaderError(ValueError):
    """A header block that cannot be read."""


def encode(headers: Iterable[tuple[str, str]]) -> bytes:
    """A header block of literals that no table is to keep. Raises ValueError for a text of more than 16 KiB."""
    return b"".join(b"\0" + _encoded(name) + _encoded(value) for name, value in headers)


def _encoded(text: str) -> bytes:
    raw = text.encode("ascii")
    rest = len(raw) - 127
    if rest < 0:
        return bytes((len(raw),)) + raw
    if rest >= 1 << 14:
        raise ValueError("a header is too long")
    continued = bytes((rest,)) if rest < 128 else bytes((rest & 0x7F | 0x80, rest >> 7))
    return b"\x7f" + continued + raw


@lru_cache(maxsize=256)
def decode(block: bytes) -> tuple[tuple[str, str], ...]:
    """The names and values of a header block. Raises HeaderError."""
    headers: list[tuple[str, str]] = []
    position = 0
    try:
        while position < len(block):
            first = block[position]
            if first & 0x80:
                index, position = _integer(block, position, 7)
                if not index:
                    raise HeaderError("a header block refers to nothing")
                headers.append(_STATIC_TABLE[index - 1])
            elif first & 0xE0 == 0x20:
                size, position = _integer(block, position, 5)
                if size:
                    raise HeaderError("the peer keeps a dynamic table although none was offered")
            else:
                index, position = _integer(block, position, 6 if first & 0x40 else 4)
                if index:
                    name = _STATIC_TABLE[index - 1][0]
                else:
                    name, position = _string(block, position)
                value, position = _string(block, position)
                headers.append((name, value))
    except IndexError:
        raise HeaderError("a header block is cut off, or refers to a dynamic table") from None
    return tuple(headers)


def _integer(block: bytes, position: int, bits: int) -> tuple[int, int]:
    limit = (1 << bits) - 1
    value = block[position] & limit
    position += 1
    if value < limit:
        return value, position
    shift = 0
    while True:
        byte = block[position]
        position += 1
        value += (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, position
        if shift > 28:
            raise HeaderError("an integer in a header block is too large")


def _string(block: bytes, position: int) -> tuple[str, int]:
    is_coded = block[position] & 0x80
    length, position = _integer(block, position, 7)
    raw = block[position : position + length]
    if len(raw) < length:
        raise HeaderError("a header block is cut off")
    return (_uncoded(raw) if is_coded else raw).decode("latin-1"), position + length


@cache
def _codes() -> dict[tuple[int, int], int]:
    """The octet of each ``(length, code)``."""
    codes: dict[tuple[int, int], int] = {}
    code = length = 0
    for wanted, octet in sorted((bits, octet) for octet, bits in enumerate(_CODE_LENGTHS)):
        code <<= wanted - length
        length = wanted
        codes[length, code] = octet
        code += 1
    return codes


def _uncoded(raw: bytes) -> bytes:
    codes, out = _codes(), bytearray()
    length = code = 0
    for byte in raw:
        for shift in range(7, -1, -1):
            code, length = code << 1 | byte >> shift & 1, length + 1
            octet = codes.get((length, code))
            if octet == _END_OF_STRING or length > 30:
                raise HeaderError("a coded text in a header block cannot be read")
            if octet is not None:
                out.append(octet)
                length = code = 0
    if length > 7 or code != (1 << length) - 1:
        raise HeaderError("a coded text in a header block is padded wrongly")
    return bytes(out)
