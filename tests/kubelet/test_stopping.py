from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kubelet.observation import (
    AbandonLaunches,
    Action,
    Cause,
    FinishDeletion,
    Forget,
    KillContainer,
    LaunchContainer,
    Observation,
    RemoveSandbox,
    Stop,
    StopSandbox,
    TearDownVolumes,
)
from kubelet.stopping import decide_stop
from kubelet.sync import sync
from minikube_py.api.meta import Object

from .pods import NOW, container, exited, pod, running, runtime_pod, sandbox

DEADLINE = NOW + timedelta(seconds=30)


def deleted(spec: Object | None = None, grace: int = 30) -> Object:
    found = spec or pod()
    metadata = {**found["metadata"], "deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": grace}
    return {**found, "metadata": metadata}


def observe(*parts: Any, spec: Object | None = None, **fields: Any) -> Observation:
    values: dict[str, Any] = {
        "pod": spec or deleted(),
        "now": NOW,
        "runtime": runtime_pod(*parts),
        "started_at": NOW,
        "volumes_ready": True,
    }
    return Observation(**{**values, **fields})


FINISHED = Stop(Cause.FINISHED, NOW, 30)
WITH_SIDECARS = pod(
    "p", container(), initContainers=[container("s1", restartPolicy="Always"), container("s2", restartPolicy="Always")]
)


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        pytest.param(
            observe(sandbox(), running()), (KillContainer("c-0", "c", DEADLINE),), id="containers are stopped first"
        ),
        pytest.param(
            observe(sandbox(), running(), under_way={"kill/c-0": KillContainer("c-0", "c", DEADLINE)}),
            (),
            id="a kill that is under way is let be",
        ),
        pytest.param(
            observe(
                sandbox(),
                running(),
                spec=deleted(grace=5),
                under_way={"kill/c-0": KillContainer("c-0", "c", DEADLINE)},
            ),
            (KillContainer("c-0", "c", NOW + timedelta(seconds=5)),),
            id="a shorter grace period replaces the kill",
        ),
        pytest.param(
            observe(sandbox(), under_way={"launch/c": LaunchContainer("c", 0)}),
            (AbandonLaunches(),),
            id="a launch is abandoned",
        ),
        pytest.param(
            observe(sandbox(), running("s1"), running("s2"), running("c"), spec=deleted(WITH_SIDECARS)),
            (KillContainer("c-0", "c", DEADLINE),),
            id="sidecars outlive the app",
        ),
        pytest.param(
            observe(sandbox(), running("s1"), running("s2"), exited("c"), spec=deleted(WITH_SIDECARS)),
            (KillContainer("s2-0", "s2", DEADLINE),),
            id="sidecars go in reverse order",
        ),
        pytest.param(
            observe(sandbox(), exited()), (RemoveSandbox("sandbox-0"),), id="then the sandbox with all containers"
        ),
        pytest.param(observe(), (TearDownVolumes(),), id="then the volumes"),
        pytest.param(observe(volumes_gone=True, status_written=False), (), id="the last status is written first"),
        pytest.param(observe(volumes_gone=True), (FinishDeletion(),), id="then the object"),
        pytest.param(observe(volumes_gone=True, in_api=False), (Forget(),), id="a pod that is gone is forgotten"),
        pytest.param(
            observe(sandbox(), exited(), spec=pod(), stop=FINISHED),
            (StopSandbox("sandbox-0"),),
            id="a finished pod keeps its containers and loses its network",
        ),
        pytest.param(
            observe(sandbox(), exited(), spec=pod(), stop=FINISHED, stopped_sandboxes=frozenset({"sandbox-0"})),
            (TearDownVolumes(),),
            id="and then its volumes",
        ),
    ],
)
def test_the_order_of_the_end(observation: Observation, expected: tuple[Action, ...]) -> None:
    assert sync(observation).actions == expected


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        pytest.param(observe(spec=pod()), None, id="a pod that should run"),
        pytest.param(observe(), Stop(Cause.DELETED, NOW, 30), id="a deleted pod"),
        pytest.param(observe(spec=deleted(grace=0)), Stop(Cause.DELETED, NOW, 1), id="a grace of 0 is one second"),
        pytest.param(
            observe(spec=pod(terminationGracePeriodSeconds=7), in_api=False),
            Stop(Cause.GONE, NOW, 7),
            id="a pod that the API lost",
        ),
        pytest.param(
            observe(stop=Stop(Cause.DELETED, NOW - timedelta(seconds=9), 30), in_api=False),
            Stop(Cause.GONE, NOW - timedelta(seconds=9), 30),
            id="a deleted pod that is gone keeps its clock",
        ),
        pytest.param(
            observe(spec=pod(activeDeadlineSeconds=5), now=NOW + timedelta(seconds=5)),
            Stop(
                Cause.FAILED,
                NOW + timedelta(seconds=5),
                30,
                "DeadlineExceeded",
                "Pod was active on the node longer than the specified deadline",
            ),
            id="a pod past its deadline",
        ),
        pytest.param(observe(spec=pod(), stop=FINISHED), FINISHED, id="a decision stands"),
    ],
)
def test_the_reason_to_stop(observation: Observation, expected: Stop | None) -> None:
    assert decide_stop(observation) == expected
