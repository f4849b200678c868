from __future__ import annotations

from apiserver.conversion import to_presented, to_stored
from minikube_py.api.resources import EVENTS_V1

PRESENTED = {
    "kind": "Event",
    "apiVersion": "events.k8s.io/v1",
    "metadata": {"name": "e"},
    "regarding": {"kind": "Pod", "name": "p"},
    "related": {"kind": "Node", "name": "n"},
    "note": "a note",
    "reason": "Because",
    "action": "Acted",
    "type": "Normal",
    "eventTime": "2026-11-21T12:00:00.000000Z",
    "series": {"count": 2, "lastObservedTime": "2026-11-21T12:01:00.000000Z"},
    "reportingController": "c",
    "reportingInstance": "i",
    "deprecatedSource": {"component": "c"},
    "deprecatedFirstTimestamp": "2026-11-21T12:00:00Z",
    "deprecatedLastTimestamp": "2026-11-21T12:00:00Z",
    "deprecatedCount": 1,
}


def test_every_field_has_its_other_name() -> None:
    stored = to_stored(EVENTS_V1, PRESENTED)
    assert stored == {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p"},
        "related": {"kind": "Node", "name": "n"},
        "message": "a note",
        "reason": "Because",
        "action": "Acted",
        "type": "Normal",
        "eventTime": "2026-11-21T12:00:00.000000Z",
        "series": {"count": 2, "lastObservedTime": "2026-11-21T12:01:00.000000Z"},
        "reportingComponent": "c",
        "reportingInstance": "i",
        "source": {"component": "c"},
        "firstTimestamp": "2026-11-21T12:00:00Z",
        "lastTimestamp": "2026-11-21T12:00:00Z",
        "count": 1,
    }
    assert to_presented(EVENTS_V1, stored) == PRESENTED


def test_what_only_the_core_group_shows_empty_is_left_out() -> None:
    stored = to_stored(EVENTS_V1, {"kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "e"}})
    assert stored["source"] == {}
    assert stored["reportingComponent"] == ""
    assert set(to_presented(EVENTS_V1, stored)) == {"kind", "apiVersion", "metadata"}
