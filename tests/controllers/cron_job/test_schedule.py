from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from controllers.cron_job.schedule import due, parse
from minikube_py.api.times import parse_time


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}:00").replace(tzinfo=UTC)


def a_cron_job(schedule: str, created: str = "2026-03-01T00:00:30Z", last: str = "", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "tick", "namespace": "default", "creationTimestamp": created},
        "spec": {"schedule": schedule, **spec},
        "status": {"lastScheduleTime": last} if last else {},
    }


@pytest.mark.parametrize(
    ("cron_job", "now", "latest", "following", "missed"),
    [
        pytest.param(a_cron_job("*/5 * * * *"), "03-01 00:04", None, "03-01 00:05", 0, id="not due yet"),
        pytest.param(a_cron_job("*/5 * * * *"), "03-01 00:05", "03-01 00:05", "03-01 00:10", 1, id="due now"),
        pytest.param(
            a_cron_job("*/5 * * * *"), "03-01 00:21", "03-01 00:20", "03-01 00:25", 4, id="the latest of several missed"
        ),
        pytest.param(
            a_cron_job("*/5 * * * *", last="2026-03-01T00:20:00Z"),
            "03-01 00:21",
            None,
            "03-01 00:25",
            0,
            id="met already",
        ),
        pytest.param(
            a_cron_job("* * * * *"), "03-08 00:00", "03-08 00:00", "03-08 00:01", 10080, id="a week of minutes missed"
        ),
        pytest.param(
            a_cron_job("* 9 * * *"), "03-03 20:00", "03-03 09:59", "03-04 09:00", 3541, id="minutes of one hour a day"
        ),
        pytest.param(
            a_cron_job("0 0 1 * *"), "05-20 00:00", "05-01 00:00", "06-01 00:00", 2, id="months of unequal lengths"
        ),
        pytest.param(
            a_cron_job("*/5 * * * *", startingDeadlineSeconds=60), "03-01 00:17", None, "03-01 00:20", 0, id="too late"
        ),
        pytest.param(
            a_cron_job("0 9 * * *", created="2026-02-28T23:00:00Z", timeZone="Asia/Tokyo"),
            "03-01 00:01",
            "03-01 00:00",
            "03-02 00:00",
            1,
            id="nine o'clock in Tokyo",
        ),
    ],
)
def test_what_is_due(cron_job, now, latest, following, missed):
    found = due(cron_job, parse(cron_job), at(now))
    assert (found.latest, found.next, found.missed) == (at(latest) if latest else None, at(following), missed)


def test_a_plain_interval_counts_from_the_last_time():
    cron_job = a_cron_job("@every 90s", created="2026-03-01T00:00:30Z")
    found = due(cron_job, parse(cron_job), at("03-01 00:06"))
    assert found.latest == parse_time("2026-03-01T00:05:00Z")
