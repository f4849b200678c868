from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apiserver.table.pods import cells, row_conditions

NOW = datetime(2026, 11, 21, 1, 7, 30, tzinfo=UTC)
CREATED = "2026-11-21T01:07:24Z"


def pod(containers: int = 1, init: list[dict[str, Any]] | None = None, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "creationTimestamp": CREATED},
        "spec": {"containers": [{"name": f"c{i}"} for i in range(containers)], "initContainers": init or []},
        "status": {"phase": "Pending", **status},
    }


def container(name: str = "c0", *, ready: bool = False, restarts: int = 0, **state: Any) -> dict[str, Any]:
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state}


RUNNING = {"running": {"startedAt": CREATED}}
READY = [{"type": "Ready", "status": "True"}]


@pytest.mark.parametrize(
    ("subject", "ready", "status"),
    [
        pytest.param(pod(), "0/1", "Pending", id="a new pod"),
        pytest.param(
            pod(containerStatuses=[container(waiting={"reason": "ContainerCreating"})]),
            "0/1",
            "ContainerCreating",
            id="containers being created",
        ),
        pytest.param(
            pod(phase="Running", containerStatuses=[container(ready=True, **RUNNING)]), "1/1", "Running", id="running"
        ),
        pytest.param(
            pod(phase="Running", containerStatuses=[container(waiting={"reason": "CrashLoopBackOff"}, restarts=2)]),
            "0/1",
            "CrashLoopBackOff",
            id="crash loop",
        ),
        pytest.param(
            pod(phase="Failed", containerStatuses=[container(terminated={"exitCode": 3})]),
            "0/1",
            "ExitCode:3",
            id="an exit without a reason",
        ),
        pytest.param(
            pod(phase="Failed", containerStatuses=[container(terminated={"exitCode": 1, "signal": 9})]),
            "0/1",
            "Signal:9",
            id="a signal without a reason",
        ),
        pytest.param(
            pod(phase="Succeeded", containerStatuses=[container(terminated={"exitCode": 0, "reason": "Completed"})]),
            "0/1",
            "Completed",
            id="completed",
        ),
        pytest.param(
            pod(
                2,
                phase="Running",
                containerStatuses=[
                    container("c0", terminated={"exitCode": 0, "reason": "Completed"}),
                    container("c1", ready=True, **RUNNING),
                ],
            ),
            "1/2",
            "NotReady",
            id="one of two completed",
        ),
        pytest.param(
            pod(
                2,
                phase="Running",
                conditions=READY,
                containerStatuses=[
                    container("c0", terminated={"exitCode": 0, "reason": "Completed"}),
                    container("c1", ready=True, **RUNNING),
                ],
            ),
            "1/2",
            "Running",
            id="one of two completed yet ready",
        ),
        pytest.param(
            pod(
                init=[{"name": "i0"}, {"name": "i1"}],
                initContainerStatuses=[
                    container("i0", terminated={"exitCode": 0, "reason": "Completed"}),
                    container("i1", **RUNNING),
                ],
                containerStatuses=[container(waiting={"reason": "PodInitializing"})],
            ),
            "0/1",
            "Init:1/2",
            id="second init container runs",
        ),
        pytest.param(
            pod(
                init=[{"name": "i0"}],
                initContainerStatuses=[container("i0", terminated={"exitCode": 1, "reason": "Error"})],
            ),
            "0/1",
            "Init:Error",
            id="init container failed",
        ),
        pytest.param(
            pod(
                init=[{"name": "i0"}],
                initContainerStatuses=[container("i0", waiting={"reason": "CrashLoopBackOff"})],
            ),
            "0/1",
            "Init:CrashLoopBackOff",
            id="init container in crash loop",
        ),
        pytest.param(
            pod(
                init=[{"name": "i0"}],
                initContainerStatuses=[container("i0", terminated={"exitCode": 0})],
                containerStatuses=[container(waiting={"reason": "PodInitializing"})],
            ),
            "0/1",
            "PodInitializing",
            id="init done, containers not started",
        ),
        pytest.param(
            pod(
                init=[{"name": "side", "restartPolicy": "Always"}],
                phase="Running",
                initContainerStatuses=[container("side", ready=True, **RUNNING) | {"started": True}],
                containerStatuses=[container(ready=True, **RUNNING)],
            ),
            "2/2",
            "Running",
            id="a sidecar counts as a container",
        ),
        pytest.param(pod(phase="Failed", reason="Evicted"), "0/1", "Evicted", id="evicted"),
        pytest.param(
            pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
            "0/1",
            "SchedulingGated",
            id="scheduling gated",
        ),
    ],
)
def test_status(subject: dict[str, Any], ready: str, status: str) -> None:
    assert cells(subject, NOW)[1:3] == [ready, status]


def test_a_deleted_pod_is_terminating_until_its_phase_is_final() -> None:
    subject = pod(phase="Running")
    subject["metadata"]["deletionTimestamp"] = CREATED
    assert cells(subject, NOW)[2] == "Terminating"
    subject["status"]["phase"] = "Succeeded"
    assert cells(subject, NOW)[2] == "Succeeded"


def test_restarts_tell_when_the_last_one_was() -> None:
    status = container(ready=True, restarts=1, **RUNNING)
    status["lastState"] = {"terminated": {"finishedAt": "2026-11-21T01:07:25Z"}}
    assert cells(pod(phase="Running", containerStatuses=[status]), NOW)[3] == "1 (5s ago)"


def test_restarts_without_a_time_are_a_bare_count() -> None:
    assert cells(pod(phase="Running", containerStatuses=[container(restarts=4)]), NOW)[3] == "4"


def test_wide_cells() -> None:
    assert cells(pod(), NOW)[4:] == ["6s", "<none>", "<none>", "<none>", "<none>"]
    subject = pod(podIPs=[{"ip": "10.244.0.4"}], conditions=[{"type": "g", "status": "True"}])
    subject["spec"] |= {"nodeName": "n", "readinessGates": [{"conditionType": "g"}, {"conditionType": "h"}]}
    assert cells(subject, NOW)[5:] == ["10.244.0.4", "n", "<none>", "1/2"]


def test_a_finished_pod_has_a_row_condition() -> None:
    assert row_conditions(pod(phase="Running")) == []
    assert row_conditions(pod(phase="Failed"))[0]["message"] == "The pod failed."
