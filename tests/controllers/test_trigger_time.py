from __future__ import annotations

from controllers.trigger_time import change_trigger_time

SERVICE = {"metadata": {"name": "web", "creationTimestamp": "2026-01-01T00:00:00Z"}}


def pod(name: str, second: int) -> dict[str, object]:
    changed = {"type": "Ready", "status": "True", "lastTransitionTime": f"2026-01-01T00:00:{second:02}Z"}
    return {"metadata": {"name": name}, "status": {"conditions": [changed]}}


def test_the_first_time_is_the_earliest_there_is():
    assert change_trigger_time(None, SERVICE, [pod("a", 5)])[0] == "2026-01-01T00:00:00Z"


def test_later_it_is_the_earliest_of_the_changes():
    _, state = change_trigger_time(None, SERVICE, [pod("a", 5), pod("b", 5), pod("c", 5)])
    assert change_trigger_time(state, SERVICE, [pod("a", 5), pod("b", 9), pod("c", 7)])[0] == "2026-01-01T00:00:07Z"


def test_without_a_change_there_is_none():
    _, state = change_trigger_time(None, SERVICE, [pod("a", 5)])
    assert change_trigger_time(state, SERVICE, [pod("a", 5)])[0] == ""
