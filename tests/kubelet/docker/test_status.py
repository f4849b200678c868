from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kubelet.docker import status
from kubelet.docker.client import negotiate
from kubelet.docker.containers import usage
from kubelet.docker.events import decode
from kubelet.runtime import ContainerState, EventType, RuntimeFailure

ZERO = "0001-01-01T00:00:00Z"
CREATED = "2026-11-21T09:00:00.123456789Z"


def detail(**state: Any) -> dict[str, Any]:
    defaults = {
        "Running": False,
        "StartedAt": ZERO,
        "FinishedAt": ZERO,
        "ExitCode": 0,
        "OOMKilled": False,
        "Error": "",
        "Pid": 0,
    }
    return {
        "Id": "id",
        "Created": CREATED,
        "State": defaults | state,
        "Image": "sha256:1",
        "Config": {"Labels": {}, "Image": "busybox", "Tty": False, "OpenStdin": False, "StdinOnce": False},
        "HostConfig": {"NetworkMode": "none"},
    }


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param({}, (ContainerState.CREATED, 0, ""), id="created"),
        pytest.param({"Running": True, "StartedAt": CREATED, "Pid": 7}, (ContainerState.RUNNING, 0, ""), id="running"),
        pytest.param({"FinishedAt": CREATED}, (ContainerState.EXITED, 0, "Completed"), id="ended well"),
        pytest.param({"FinishedAt": CREATED, "ExitCode": 3}, (ContainerState.EXITED, 3, "Error"), id="ended badly"),
        pytest.param(
            {"FinishedAt": CREATED, "ExitCode": 137, "OOMKilled": True},
            (ContainerState.EXITED, 137, "OOMKilled"),
            id="out of memory",
        ),
        pytest.param(
            {"ExitCode": 127, "Error": "no such file"},
            (ContainerState.EXITED, 127, "ContainerCannotRun"),
            id="no such command",
        ),
        pytest.param(
            {"ExitCode": 128, "Error": "mount failed"}, (ContainerState.EXITED, 128, "StartError"), id="not even set up"
        ),
    ],
)
def test_a_containers_state(state: dict[str, Any], expected: tuple[ContainerState, int, str]) -> None:
    found = status.container(detail(**state), "docker://sha256:1")
    assert (found.state, found.exit_code, found.reason) == expected
    assert (found.finished_at is not None) == (found.state is ContainerState.EXITED)


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        pytest.param("2026-11-21T09:00:00.123456789Z", 123456, id="nanoseconds"),
        pytest.param("2026-11-21T09:00:00.5Z", 500000, id="one digit"),
        pytest.param("2026-11-21T10:00:00.5+01:00", 500000, id="another zone"),
        pytest.param("2026-11-21T09:00:00Z", 0, id="whole seconds"),
    ],
)
def test_times_are_read(text: str, microsecond: int) -> None:
    assert status.parse_time(text) == datetime(2026, 11, 21, 9, 0, 0, microsecond, tzinfo=UTC)


def test_no_time_is_none() -> None:
    assert status.parse_time(ZERO) is None
    assert status.parse_time("") is None


@pytest.mark.parametrize(
    ("newest", "oldest", "chosen"),
    [
        pytest.param("1.41", "1.12", "1.41", id="Docker 20.10"),
        pytest.param("1.47", "1.24", "1.44", id="an engine that knows more"),
        pytest.param("1.52", "1.44", "1.44", id="the newest engine"),
        pytest.param("1.60", "1.50", "1.50", id="an engine of the future"),
    ],
)
def test_the_version_is_negotiated(newest: str, oldest: str, chosen: str) -> None:
    assert negotiate(newest, oldest) == chosen


@pytest.mark.parametrize("version", ["1.40", "", "x"])
def test_an_old_engine_is_refused(version: str) -> None:
    with pytest.raises(RuntimeFailure, match="too old"):
        negotiate(version, "1.12")


def test_an_event_names_the_pod_and_its_container() -> None:
    event = decode(
        {
            "Action": "die",
            "timeNano": 1_700_000_000_500_000_000,
            "Actor": {
                "ID": "id",
                "Attributes": {
                    "io.kubernetes.docker.type": "container",
                    "io.kubernetes.pod.uid": "u",
                    "io.kubernetes.pod.name": "p",
                    "io.kubernetes.pod.namespace": "n",
                    "io.kubernetes.container.name": "c",
                    "exitCode": "3",
                },
            },
        }
    )
    assert event is not None
    assert (event.type, event.id, event.pod_uid, event.container_name, event.exit_code) == (
        EventType.DIED,
        "id",
        "u",
        "c",
        3,
    )


def test_an_event_of_no_interest_is_dropped() -> None:
    assert decode({"Action": "exec_start: ls", "Actor": {"ID": "id", "Attributes": {}}}) is None


@pytest.mark.parametrize(
    ("stats", "working_set"),
    [
        pytest.param({"total_inactive_file": 30, "total_rss": 5}, 70, id="cgroup v1"),
        pytest.param({"inactive_file": 40, "anon": 5}, 60, id="cgroup v2"),
    ],
)
def test_the_working_set_leaves_out_what_can_be_dropped(stats: dict[str, int], working_set: int) -> None:
    answer = {
        "read": CREATED,
        "memory_stats": {"usage": 100, "stats": stats},
        "cpu_stats": {"cpu_usage": {"total_usage": 9}},
    }
    found = usage("id", answer)
    assert found is not None
    assert (found.memory_working_set_bytes, found.memory_rss_bytes, found.cpu_usage_nanoseconds) == (working_set, 5, 9)


def test_a_container_that_does_not_run_has_no_usage() -> None:
    assert usage("id", {"memory_stats": {}}) is None
