from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api.meta import Object, is_deleting
from minikube_py.api.resources import JOBS
from minikube_py.api.times import format_time


@pytest.fixture
async def ttl(harness):
    await harness.start("ttl-after-finished-controller")
    return harness


def finished(harness, condition: str = "Complete", **spec: Any) -> None:
    now = format_time(harness.clock.now())
    job: Object = {
        "metadata": {"name": "done", "namespace": "default"},
        "spec": spec,
        "status": {"conditions": [{"type": condition, "status": "True", "lastTransitionTime": now}]},
    }
    harness.client.seed(JOBS, job)


def is_gone(harness) -> bool:
    job = harness.client.object(JOBS, "done", "default")
    return job is None or is_deleting(job)


@pytest.mark.parametrize("condition", ["Complete", "Failed"])
async def test_a_finished_job_is_deleted_with_its_pods_when_its_time_is_over(ttl, condition):
    finished(ttl, condition, ttlSecondsAfterFinished=30)
    await ttl.advance(29)
    assert not is_gone(ttl)
    await ttl.advance(2)
    assert is_gone(ttl)
    (deletion,) = [action for action in ttl.client.actions if action.verb == "delete"]
    assert deletion.body["propagationPolicy"] == "Foreground"


async def test_zero_seconds_is_at_once(ttl):
    finished(ttl, ttlSecondsAfterFinished=0)
    await ttl.settle()
    assert is_gone(ttl)


@pytest.mark.parametrize(
    ("condition", "spec"),
    [
        pytest.param("Complete", {}, id="no limit"),
        pytest.param("Suspended", {"ttlSecondsAfterFinished": 1}, id="not finished"),
    ],
)
async def test_others_stay(ttl, condition, spec):
    finished(ttl, condition, **spec)
    await ttl.advance(1000)
    assert not is_gone(ttl)


async def test_a_limit_that_is_raised_in_time_holds(ttl):
    finished(ttl, ttlSecondsAfterFinished=10)
    await ttl.advance(5)
    await ttl.client.patch(JOBS, "done", {"spec": {"ttlSecondsAfterFinished": 100}}, namespace="default")
    await ttl.advance(50)
    assert not is_gone(ttl)
