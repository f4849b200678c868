from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kubelet.backoff import Backoff
from kubelet.observation import (
    Action,
    Cause,
    KillContainer,
    LaunchContainer,
    Observation,
    ProbeResults,
    RemoveContainer,
    RemoveSandbox,
    SetUpVolumes,
    StartSandbox,
)
from kubelet.probes.state import Result
from kubelet.sync import sync

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


GRACE = timedelta(seconds=30)


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        pytest.param(
            observe(volumes_ready=False),
            (SetUpVolumes(), StartSandbox(0), LaunchContainer("c", 0)),
            id="a new pod: volumes, sandbox and container side by side",
        ),
        pytest.param(
            observe(volumes_ready=False, volumes_failed=True),
            (SetUpVolumes(), StartSandbox(0)),
            id="nothing is launched while volumes fail",
        ),
        pytest.param(
            observe(volumes_ready=False, under_way={"volumes": SetUpVolumes(), "sandbox": StartSandbox(0)}),
            (LaunchContainer("c", 0),),
            id="what is under way is not begun again",
        ),
        pytest.param(
            observe(delayed={"sandbox": NOW + timedelta(seconds=1)}), (), id="a sandbox that failed is waited for"
        ),
        pytest.param(observe(sandbox(), running()), (), id="a pod that runs needs nothing"),
        pytest.param(
            observe(sandbox(), spec=pod("p", container("a"), container("b"))),
            (LaunchContainer("a", 0), LaunchContainer("b", 0, after="a")),
            id="app containers start in order",
        ),
        pytest.param(
            observe(sandbox(), exited(exit_code=0)), (LaunchContainer("c", 1),), id="policy Always restarts a success"
        ),
        pytest.param(
            observe(sandbox(), exited(exit_code=1), spec=pod(restartPolicy="OnFailure")),
            (LaunchContainer("c", 1),),
            id="policy OnFailure restarts a failure",
        ),
        pytest.param(
            observe(sandbox(), running(), spec=pod(ephemeralContainers=[container("debug")])),
            (LaunchContainer("debug", 0),),
            id="an ephemeral container is launched in a pod that runs",
        ),
        pytest.param(
            observe(sandbox(), spec=pod(initContainers=[container("i")], ephemeralContainers=[container("debug")])),
            (LaunchContainer("debug", 0), LaunchContainer("i", 0)),
            id="an ephemeral container does not wait for initialization",
        ),
        pytest.param(
            observe(sandbox(), running(), exited("debug"), spec=pod(ephemeralContainers=[container("debug")])),
            (),
            id="an ephemeral container that has ended is not restarted",
        ),
        pytest.param(
            observe(
                sandbox(),
                running(),
                spec=pod(ephemeralContainers=[container("debug")]),
                previous_status={"ephemeralContainerStatuses": [{"name": "debug", "containerID": "docker://gone"}]},
            ),
            (),
            id="an ephemeral container that has been removed is not launched again",
        ),
        pytest.param(
            observe(sandbox(ready=False), exited(exit_code=137)),
            (StartSandbox(1, changed=True), LaunchContainer("c", 1)),
            id="a dead sandbox is replaced with its containers",
        ),
        pytest.param(
            observe(sandbox(ready=False), running()),
            (KillContainer("c-0", "c", NOW + GRACE),),
            id="containers that outlive their sandbox are stopped first",
        ),
        pytest.param(
            observe(sandbox(), running(), probes={"c-0": ProbeResults(liveness=Result.FAILURE)}),
            (KillContainer("c-0", "c", NOW + GRACE, "Container c failed liveness probe, will be restarted"),),
            id="a failed liveness probe kills",
        ),
        pytest.param(
            observe(
                sandbox(),
                running(),
                spec=pod(restartPolicy="Never"),
                probes={"c-0": ProbeResults(startup=Result.FAILURE)},
            ),
            (KillContainer("c-0", "c", NOW + GRACE, "Container c failed startup probe"),),
            id="a failed startup probe kills for good under policy Never",
        ),
        pytest.param(
            observe(
                sandbox(),
                running(),
                spec=pod("p", container(livenessProbe={"terminationGracePeriodSeconds": 5})),
                probes={"c-0": ProbeResults(liveness=Result.FAILURE)},
            ),
            (
                KillContainer(
                    "c-0",
                    "c",
                    NOW + timedelta(seconds=5),
                    "Container c failed liveness probe, will be restarted",
                ),
            ),
            id="a probe's own grace period wins",
        ),
        pytest.param(
            observe(sandbox(), running(), spec_hashes={"c": "another"}),
            (KillContainer("c-0", "c", NOW + GRACE, "Container c definition changed, will be restarted"),),
            id="a changed image kills",
        ),
        pytest.param(
            observe(sandbox(), running(attempt=3), exited(attempt=2), exited(attempt=1), exited(attempt=0)),
            (RemoveContainer("c-1"), RemoveContainer("c-0")),
            id="two attempts are kept",
        ),
        pytest.param(
            observe(sandbox(1), sandbox(0, ready=False), running(attempt=2, sandbox_attempt=1)),
            (RemoveSandbox("sandbox-0"),),
            id="an old sandbox without kept containers goes",
        ),
        pytest.param(observe(runtime=None), (), id="nothing is decided while the runtime is unknown"),
    ],
)
def test_a_pod_that_should_run(observation: Observation, expected: tuple[Action, ...]) -> None:
    assert sync(observation).actions == expected


SIDECAR = container("side", restartPolicy="Always")


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        pytest.param(
            observe(sandbox(), spec=pod("p", container(), initContainers=[container("i"), container("j")])),
            (LaunchContainer("i", 0),),
            id="the first init container",
        ),
        pytest.param(
            observe(sandbox(), running("i"), spec=pod("p", container(), initContainers=[container("i")])),
            (),
            id="an init container is waited for",
        ),
        pytest.param(
            observe(
                sandbox(), exited("i"), spec=pod("p", container(), initContainers=[container("i"), container("j")])
            ),
            (LaunchContainer("j", 0),),
            id="the next init container",
        ),
        pytest.param(
            observe(sandbox(), exited("i"), spec=pod("p", container(), initContainers=[container("i")])),
            (LaunchContainer("c", 0),),
            id="the app after the last init container",
        ),
        pytest.param(
            observe(sandbox(), exited("i", 1), spec=pod("p", container(), initContainers=[container("i")])),
            (LaunchContainer("i", 1),),
            id="a failed init container is restarted",
        ),
        pytest.param(
            observe(sandbox(), running("side"), spec=pod("p", container(), initContainers=[SIDECAR])),
            (LaunchContainer("c", 0),),
            id="the app beside a started sidecar",
        ),
        pytest.param(
            observe(
                sandbox(),
                running("side"),
                spec=pod("p", container(), initContainers=[SIDECAR]),
                probes={"side-0": ProbeResults(startup=Result.UNKNOWN)},
            ),
            (),
            id="a sidecar that has not started holds the app back",
        ),
        pytest.param(
            observe(
                sandbox(),
                exited("side"),
                running(),
                spec=pod("p", container(), restartPolicy="Never", initContainers=[SIDECAR]),
            ),
            (LaunchContainer("side", 1),),
            id="a sidecar is restarted whatever the pod's policy",
        ),
        pytest.param(
            observe(
                sandbox(1), sandbox(0, ready=False), exited("i"), exited("c"), spec=pod(initContainers=[container("i")])
            ),
            (LaunchContainer("i", 1),),
            id="init containers run again in a new sandbox",
        ),
    ],
)
def test_init_containers(observation: Observation, expected: tuple[Action, ...]) -> None:
    assert sync(observation).actions == expected


def test_a_container_in_back_off_waits_and_says_so() -> None:
    backoffs = {"c": Backoff(20, NOW)}
    plan = sync(observe(sandbox(), exited(exit_code=1), backoffs=backoffs))
    assert plan.actions == ()
    assert plan.wake_at == NOW + timedelta(seconds=20)
    assert plan.waiting[0].message == "back-off 20s restarting failed container=c pod=p_ns(uid-p)"
    later = sync(observe(sandbox(), exited(exit_code=1), backoffs=backoffs, now=NOW + timedelta(seconds=20)))
    assert later.actions == (LaunchContainer("c", 1),)


@pytest.mark.parametrize(
    "observation",
    [
        pytest.param(observe(sandbox(), exited(), spec=pod(restartPolicy="Never")), id="a success under Never"),
        pytest.param(
            observe(sandbox(), exited(exit_code=3), spec=pod(restartPolicy="Never")), id="a failure under Never"
        ),
        pytest.param(observe(sandbox(), exited(), spec=pod(restartPolicy="OnFailure")), id="a success under OnFailure"),
        pytest.param(
            observe(
                sandbox(),
                exited("i", 1),
                spec=pod("p", container(), restartPolicy="Never", initContainers=[container("i")]),
            ),
            id="a failed init container under Never",
        ),
        pytest.param(observe(previous_status={"phase": "Succeeded"}), id="a pod that the API knows to be over"),
    ],
)
def test_a_pod_whose_containers_are_done_is_finished(observation: Observation) -> None:
    stop = sync(observation).stop
    assert stop is not None
    assert stop.cause is Cause.FINISHED


def test_the_restart_count_goes_on_from_the_api_when_the_container_was_removed() -> None:
    previous = {
        "phase": "Running",
        "containerStatuses": [{"name": "c", "containerID": "docker://x", "restartCount": 4}],
    }
    assert sync(observe(sandbox(), previous_status=previous)).actions == (LaunchContainer("c", 5),)
