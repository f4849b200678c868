"""The checker of histories must let good ones pass and catch bad ones: each kind of violation, planted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from history_checker import Event, History, Listed, Read, Watched, Write, check

CREATE = Write(1, 2, "a", "create", "v1", "ok", revision=11)
UPDATE = Write(3, 4, "a", "update", "v2", "ok", expected=11, revision=12)
LOST_SWAP = Write(3, 5, "a", "update", "v3", "refused", expected=11)
OTHER = Write(4, 6, "b", "create", "w1", "ok", revision=13)
BROKEN = Write(5, 6, "b", "patch", "w2", "unknown")
DELETE = Write(7, 8, "a", "delete", "d1", "ok", expected=12)
EVENTS = (
    Event("ADDED", "a", 11, "v1"),
    Event("MODIFIED", "a", 12, "v2"),
    Event("ADDED", "b", 13, "w1"),
    Event("DELETED", "a", 14, "v2"),
)
GOOD = History(
    base_revision=10,
    writes=(CREATE, UPDATE, LOST_SWAP, OTHER, BROKEN, DELETE),
    reads=(
        Read(2.5, 2.6, "a", 11, "v1"),
        Read(3.1, 3.9, "a", 11, "v1"),
        Read(4.5, 4.6, "a", 12, "v2"),
        Read(9, 9.1, "a", 0),
        Read(0.1, 0.2, "b", 0),
    ),
    lists=(
        Listed(0.1, 0.2, 10, {}),
        Listed(6.1, 6.2, 13, {"a": (12, "v2"), "b": (13, "w1")}),
        Listed(9, 9.1, 14, {"b": (13, "w1")}),
        Listed(9.5, 9.6, 12, {"a": (12, "v2")}, fresh=False),
    ),
    watches=(Watched("one", 10, 14, EVENTS), Watched("two", 12, 14, EVENTS[2:]), Watched("idle", 14, 14, ())),
)


def with_events(*events: Event, **changes: Any) -> History:
    """The good history, its first watch told otherwise and no other there."""
    return replace(GOOD, watches=(Watched("one", 10, 14, events),), **changes)


def with_watch(watched: Watched) -> History:
    return replace(GOOD, watches=(*GOOD.watches, watched))


def with_write(old: Write, new: Write) -> History:
    return replace(GOOD, writes=tuple(new if write is old else write for write in GOOD.writes))


def test_a_good_history_passes() -> None:
    assert check(GOOD) == []


def test_a_write_of_unknown_outcome_may_have_happened() -> None:
    happened = Event("MODIFIED", "b", 14, "w2")
    events = (*EVENTS[:3], happened, Event("DELETED", "a", 15, "v2"))
    history = replace(GOOD, lists=(), watches=(Watched("one", 10, 15, events),))
    assert check(history) == []


def test_a_history_may_begin_with_objects() -> None:
    history = History(
        10,
        {"a": (7, "old")},
        writes=(Write(1, 2, "a", "update", "new", "ok", expected=7, revision=11),),
        reads=(Read(0, 0.1, "a", 7, "old"),),
        watches=(Watched("one", 10, 11, (Event("MODIFIED", "a", 11, "new"),)),),
    )
    assert check(history) == []


@pytest.mark.parametrize(
    ("history", "violation"),
    [
        pytest.param(with_watch(Watched("bad", 10, 14, EVENTS[:2] + EVENTS[3:])), "bad was not told", id="a gap"),
        pytest.param(with_watch(Watched("bad", 10, 14, EVENTS[:3])), "bad was not told", id="an end that is missing"),
        pytest.param(
            with_watch(Watched("bad", 10, 14, (*EVENTS[:2], *EVENTS[1:]))), "after revision 12", id="an event twice"
        ),
        pytest.param(
            with_watch(Watched("bad", 10, 14, (EVENTS[1], EVENTS[0], *EVENTS[2:]))),
            "after revision 12",
            id="events in the wrong order",
        ),
        pytest.param(
            with_watch(Watched("bad", 12, 14, EVENTS[1:])), "before 12", id="an event from before the resumption"
        ),
        pytest.param(
            with_watch(Watched("bad", 10, 14, (replace(EVENTS[0], value="v9"), *EVENTS[1:]))),
            "another watch",
            id="two watches that differ",
        ),
        pytest.param(with_events(*EVENTS[:1], *EVENTS[2:]), "acknowledged and is not there", id="a lost write"),
        pytest.param(with_events(*EVENTS[:3]), "was followed by None", id="a lost deletion"),
        pytest.param(
            with_events(replace(EVENTS[0], type="MODIFIED"), *EVENTS[1:]),
            "was not there",
            id="a change of what was not there",
        ),
        pytest.param(
            with_events(EVENTS[0], replace(EVENTS[1], type="ADDED"), *EVENTS[2:]),
            "was there",
            id="an addition of what was there",
        ),
        pytest.param(
            with_events(*EVENTS[:3], replace(EVENTS[3], value="v1")),
            "another state than the last",
            id="a deletion with an old state",
        ),
        pytest.param(
            with_events(*EVENTS[:3], Event("MODIFIED", "b", 14, "v3"), replace(EVENTS[3], revision=15), lists=()),
            "was written by nobody",
            id="a refused write that happened",
        ),
        pytest.param(
            with_events(*EVENTS, Event("MODIFIED", "b", 15, "nobody's")), "was written by nobody", id="an invention"
        ),
        pytest.param(
            with_write(UPDATE, replace(UPDATE, expected=9)), "followed revision 11", id="a swap over another write"
        ),
        pytest.param(
            with_write(UPDATE, replace(UPDATE, revision=13)),
            "acknowledged and is not there",
            id="a write acknowledged with another revision",
        ),
        pytest.param(
            with_write(LOST_SWAP, replace(LOST_SWAP, key="b", expected=13)),
            "is the last",
            id="a swap refused though nobody else wrote",
        ),
        pytest.param(
            with_write(LOST_SWAP, replace(LOST_SWAP, start=2.1, end=2.2)),
            "was refused before",
            id="a swap refused too early",
        ),
        pytest.param(
            replace(GOOD, reads=(Read(4.5, 4.6, "a", 11, "v1"),)), "is older than revision 12", id="a stale read"
        ),
        pytest.param(
            replace(GOOD, reads=(Read(4.5, 4.6, "a", 0),)), "found nothing", id="a stale read of what is there"
        ),
        pytest.param(
            replace(GOOD, reads=(Read(9, 9.1, "a", 12, "v2"),)), "had deleted before", id="a stale read of what is gone"
        ),
        pytest.param(replace(GOOD, reads=(Read(2.5, 2.6, "a", 12, "v2"),)), "wrote later", id="a read from the future"),
        pytest.param(
            replace(GOOD, reads=(Read(4.5, 4.6, "a", 12, "v9"),)), "never there", id="a read of what was never there"
        ),
        pytest.param(
            replace(GOOD, reads=(Read(3.1, 3.2, "a", 12, "v2"), Read(3.3, 3.4, "a", 11, "v1"))),
            "reads of a went back",
            id="reads that go back",
        ),
        pytest.param(
            replace(GOOD, lists=(Listed(9, 9.1, 14, {"a": (12, "v2"), "b": (13, "w1")}),)),
            "a is (12, 'v2') and not None",
            id="a list that is of two states",
        ),
        pytest.param(
            replace(GOOD, lists=(Listed(6.5, 6.6, 12, {"a": (12, "v2")}),)),
            "lacks revision 13",
            id="a stale list",
        ),
        pytest.param(
            replace(
                GOOD,
                lists=(
                    Listed(7.1, 7.2, 14, {"b": (13, "w1")}),
                    Listed(7.3, 7.4, 13, {"a": (12, "v2"), "b": (13, "w1")}),
                ),
            ),
            "lists went back",
            id="lists that go back",
        ),
    ],
)
def test_a_violation_is_caught(history: History, violation: str) -> None:
    assert any(violation in found for found in check(history)), check(history)
