from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from minikube_py.api.meta import Object
from minikube_py.api.resources import CRON_JOBS, EVENTS, JOBS
from minikube_py.api.times import format_time, parse_time


def a_cron_job(**spec: Any) -> Object:
    template = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "c"}]}}}
    return {
        "metadata": {"name": "tick", "namespace": "default"},
        "spec": {
            "schedule": "* * * * *",
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {"metadata": {"labels": {"l": "1"}, "annotations": {"a": "2"}}, "spec": template},
            **spec,
        },
    }


@pytest.fixture
async def crons(harness):
    await harness.start("cronjob-controller")
    return harness


async def made(harness, **spec: Any) -> None:
    await harness.client.create(CRON_JOBS, a_cron_job(**spec))
    await harness.settle()


async def minutes(harness, count: int = 1) -> None:
    for _ in range(count):
        await harness.advance(60.5)


def status(harness) -> Object:
    return harness.client.object(CRON_JOBS, "tick", "default").get("status") or {}


def jobs(harness) -> list[Object]:
    return harness.client.objects(JOBS)


def active(harness) -> list[str]:
    return [reference["name"] for reference in status(harness).get("active") or []]


def events(harness, reason: str) -> list[str]:
    return [event["message"] for event in harness.client.objects(EVENTS) if event["reason"] == reason]


async def end(harness, job: Object, condition: str) -> None:
    now = format_time(harness.clock.now())
    told = {"conditions": [{"type": condition, "status": "True"}], "startTime": job["metadata"]["creationTimestamp"]}
    if condition == "Complete":
        told["completionTime"] = now
    harness.client.seed(JOBS, {**harness.client.object(JOBS, job["metadata"]["name"], "default"), "status": told})
    await harness.settle()


async def test_a_job_is_made_of_the_template_when_the_time_comes(crons):
    await made(crons)
    assert jobs(crons) == []
    await minutes(crons)
    (job,) = jobs(crons)
    scheduled = parse_time(status(crons)["lastScheduleTime"])
    assert job["metadata"]["name"] == f"tick-{int(scheduled.timestamp()) // 60}"
    assert job["metadata"]["labels"] == {"l": "1"}
    assert job["metadata"]["annotations"] == {
        "a": "2",
        "batch.kubernetes.io/cronjob-scheduled-timestamp": format_time(scheduled),
    }
    assert job["metadata"]["ownerReferences"][0]["kind"] == "CronJob"
    assert active(crons) == [job["metadata"]["name"]]
    assert events(crons, "SuccessfulCreate") == [f"Created job {job['metadata']['name']}"]


async def test_a_completed_job_leaves_the_active_list_and_tells_its_time(crons):
    await made(crons)
    await minutes(crons)
    (job,) = jobs(crons)
    await end(crons, job, "Complete")
    assert active(crons) == []
    assert status(crons)["lastSuccessfulTime"] == format_time(crons.clock.now())
    name = job["metadata"]["name"]
    assert events(crons, "SawCompletedJob") == [f"Saw completed job: {name}, condition: Complete"]


@pytest.mark.parametrize(
    ("policy", "running", "event"),
    [
        pytest.param("Allow", 3, "", id="several at once"),
        pytest.param("Forbid", 1, "JobAlreadyActive", id="none while one is active"),
        pytest.param("Replace", 1, "SuccessfulDelete", id="the newer takes the place"),
    ],
)
async def test_what_happens_while_one_is_running(crons, policy, running, event):
    await made(crons, concurrencyPolicy=policy)
    await minutes(crons)
    (first,) = jobs(crons)
    await minutes(crons, 2)
    assert len(jobs(crons)) == running
    assert len(active(crons)) == running
    assert bool(event) == bool(event and events(crons, event))
    assert (first in jobs(crons)) == (policy != "Replace")


async def test_a_suspended_one_makes_nothing(crons):
    await made(crons, suspend=True)
    await minutes(crons, 3)
    assert jobs(crons) == []


async def test_the_oldest_ended_jobs_beyond_the_limits_are_deleted(crons):
    await made(crons, successfulJobsHistoryLimit=1, failedJobsHistoryLimit=0)
    ends = ["Complete", "Failed", "Complete"]
    for condition in ends:
        await minutes(crons)
        name = active(crons)[0]
        await end(crons, crons.client.object(JOBS, name, "default"), condition)
    (left,) = jobs(crons)
    assert left["metadata"]["name"] == name
    assert len(events(crons, "SuccessfulDelete")) == 2


async def test_a_time_missed_by_more_than_the_deadline_is_passed_over(crons):
    past = crons.clock.now() - timedelta(hours=3)
    cron_job = a_cron_job(startingDeadlineSeconds=5, schedule="0 * * * *")
    cron_job["metadata"]["creationTimestamp"] = format_time(past)
    crons.client.seed(CRON_JOBS, cron_job)
    await crons.settle()
    assert all(parse_time(job["metadata"]["creationTimestamp"]).minute == 0 for job in jobs(crons))


async def test_very_many_missed_times_are_told_and_one_job_is_made(crons):
    cron_job = a_cron_job()
    cron_job["metadata"]["creationTimestamp"] = format_time(crons.clock.now() - timedelta(hours=3))
    crons.client.seed(CRON_JOBS, cron_job)
    await crons.settle()
    assert len(jobs(crons)) == 1
    (message,) = events(crons, "TooManyMissedTimes")
    assert message.startswith("too many missed start times: 18")


async def test_an_active_job_that_is_gone_is_told(crons):
    await made(crons)
    await minutes(crons)
    (job,) = jobs(crons)
    name = job["metadata"]["name"]
    crons.client.remove(JOBS, name, "default")
    await crons.settle()
    assert active(crons) == []
    assert events(crons, "MissingJob") == [f"Active job went missing: {name}"]


async def test_a_job_made_just_before_a_crash_is_taken_up_again(crons):
    await made(crons)
    await minutes(crons)
    (job,) = jobs(crons)
    stored = crons.client.object(CRON_JOBS, "tick", "default")
    crons.client.seed(CRON_JOBS, {**stored, "status": {}})
    await crons.settle()
    assert len(jobs(crons)) == 1
    assert active(crons) == [job["metadata"]["name"]]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param({"schedule": "61 * * * *"}, "UnparseableSchedule", id="a schedule out of range"),
        pytest.param({"timeZone": "Mars/Olympus"}, "UnknownTimeZone", id="a time zone that is none"),
    ],
)
async def test_what_cannot_be_understood_is_told(crons, spec, reason):
    await made(crons, **spec)
    assert events(crons, reason)
    assert jobs(crons) == []
