from __future__ import annotations

from typing import Any

import pytest

from controllers.actions import RequeueAfter, Update
from controllers.resource_quota.in_flight import RECHECK_SECONDS, InFlight
from controllers.resource_quota.sync import RESYNC_SECONDS, Observation, sync
from minikube_py.api.quota_amounts import parse, written


def status_after(hard: Any, status: Any, counted: Any, in_flight: Any) -> tuple[Any, float]:
    quota = {"spec": {"hard": hard}, "status": status}
    actions = sync(Observation(quota, parse(counted), parse(in_flight)))
    updates = [action.obj["status"] for action in actions if isinstance(action, Update)]
    (again,) = (action.seconds for action in actions if isinstance(action, RequeueAfter))
    return updates[0] if updates else None, again


@pytest.mark.parametrize(
    ("status", "counted", "in_flight", "expected", "again"),
    [
        pytest.param({}, "2", {}, {"hard": {"pods": "3"}, "used": {"pods": "2"}}, RESYNC_SECONDS, id="at first"),
        pytest.param({"hard": {"pods": "3"}, "used": {"pods": "2"}}, "2", {}, None, RESYNC_SECONDS, id="all is right"),
        pytest.param(
            {"hard": {"pods": "9"}, "used": {"pods": "2"}},
            "2",
            {},
            {"hard": {"pods": "3"}, "used": {"pods": "2"}},
            RESYNC_SECONDS,
            id="another limit",
        ),
        pytest.param(
            {"hard": {"pods": "3"}, "used": {"pods": "2"}},
            "1",
            {},
            {"hard": {"pods": "3"}, "used": {"pods": "1"}},
            RESYNC_SECONDS,
            id="something has gone",
        ),
        pytest.param(
            {"hard": {"pods": "3"}, "used": {"pods": "2"}}, "1", {"pods": "1"}, None, RECHECK_SECONDS, id="on its way"
        ),
        pytest.param(
            {"hard": {"pods": "3"}, "used": {"pods": "1"}},
            "2",
            {"pods": "1"},
            {"hard": {"pods": "3"}, "used": {"pods": "2"}},
            RESYNC_SECONDS,
            id="more than was charged",
        ),
    ],
)
def test_the_status_of_a_quota(status: Any, counted: Any, in_flight: Any, expected: Any, again: float) -> None:
    assert status_after({"pods": "3"}, status, {"pods": counted}, in_flight) == (expected, again)


def test_what_nobody_counts_stays_as_it_was() -> None:
    hard = {"pods": "1", "example.com/x": "1"}
    status, _ = status_after(hard, {"used": {"example.com/x": "1", "gone": "1"}}, {"pods": "0"}, {})
    assert status == {"hard": {"example.com/x": "1", "pods": "1"}, "used": {"example.com/x": "1", "pods": "0"}}


def test_a_charge_is_on_its_way_until_its_object_is_seen_or_it_settles() -> None:
    log = InFlight()
    log.charged("ns/q", parse({"pods": "2"}), 100)
    log.seen("ns/q", parse({"pods": "1"}), 101)
    assert written(log.amounts("ns/q", 102)) == {"pods": "1"}
    assert log.amounts("ns/q", 100 + RECHECK_SECONDS) == {}


def test_an_object_may_be_seen_before_its_charge() -> None:
    log = InFlight()
    log.seen("ns/q", parse({"pods": "1"}), 100)
    log.charged("ns/q", parse({"pods": "1"}), 100.1)
    assert log.amounts("ns/q", 101) == {}
