from __future__ import annotations

from typing import Any

import pytest

from apiserver.strategies import strategy_for
from minikube_py.api.resources import CRON_JOBS

STRATEGY = strategy_for(CRON_JOBS)


def a_cron_job(name: str = "c", job: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "OnFailure"}}
    job_template = {"spec": {"template": template, **(job or {})}}
    fields = {"schedule": "* * * * *", "jobTemplate": job_template, **spec}
    return STRATEGY.default({"metadata": {"name": name, "namespace": "d"}, "spec": fields})


def errors_of(cron_job: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate(cron_job)]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Etc/GMT+5"])
def test_a_good_cron_job_has_no_errors(zone: str) -> None:
    assert errors_of(a_cron_job(timeZone=zone, schedule="@daily")) == []


def test_defaults() -> None:
    spec = a_cron_job()["spec"]
    assert {key: spec[key] for key in spec if key not in ("schedule", "jobTemplate")} == {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }
    assert "backoffLimit" not in spec["jobTemplate"]["spec"]
    assert spec["jobTemplate"]["spec"]["template"]["spec"]["dnsPolicy"] == "ClusterFirst"


@pytest.mark.parametrize(
    ("cron_job", "error"),
    [
        pytest.param(a_cron_job(schedule=""), "spec.schedule: Required value", id="no schedule"),
        pytest.param(
            a_cron_job(schedule="61 * * * *"),
            'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61',
            id="schedule",
        ),
        pytest.param(
            a_cron_job(schedule="TZ=UTC * * * * *"),
            'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone '
            "field instead",
            id="a zone in the schedule",
        ),
        pytest.param(
            a_cron_job(timeZone="Nowhere"),
            'spec.timeZone: Invalid value: "Nowhere": unknown time zone Nowhere',
            id="an unknown zone",
        ),
        pytest.param(
            a_cron_job(timeZone="../x"),
            'spec.timeZone: Invalid value: "../x": unknown time zone ../x',
            id="a path for a zone",
        ),
        pytest.param(
            a_cron_job(timeZone="Local"),
            'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in '
            "https://www.iana.org/time-zones",
            id="the local zone",
        ),
        pytest.param(
            a_cron_job(timeZone=""),
            'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string',
            id="an empty zone",
        ),
        pytest.param(
            a_cron_job(concurrencyPolicy="Maybe"),
            'spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", "Forbid", "Replace"',
            id="concurrency",
        ),
        pytest.param(
            a_cron_job(startingDeadlineSeconds=-1),
            "spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
            id="deadline",
        ),
        pytest.param(
            a_cron_job(name="c" * 53),
            f'metadata.name: Invalid value: "{"c" * 53}": must be no more than 52 characters',
            id="a long name",
        ),
        pytest.param(
            a_cron_job(job={"manualSelector": True}),
            'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "false", "nil"',
            id="a selector by hand",
        ),
        pytest.param(
            a_cron_job(job={"selector": {}}),
            "spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated",
            id="a selector",
        ),
    ],
)
def test_one_error(cron_job: dict[str, Any], error: str) -> None:
    assert errors_of(cron_job) == [error]


def test_a_zone_that_was_in_the_schedule_may_stay() -> None:
    old = a_cron_job(schedule="TZ=UTC * * * * *")
    assert STRATEGY.validate_update(a_cron_job(schedule="TZ=UTC 5 * * * *"), old) == []
    both = a_cron_job(schedule="TZ=UTC 5 * * * *", timeZone="UTC")
    (error,) = STRATEGY.validate_update(both, old)
    assert error.message.endswith("cannot use both timeZone field and TZ or CRON_TZ in schedule")


def test_a_long_name_that_is_there_may_stay() -> None:
    cron_job = a_cron_job(name="c" * 60)
    assert STRATEGY.validate_update(cron_job, cron_job) == []


def test_warnings() -> None:
    (warning,) = STRATEGY.warnings(a_cron_job(schedule="TZ=UTC * * * * *"))
    assert warning.startswith("CRON_TZ or TZ used in spec.spec.schedule is not officially supported")
