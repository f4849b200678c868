from __future__ import annotations

from typing import Any

import pytest

from apiserver.validation.job_status import job_status_update

START, END = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"


def a_job(*conditions: str, spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    listed = [{"type": name, "status": "True"} for name in conditions]
    return {"metadata": {"name": "j"}, "spec": spec or {}, "status": {"conditions": listed, **status}}


def errors_of(new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    return [str(error) for error in job_status_update(new, old or a_job())]


COMPLETE = a_job("SuccessCriteriaMet", "Complete", startTime=START, completionTime=END, succeeded=1)


def test_the_life_of_a_job() -> None:
    running = a_job(startTime=START, active=1, ready=1)
    assert errors_of(running) == []
    assert errors_of(a_job("SuccessCriteriaMet", startTime=START, active=1), running) == []
    assert errors_of(COMPLETE, running) == []
    assert errors_of(a_job("FailureTarget", "Failed", startTime=START, failed=1), running) == []


@pytest.mark.parametrize(
    ("new", "old", "error"),
    [
        pytest.param(a_job(active=-1), None, "status.active: Invalid value: -1: must be greater", id="negative"),
        pytest.param(
            a_job("Complete", startTime=START, completionTime=END),
            None,
            "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true",
            id="complete without having succeeded",
        ),
        pytest.param(
            a_job("Failed", startTime=START),
            None,
            "status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true",
            id="failed without having been told to",
        ),
        pytest.param(
            a_job("SuccessCriteriaMet", "Complete", startTime=START),
            None,
            "status.completionTime: Required value: completionTime is required for Complete jobs",
            id="complete at no time",
        ),
        pytest.param(
            a_job(startTime=START, completionTime=END),
            None,
            "status.completionTime: Invalid value: ",
            id="a time of completion before the end",
        ),
        pytest.param(
            a_job("SuccessCriteriaMet", "Complete", startTime=END, completionTime=START),
            None,
            f'status.completionTime: Invalid value: "{START}": completionTime cannot be set before startTime',
            id="done before it began",
        ),
        pytest.param(
            a_job("SuccessCriteriaMet", "Complete", startTime=START, completionTime=END, active=1),
            None,
            "status.active: Invalid value: 1: active>0 is invalid for finished job",
            id="active although finished",
        ),
        pytest.param(
            a_job(),
            COMPLETE,
            "status.conditions: Invalid value: cannot disable the terminal Complete=True",
            id="revived",
        ),
        pytest.param(
            a_job(failed=1), a_job(failed=2), "status.failed: Invalid value: 1: cannot decrease the failed", id="counts"
        ),
        pytest.param(
            a_job(), a_job(startTime=START), "status.startTime: Required value: startTime cannot be removed", id="start"
        ),
        pytest.param(
            a_job(completedIndexes="0"),
            None,
            'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes',
            id="indexes of a Job without",
        ),
        pytest.param(
            a_job(
                spec={"completions": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 1},
                completedIndexes="0-1",
                failedIndexes="1",
            ),
            None,
            'status.failedIndexes: Invalid value: "1": failedIndexes and completedIndexes overlap at index: 1',
            id="an index that failed and succeeded",
        ),
        pytest.param(
            a_job(uncountedTerminatedPods={"succeeded": ["a", "a"]}),
            None,
            'status.uncountedTerminatedPods.succeeded[1]: Duplicate value: "a"',
            id="a pod counted twice",
        ),
        pytest.param(
            a_job(ready=1), None, "status.ready: Invalid value: 1: cannot set more ready", id="more than active"
        ),
    ],
)
def test_one_error(new: dict[str, Any], old: dict[str, Any] | None, error: str) -> None:
    assert any(found.startswith(error) for found in errors_of(new, old)), errors_of(new, old)


def test_what_was_inconsistent_already_is_let_through() -> None:
    stored = a_job("Complete", startTime=START, completionTime=END)
    assert errors_of(a_job("Complete", "More", startTime=START, completionTime=END), stored) == []
