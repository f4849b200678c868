from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kubelet.server.log_request import InvalidLogRequest, LogUnavailable, log_container_id, parse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = {"terminated": {"containerID": "docker://old"}}


def pod(status: dict[str, Any] | None) -> dict[str, Any]:
    statuses = [{"name": "c", **status}] if status is not None else []
    return {"metadata": {"name": "p"}, "spec": {}, "status": {"containerStatuses": statuses}}


@pytest.mark.parametrize(
    ("status", "previous", "found"),
    [
        pytest.param({"state": {"running": {}}, "containerID": "docker://new"}, False, "new", id="one that runs"),
        pytest.param(
            {"state": {"running": {}}, "containerID": "docker://new", "lastState": ENDED},
            True,
            "old",
            id="the one before",
        ),
        pytest.param({"state": ENDED}, False, "old", id="one that ended"),
        pytest.param(
            {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ENDED},
            False,
            "old",
            id="between restarts",
        ),
    ],
)
def test_the_log_is_of(status: dict[str, Any], previous: bool, found: str) -> None:
    assert log_container_id(pod(status), "c", previous=previous) == found


@pytest.mark.parametrize(
    ("status", "previous", "text"),
    [
        pytest.param(None, False, 'container "c" in pod "p" is not available', id="not looked at yet"),
        pytest.param(
            {"state": {"running": {}}},
            True,
            'previous terminated container "c" in pod "p" not found',
            id="never restarted",
        ),
        pytest.param(
            {"state": {"waiting": {"reason": "ErrImagePull"}}},
            False,
            'container "c" in pod "p" is waiting to start: image can\'t be pulled',
            id="image not pulled",
        ),
        pytest.param(
            {"state": {"waiting": {"reason": "ImagePullBackOff"}}},
            False,
            'container "c" in pod "p" is waiting to start: trying and failing to pull image',
            id="image pull backing off",
        ),
        pytest.param(
            {"state": {"waiting": {"reason": "ContainerCreating"}}},
            False,
            'container "c" in pod "p" is waiting to start: ContainerCreating',
            id="being created",
        ),
        pytest.param({"state": {"terminated": {}}}, False, 'container "c" in pod "p" is terminated', id="gone"),
        pytest.param({}, False, 'container "c" in pod "p" is waiting to start - no logs yet', id="no state"),
    ],
)
def test_there_is_no_log(status: dict[str, Any] | None, previous: bool, text: str) -> None:
    with pytest.raises(LogUnavailable) as refused:
        log_container_id(pod(status), "c", previous=previous)
    assert str(refused.value) == text


def test_a_query_becomes_options() -> None:
    wanted = parse(
        {"follow": "true", "sinceSeconds": "60", "tailLines": "0", "limitBytes": "9", "timestamps": "1"}, NOW
    )
    assert wanted.options.follow
    assert wanted.options.timestamps
    assert wanted.options.tail_lines == 0
    assert wanted.options.since == NOW - timedelta(seconds=60)
    assert wanted.limit_bytes == 9
    assert parse({"sinceTime": "2025-12-31T00:00:00Z"}, NOW).options.since == NOW - timedelta(days=1)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"sinceSeconds": "1", "sinceTime": "2025-12-31T00:00:00Z"}, id="both kinds of since"),
        pytest.param({"sinceTime": "yesterday"}, id="not a time"),
        pytest.param({"limitBytes": "0"}, id="no bytes"),
        pytest.param({"tailLines": "x"}, id="not a number"),
        pytest.param({"follow": "maybe"}, id="not a boolean"),
    ],
)
def test_a_query_that_cannot_be_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(InvalidLogRequest):
        parse(query, NOW)
