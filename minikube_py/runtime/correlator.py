"""Decides what becomes of an event: a new object, a higher count on one that is there, or nothing.

As client-go's ``EventCorrelator``: the tenth similar event (all but the message alike) within ten minutes and more are
merged into one, an event that was sent before is counted up, and one source may send 25 events about one object and
then one every 300 s.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from minikube_py.api.meta import Object

MAX_ENTRIES = 4096
SIMILAR_LIMIT = 10
SIMILAR_SECONDS = 600.0
SPAM_BURST = 25
SPAM_REFILL_SECONDS = 300.0
AGGREGATE_PREFIX = "(combined from similar events): "


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened to the object that ``reference`` names."""

    reference: tuple[tuple[str, str], ...]
    type: str
    reason: str
    message: str

    @property
    def about(self) -> Object:
        """The ``involvedObject``."""
        return dict(self.reference)

    @property
    def similar(self) -> tuple[object, ...]:
        """What events to be merged have in common."""
        stable = tuple(pair for pair in self.reference if pair[0] != "resourceVersion")
        return (stable, self.type, self.reason)


@dataclass(slots=True)
class Sent:
    """An event object that was sent, and how often it happened."""

    name: str
    namespace: str
    first_timestamp: str
    count: int


@dataclass(slots=True)
class _Similar:
    messages: set[str] = field(default_factory=set)
    last: float = 0.0


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


K = TypeVar("K")
V = TypeVar("V")


class _Recent(OrderedDict[K, V], Generic[K, V]):
    """A dictionary that forgets what was longest unused."""

    def touch(self, key: K, value: V) -> V:
        self[key] = value
        self.move_to_end(key)
        if len(self) > MAX_ENTRIES:
            self.popitem(last=False)
        return value


class Correlator:
    """The memory of one event source."""

    def __init__(self) -> None:
        self._similar: _Recent[tuple[object, ...], _Similar] = _Recent()
        self._buckets: _Recent[tuple[object, ...], _Bucket] = _Recent()
        self._sent: _Recent[Occurrence, Sent] = _Recent()

    def correlate(self, occurrence: Occurrence, now: float) -> Occurrence | None:
        """The occurrence to send, its message changed where it stands for many; None where there were too many."""
        key = occurrence.similar
        similar = self._similar.get(key)
        if similar is None or now - similar.last > SIMILAR_SECONDS:
            similar = _Similar()
        self._similar.touch(key, similar)
        similar.last = now
        similar.messages.add(occurrence.message)
        merged = occurrence
        if len(similar.messages) >= SIMILAR_LIMIT:
            similar.messages.discard(occurrence.message)
            merged = replace(occurrence, message=AGGREGATE_PREFIX + occurrence.message)
        return merged if self._may_send(occurrence, now) else None

    def sent(self, occurrence: Occurrence) -> Sent | None:
        """The event object that tells of this occurrence already."""
        return self._sent.get(_identity(occurrence))

    def remember(self, occurrence: Occurrence, sent: Sent) -> None:
        """That object tells of this occurrence."""
        self._sent.touch(_identity(occurrence), sent)

    def forget(self, occurrence: Occurrence) -> None:
        """The object is gone from the server."""
        self._sent.pop(_identity(occurrence), None)

    def _may_send(self, occurrence: Occurrence, now: float) -> bool:
        about = tuple(pair for pair in occurrence.reference if pair[0] not in ("resourceVersion", "fieldPath"))
        bucket = self._buckets.get(about) or _Bucket(SPAM_BURST, now)
        self._buckets.touch(about, bucket)
        bucket.tokens = min(bucket.tokens + (now - bucket.filled) / SPAM_REFILL_SECONDS, SPAM_BURST)
        bucket.filled = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def _identity(occurrence: Occurrence) -> Occurrence:
    """Merged events count up one object, whatever their messages."""
    if occurrence.message.startswith(AGGREGATE_PREFIX):
        return replace(occurrence, message=AGGREGATE_PREFIX)
    return occurrence
