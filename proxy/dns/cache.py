"""Answers of the host's resolvers, kept for a short while."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from minikube_py.runtime.clock import Clock
from proxy.dns import message
from proxy.dns.records import Rcode

LONGEST_SECONDS = 30
MOST_ANSWERS = 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: bytes
    offsets: tuple[int, ...]
    at: float
    until: float


class AnswerCache:
    """At most 1024 answers, each for its shortest time to live and 30 s at the most; the oldest go first.

    The key is the question's bytes without its id, so that whatever a client asked for differently is answered apart.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[tuple[bool, bytes], _Kept] = {}

    def get(self, query: bytes, *, tcp: bool) -> bytes | None:
        """The answer with the query's id and with what is left of its times to live."""
        key = (tcp, query[2:])
        kept = self._kept.get(key)
        if kept is None:
            return None
        now = self._clock.monotonic()
        if now >= kept.until:
            del self._kept[key]
            return None
        age = int(now - kept.at)
        answer = bytearray(kept.answer)
        answer[:2] = query[:2]
        for offset in kept.offsets:
            (ttl,) = struct.unpack_from(">I", answer, offset)
            struct.pack_into(">I", answer, offset, max(0, ttl - age))
        return bytes(answer)

    def put(self, query: bytes, answer: bytes, *, tcp: bool) -> None:
        """Keeps it if it is whole and may be kept."""
        if message.rcode_of(answer) not in (Rcode.NOERROR, Rcode.NXDOMAIN) or message.is_truncated(answer):
            return
        try:
            offsets = message.time_to_live_offsets(answer)
        except ValueError:
            return
        shortest = min((struct.unpack_from(">I", answer, offset)[0] for offset in offsets), default=0)
        if not shortest:
            return
        while len(self._kept) >= MOST_ANSWERS:
            del self._kept[next(iter(self._kept))]
        now = self._clock.monotonic()
        self._kept[tcp, query[2:]] = _Kept(answer, tuple(offsets), now, now + min(shortest, LONGEST_SECONDS))

    def __len__(self) -> int:
        return len(self._kept)
