from __future__ import annotations

from typing import Any

import pytest

from apiserver.strategies import strategy_for
from minikube_py.api import resources

CORE, STRICT = resources.EVENTS, resources.EVENTS_V1
NEW_STYLE = {
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "reportingComponent": "c",
    "reportingInstance": "i",
    "action": "A",
    "reason": "R",
    "type": "Normal",
}


def event(name: str = "x", namespace: str = "d", **fields: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace}
    return {"metadata": meta, "involvedObject": {"namespace": "d"}, "source": {}, **fields}


def errors(resource: Any, obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    strategy = strategy_for(resource)
    found = strategy.validate(obj) if old is None else strategy.validate_update(obj, old)
    return [str(error) for error in found]


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(event(), [], id="of an object"),
        pytest.param(event("Any Name"), [], id="of any name"),
        pytest.param(event(namespace="default", involvedObject={}), [], id="of a cluster's object"),
        pytest.param(
            event(namespace="e"),
            ['involvedObject.namespace: Invalid value: "d": does not match event.namespace'],
            id="of another namespace",
        ),
        pytest.param(event(**NEW_STYLE), [], id="in the new style"),
        pytest.param(
            event(eventTime=NEW_STYLE["eventTime"]),
            [
                "reportingController: Required value",
                'reportingController: Invalid value: "": name part must be non-empty',
                "reportingInstance: Required value",
                "action: Required value",
                "reason: Required value",
            ],
            id="in half the new style",
        ),
        pytest.param(
            event(**{**NEW_STYLE, "action": "x" * 129, "message": "x" * 1025}),
            [
                'action: Invalid value: "": can have at most 128 characters',
                'message: Invalid value: "": can have at most 1024 characters',
            ],
            id="at length",
        ),
    ],
)
def test_a_core_event(obj: dict[str, Any], expected: list[str]) -> None:
    assert [error for error in errors(CORE, obj) if "regex" not in error] == expected


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(event(**NEW_STYLE), [], id="in the new style"),
        pytest.param(event(), ["eventTime: Required value", 'type: Invalid value: "": has invalid value: '], id="bare"),
        pytest.param(
            event(**NEW_STYLE, count=1, firstTimestamp="2026-01-01T00:00:00Z", series={"count": 1}),
            [
                'series.count: Invalid value: "": should be at least 2',
                "series.lastObservedTime: Required value",
                'firstTimestamp: Invalid value: "": needs to be unset',
                'count: Invalid value: "": needs to be unset',
            ],
            id="with older fields",
        ),
    ],
)
def test_a_strict_event(obj: dict[str, Any], expected: list[str]) -> None:
    assert errors(STRICT, obj) == expected


def test_a_strict_event_only_goes_on() -> None:
    old = event(**NEW_STYLE)
    series = {"count": 2, "lastObservedTime": NEW_STYLE["eventTime"]}
    assert errors(STRICT, {**old, "series": series}, old) == []
    assert errors(STRICT, {**old, "reason": "Other"}, old) == ['reason: Invalid value: "Other": field is immutable']


async def test_the_path_decides_how_strict(api: Any) -> None:
    sent = {"metadata": {"name": "x"}, "regarding": {"namespace": "default"}, "note": "n"}
    answer = await api("POST", "/apis/events.k8s.io/v1/namespaces/default/events", sent)
    assert answer.status == 422
    assert "eventTime: Required value" in answer.message
    sent = {"metadata": {"name": "x"}, "involvedObject": {"namespace": "default"}}
    assert (await api("POST", "/api/v1/namespaces/default/events", sent)).status == 201
