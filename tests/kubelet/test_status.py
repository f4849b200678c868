from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kubelet.observation import Cause, Failure, LaunchContainer, Observation, ProbeResults, Stop
from kubelet.probes.state import Result
from kubelet.status import pod_status
from kubelet.sync import sync
from minikube_py.api.meta import Object

from .pods import NOW, container, exited, pod, running, runtime_pod, sandbox


def observe(*parts: Any, spec: Any = None, **fields: Any) -> Observation:
    values: dict[str, Any] = {
        "pod": spec or pod(),
        "now": NOW,
        "runtime": runtime_pod(*parts),
        "started_at": NOW,
        "volumes_ready": True,
    }
    return Observation(**{**values, **fields})


def status(observation: Observation) -> Object:
    return pod_status(observation, sync(observation), ["192.168.0.1"])


def conditions(shown: Object) -> dict[str, Object]:
    return {c["type"]: c for c in shown["conditions"]}


INIT = pod("p", container(), initContainers=[container("i")])
NEVER = pod(restartPolicy="Never")


@pytest.mark.parametrize(
    ("observation", "phase", "state"),
    [
        pytest.param(observe(), "Pending", "ContainerCreating", id="a new pod"),
        pytest.param(observe(spec=INIT), "Pending", "PodInitializing", id="a new pod with init containers"),
        pytest.param(observe(sandbox(), running()), "Running", "running", id="a running pod"),
        pytest.param(
            observe(sandbox(), running(), under_way={"launch/c": LaunchContainer("c", 0)}),
            "Pending",
            "ContainerCreating",
            id="a container whose postStart hook still runs",
        ),
        pytest.param(observe(sandbox(), exited(exit_code=1)), "Running", "Error", id="a crash under Always"),
        pytest.param(
            observe(sandbox(), exited(exit_code=1, reason="OOMKilled")), "Running", "OOMKilled", id="out of memory"
        ),
        pytest.param(observe(sandbox(), exited(), spec=NEVER), "Succeeded", "Completed", id="a success under Never"),
        pytest.param(
            observe(sandbox(), exited(exit_code=1), spec=NEVER), "Failed", "Error", id="a failure under Never"
        ),
        pytest.param(
            observe(sandbox(), running("i"), spec=INIT), "Pending", "PodInitializing", id="an init container runs"
        ),
        pytest.param(
            observe(
                sandbox(),
                exited("i", 1),
                spec=pod("p", container(), restartPolicy="Never", initContainers=[container("i")]),
            ),
            "Failed",
            "PodInitializing",
            id="an init container failed for good",
        ),
        pytest.param(
            observe(sandbox(), failures={"c": Failure("ErrImagePull", "no")}), "Pending", "ErrImagePull", id="no image"
        ),
        pytest.param(
            observe(sandbox(), running("a"), spec=pod("p", container("a"), container("b"))),
            "Pending",
            "running",
            id="one of two containers still waits",
        ),
        pytest.param(
            observe(sandbox(), exited(), spec=pod(), stop=Stop(Cause.FAILED, NOW, 1, "Evicted", "low")),
            "Failed",
            "Completed",
            id="an evicted pod",
        ),
        pytest.param(
            observe(
                sandbox(), running(), previous_status={"phase": "Running"}, stop=Stop(Cause.FAILED, NOW, 1, "Evicted")
            ),
            "Running",
            "running",
            id="an evicted pod is not Failed before its containers have stopped",
        ),
        pytest.param(
            observe(sandbox(), exited(), previous_status={"phase": "Failed"}), "Failed", "Completed", id="over is over"
        ),
    ],
)
def test_phase_and_state(observation: Observation, phase: str, state: str) -> None:
    shown = status(observation)
    assert shown["phase"] == phase
    first = shown["containerStatuses"][0]["state"]
    kind = next(iter(first))
    assert (first[kind].get("reason") or kind) == state


def test_a_ready_pod() -> None:
    shown = status(observe(sandbox(), running()))
    assert {name: c["status"] for name, c in conditions(shown).items()} == {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
        "PodScheduled": "True",
    }
    assert (shown["podIP"], shown["podIPs"], shown["hostIP"]) == ("10.0.0.5", [{"ip": "10.0.0.5"}], "192.168.0.1")
    assert shown["qosClass"] == "BestEffort"
    assert shown["startTime"] == "2026-01-01T00:00:00Z"
    only = shown["containerStatuses"][0]
    assert (only["ready"], only["started"], only["containerID"]) == (True, True, "docker://c-0")


@pytest.mark.parametrize(
    ("results", "ready", "started"),
    [
        pytest.param(ProbeResults(readiness=Result.FAILURE), False, True, id="the readiness probe fails"),
        pytest.param(ProbeResults(startup=Result.UNKNOWN), False, False, id="the startup probe has not succeeded"),
    ],
)
def test_probes_decide_on_ready_and_started(results: ProbeResults, ready: bool, started: bool) -> None:
    shown = status(observe(sandbox(), running(), probes={"c-0": results}))
    only = shown["containerStatuses"][0]
    assert (only["ready"], only["started"]) == (ready, started)
    assert conditions(shown)["Ready"]["message"] == "containers with unready status: [c]"


def test_a_restarted_container_tells_of_its_last_end() -> None:
    shown = status(
        observe(sandbox(), running(attempt=1), exited(exit_code=3), termination_messages={"c-0": "last words"})
    )
    only = shown["containerStatuses"][0]
    assert only["restartCount"] == 1
    assert only["lastState"]["terminated"]["exitCode"] == 3
    assert only["lastState"]["terminated"]["message"] == "last words"


def test_a_failure_while_waiting_moves_the_end_to_the_last_state() -> None:
    shown = status(observe(sandbox(), exited(exit_code=1), failures={"c": Failure("ErrImagePull", "no")}))
    only = shown["containerStatuses"][0]
    assert only["state"] == {"waiting": {"reason": "ErrImagePull", "message": "no"}}
    assert only["lastState"]["terminated"]["exitCode"] == 1


def test_transition_times_change_only_with_the_condition() -> None:
    first = status(observe(sandbox(), running(), probes={"c-0": ProbeResults(readiness=Result.FAILURE)}))
    later = NOW + timedelta(minutes=1)
    second = status(observe(sandbox(), running(), previous_status=first, now=later))
    assert conditions(second)["Ready"]["lastTransitionTime"] == "2026-01-01T00:01:00Z"
    assert conditions(second)["Initialized"]["lastTransitionTime"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            [], 'corresponding condition of pod readiness gate "example.com/up" does not exist.', id="missing"
        ),
        pytest.param(
            [{"type": "example.com/up", "status": "False"}],
            'the status of pod readiness gate "example.com/up" is not "True", but False',
            id="false",
        ),
        pytest.param([{"type": "example.com/up", "status": "True"}], None, id="true"),
    ],
)
def test_readiness_gates(given: list[Object], message: str | None) -> None:
    spec = {**pod(readinessGates=[{"conditionType": "example.com/up"}]), "status": {"conditions": given}}
    ready = conditions(status(observe(sandbox(), running(), spec=spec)))["Ready"]
    assert ready["status"] == ("True" if message is None else "False")
    assert ready.get("message") == message


def test_the_scheduler_s_transition_time_is_kept() -> None:
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2025-12-31T23:59:59Z"}
    spec = {**pod(), "status": {"conditions": [scheduled]}}
    assert conditions(status(observe(spec=spec)))["PodScheduled"]["lastTransitionTime"] == "2025-12-31T23:59:59Z"


def test_an_address_is_kept_when_the_sandbox_has_gone() -> None:
    before = status(observe(sandbox(), running()))
    after = status(observe(sandbox(ready=False), exited(), previous_status=before))
    assert after["podIP"] == "10.0.0.5"


def test_a_pod_on_the_host_s_network_has_the_host_s_address() -> None:
    on_host = replace(sandbox(), ips=(), host_network=True)
    assert status(observe(on_host, running(), spec=pod(hostNetwork=True)))["podIP"] == "192.168.0.1"


def test_a_removed_container_keeps_its_end() -> None:
    before = status(observe(sandbox(), exited(), spec=NEVER))
    after = status(observe(spec=NEVER, previous_status=before))
    assert after["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"


DEBUGGED = pod(ephemeralContainers=[container("z"), container("debug", targetContainerName="c")])


def test_ephemeral_containers_are_shown_apart_and_are_never_ready() -> None:
    shown = status(observe(sandbox(), running(), exited("debug", exit_code=3), running("z"), spec=DEBUGGED))
    statuses = shown["ephemeralContainerStatuses"]
    assert [s["name"] for s in statuses] == ["debug", "z"]
    assert statuses[0]["state"]["terminated"]["exitCode"] == 3
    assert "running" in statuses[1]["state"]
    assert not any(s["ready"] or s["restartCount"] or "started" in s for s in statuses)
    assert shown["phase"] == "Running"
    assert conditions(shown)["Ready"]["status"] == "True"


def test_an_ephemeral_container_tells_why_it_waits() -> None:
    failed = {"debug": Failure("ErrImagePull", "no such image")}
    shown = status(observe(sandbox(), running(), running("z"), spec=DEBUGGED, failures=failed))
    assert shown["ephemeralContainerStatuses"][0]["state"] == {
        "waiting": {"reason": "ErrImagePull", "message": "no such image"}
    }
