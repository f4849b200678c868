import pytest

from apiserver.storage.cached import Cached, CacheEvent, no_fields
from apiserver.storage.history import History, HistoryLimits, RevisionExpired


def event(revision, size=10):
    return CacheEvent(None, Cached("ns", "p", revision, b"", b"x" * size, no_fields), revision)


class Filled:
    def __init__(self, **limits):
        self.now = 0.0
        self.history = History(10, HistoryLimits(**limits), lambda: self.now)

    def add(self, *revisions, size=10):
        for revision in revisions:
            self.history.append(event(revision, size))


def revisions(events):
    return [e.revision for e in events]


def test_events_after_a_revision_come_in_order():
    filled = Filled()
    filled.add(11, 13, 17)
    assert revisions(filled.history.since(10)) == [11, 13, 17]
    assert revisions(filled.history.since(13)) == [17]
    assert revisions(filled.history.since(14)) == [17]
    assert revisions(filled.history.since(17)) == []


def test_what_was_before_the_beginning_is_expired():
    with pytest.raises(RevisionExpired):
        Filled().history.since(9)


@pytest.mark.parametrize(
    ("limits", "size", "kept"),
    [
        pytest.param({"minimum": 2, "maximum": 3}, 10, 3, id="never more than the maximum"),
        pytest.param({"minimum": 2, "maximum_bytes": 100}, 60, 2, id="bytes bound it down to the minimum"),
        pytest.param({"minimum": 2, "kept_regardless_of_age": 3, "seconds": 5.0}, 10, 10, id="young events stay"),
    ],
)
def test_limits(limits, size, kept):
    filled = Filled(**limits)
    filled.add(*range(11, 21), size=size)
    assert len(filled.history) == kept
    assert filled.history.floor == (20 - kept if kept < 10 else 10)


def test_old_events_go_when_there_are_many():
    filled = Filled(minimum=1, kept_regardless_of_age=2, seconds=5.0)
    filled.add(11, 12, 13)
    filled.now = 6.0
    filled.add(14)
    assert revisions(filled.history.since(filled.history.floor)) == [13, 14]
