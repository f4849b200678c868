"""Checks what clients of a Kubernetes API saw against what such an API promises. Pure: a history in, violations out.

A history is everything that concurrent clients did and were told, with the times at which they asked and were answered
(one clock). From it follows the *timeline*, every write in the order of its revision, as the watches tell it together.
What is checked:

- watches: revisions only grow; nothing in between that any watch or any acknowledged write knows of is left out; all
  watches tell the same of a revision; per key what is told is possible (ADDED only what was not there, and so on);
- writes: what was acknowledged is in the timeline as it was acknowledged; what was refused is not; a compare-and-swap
  follows right after the version that it names, and is refused only where that version was superseded;
- reads without a resourceVersion: never older than what was acknowledged before they were asked, never from the
  future, never going back;
- lists: exactly the state of the timeline at their resourceVersion.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

Outcome = Literal["ok", "refused", "unknown"]
EventType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True)
class Write:
    """One write. ``value`` is told by no other write; ``expected`` is the revision that a compare-and-swap names.

    ``revision`` is what an acknowledged write was given, 0 where the answer does not tell it (a deletion).
    """

    start: float
    end: float
    key: str
    kind: Literal["create", "update", "patch", "delete"]
    value: str
    outcome: Outcome
    expected: int = 0
    revision: int = 0


@dataclass(frozen=True)
class Read:
    """A GET without a resourceVersion; ``revision`` 0 where there was no object."""

    start: float
    end: float
    key: str
    revision: int
    value: str = ""


@dataclass(frozen=True)
class Listed:
    """A list of everything; ``fresh`` where it was asked without a resourceVersion."""

    start: float
    end: float
    resource_version: int
    items: Mapping[str, tuple[int, str]]
    fresh: bool = True


@dataclass(frozen=True)
class Event:
    """One event of a watch; a deletion has the value of the last state."""

    type: EventType
    key: str
    revision: int
    value: str


@dataclass(frozen=True)
class Watched:
    """What one watch was told from ``start_revision`` on, over all its resumptions, up to ``end_revision``."""

    name: str
    start_revision: int
    end_revision: int
    events: tuple[Event, ...]


@dataclass(frozen=True)
class History:
    """Everything that happened after ``base_revision``, when the collection held ``base``."""

    base_revision: int
    base: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    writes: tuple[Write, ...] = ()
    reads: tuple[Read, ...] = ()
    lists: tuple[Listed, ...] = ()
    watches: tuple[Watched, ...] = ()


def check(history: History) -> list[str]:
    """Every violation, in words; none where the history is as it should be."""
    return list(_Checker(history).violations())


class _Checker:
    def __init__(self, history: History) -> None:
        self._history = history
        self._timeline: dict[int, Event] = {}
        self._differing: list[str] = []
        for watched in history.watches:
            for event in watched.events:
                known = self._timeline.setdefault(event.revision, event)
                if (known.key, known.value, known.type) != (event.key, event.value, event.type):
                    self._differing.append(f"{watched.name} was told {event}, another watch {known}")
        self._revisions = sorted(self._timeline)
        self._chains: dict[str, list[Event]] = {}
        for key, (revision, value) in history.base.items():
            self._chains[key] = [Event("ADDED", key, revision, value)]
        for revision in self._revisions:
            event = self._timeline[revision]
            self._chains.setdefault(event.key, []).append(event)
        self._writes = {write.value: write for write in history.writes}

    def violations(self) -> Iterator[str]:
        yield from self._differing
        for watched in self._history.watches:
            yield from self._watch(watched)
        for chain in self._chains.values():
            yield from self._chain(chain)
        for write in self._history.writes:
            yield from self._write(write)
        for read in self._history.reads:
            yield from self._read(read)
        for listed in self._history.lists:
            yield from self._list(listed)
        yield from self._reads_go_forward()
        yield from self._lists_go_forward()

    def _watch(self, watched: Watched) -> Iterator[str]:
        for before, after in pairwise(watched.events):
            if after.revision <= before.revision:
                yield f"{watched.name} was told {after} after revision {before.revision}"
        told = {event.revision for event in watched.events}
        if any(revision <= watched.start_revision for revision in told):
            yield f"{watched.name} was told of a revision before {watched.start_revision}"
        first = bisect_right(self._revisions, watched.start_revision)
        last = bisect_right(self._revisions, watched.end_revision)
        for revision in self._revisions[first:last]:
            if revision not in told:
                yield f"{watched.name} was not told {self._timeline[revision]}"

    def _chain(self, chain: list[Event]) -> Iterator[str]:
        is_there = False
        value = ""
        for event in chain:
            if (event.type == "ADDED") is is_there:
                yield f"{event} of a key that {'was there' if is_there else 'was not there'}"
            if event.type == "DELETED" and event.value != value:
                yield f"{event} shows another state than the last, {value}"
            if event.type != "DELETED" and event.revision > self._history.base_revision:
                write = self._writes.get(event.value)
                if write is None or write.outcome == "refused" or write.key != event.key:
                    yield f"{event} was written by nobody"
            is_there, value = event.type != "DELETED", event.value

    def _write(self, write: Write) -> Iterator[str]:
        chain = self._chains.get(write.key, [])
        if write.kind == "delete":
            yield from self._deletion(write, chain)
            return
        found = [index for index, event in enumerate(chain) if event.value == write.value and event.type != "DELETED"]
        if len(found) > 1:
            yield f"{write} happened {len(found)} times"
        if write.outcome == "ok":
            if not found or chain[found[0]].revision != write.revision:
                yield f"{write} was acknowledged and is not there"
        elif write.outcome == "refused":
            if write.kind == "update" and write.expected:
                yield from self._refusal(write, chain)
            return
        if found and write.expected:
            before = chain[found[0] - 1].revision if found[0] else 0
            if before != write.expected:
                yield f"{write} followed revision {before}"

    def _deletion(self, write: Write, chain: list[Event]) -> Iterator[str]:
        index = _index_of(chain, write.expected)
        follower = chain[index + 1] if 0 <= index < len(chain) - 1 else None
        if write.outcome == "ok" and (follower is None or follower.type != "DELETED"):
            yield f"{write} was acknowledged, and revision {write.expected} was followed by {follower}"
        if write.outcome == "refused":
            yield from self._refusal(write, chain)

    def _refusal(self, write: Write, chain: list[Event]) -> Iterator[str]:
        """A compare-and-swap is refused only where somebody else was there before it was answered."""
        index = _index_of(chain, write.expected)
        if index == len(chain) - 1:
            yield f"{write} was refused, and revision {write.expected} is the last"
        elif index >= 0:
            superseding = self._writes.get(chain[index + 1].value)
            if chain[index + 1].type != "DELETED" and superseding is not None and superseding.start > write.end:
                yield f"{write} was refused before {superseding} began"

    def _read(self, read: Read) -> Iterator[str]:
        chain = self._chains.get(read.key, [])
        acknowledged = max((write.revision for write in self._before(read.start) if write.key == read.key), default=0)
        if not read.revision:
            since = _index_of(chain, acknowledged)
            if acknowledged and not any(self._could_be_gone(chain, index, read) for index in range(since, len(chain))):
                yield f"{read} found nothing, and revision {acknowledged} was acknowledged before"
            return
        found = _index_of(chain, read.revision)
        if found < 0 or chain[found].value != read.value or chain[found].type == "DELETED":
            yield f"{read} found what was never there"
            return
        if read.revision < acknowledged:
            yield f"{read} is older than revision {acknowledged}, acknowledged before"
        write = self._writes.get(read.value)
        if write is not None and write.start > read.end:
            yield f"{read} found what {write} wrote later"
        deleted = self._deletion_after(chain, found)
        if deleted is not None and deleted.end < read.start:
            yield f"{read} found what {deleted} had deleted before"

    def _could_be_gone(self, chain: list[Event], index: int, read: Read) -> bool:
        """Whether the deletion at ``index``, if it is one, may have happened before the read was answered."""
        if chain[index].type != "DELETED":
            return False
        deletions = [write for write in self._deletions(chain[index - 1]) if write.outcome != "refused"]
        return not deletions or any(write.start < read.end for write in deletions)

    def _deletion_after(self, chain: list[Event], index: int) -> Write | None:
        """The acknowledged deletion of the version at ``index``, if that is how it ended."""
        return next((write for write in self._deletions(chain[index]) if write.outcome == "ok"), None)

    def _deletions(self, version: Event) -> Iterator[Write]:
        for write in self._history.writes:
            if write.kind == "delete" and write.key == version.key and write.expected == version.revision:
                yield write

    def _before(self, moment: float) -> Iterable[Write]:
        return (w for w in self._history.writes if w.outcome == "ok" and w.end < moment)

    def _list(self, listed: Listed) -> Iterator[str]:
        if dict(listed.items) != self._state_at(listed.resource_version):
            yield f"the list at {listed.resource_version} is not the state then: {_difference(self, listed)}"
        if listed.fresh:
            acknowledged = max((write.revision for write in self._before(listed.start)), default=0)
            if acknowledged > listed.resource_version:
                yield f"the list at {listed.resource_version} lacks revision {acknowledged}, acknowledged before"

    def _state_at(self, revision: int) -> dict[str, tuple[int, str]]:
        state = dict(self._history.base)
        for known in self._revisions[: bisect_right(self._revisions, revision)]:
            event = self._timeline[known]
            if event.type == "DELETED":
                state.pop(event.key, None)
            else:
                state[event.key] = (event.revision, event.value)
        return state

    def _reads_go_forward(self) -> Iterator[str]:
        for key in self._chains:
            reads = sorted((r for r in self._history.reads if r.key == key and r.revision), key=lambda r: r.start)
            yield from _go_forward([(r.start, r.end, r.revision) for r in reads], f"reads of {key}")

    def _lists_go_forward(self) -> Iterator[str]:
        fresh = sorted((one for one in self._history.lists if one.fresh), key=lambda one: one.start)
        yield from _go_forward([(one.start, one.end, one.resource_version) for one in fresh], "lists")


def _go_forward(answers: list[tuple[float, float, int]], what: str) -> Iterator[str]:
    """Whoever asks after another was answered is told nothing older. ``answers`` are in the order of asking."""
    by_end = sorted(answers, key=lambda answer: answer[1])
    ends = [end for _, end, _ in by_end]
    highest: list[int] = []
    for _, _, revision in by_end:
        highest.append(max(revision, highest[-1] if highest else 0))
    for start, _, revision in answers:
        before = bisect_left(ends, start)
        if before and highest[before - 1] > revision:
            yield f"{what} went back from revision {highest[before - 1]} to {revision}"


def _index_of(chain: list[Event], revision: int) -> int:
    return next((index for index, event in enumerate(chain) if event.revision == revision), -1)


def _difference(checker: _Checker, listed: Listed) -> str:
    expected, found = checker._state_at(listed.resource_version), dict(listed.items)
    keys = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    return ", ".join(f"{key} is {found.get(key)} and not {expected.get(key)}" for key in keys)
