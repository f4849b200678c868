from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controllers.daemon_set.rolling import sync
from controllers.daemon_set.status import compute_status, sync_status
from controllers.daemon_set.sync import Observation
from minikube_py.api.meta import Object
from minikube_py.api.times import format_time

NOW = datetime(2026, 1, 2, tzinfo=UTC)
HASH = "new"


def daemon_set(surge: int | str = 0, unavailable: int | str = 1, kind: str = "RollingUpdate", **spec: Any) -> Object:
    rolling = {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}} if kind == "RollingUpdate" else {}
    return {
        "metadata": {"name": "agent", "namespace": "default", "uid": "u", "generation": 2},
        "spec": {"template": {"spec": {}}, "updateStrategy": {"type": kind, **rolling}, **spec},
    }


def nodes(count: int, *tainted: str) -> tuple[Object, ...]:
    return tuple(
        {
            "metadata": {"name": name},
            "spec": {"taints": [{"key": "mine", "effect": "NoSchedule"}] if name in tainted else []},
        }
        for name in (f"n{number}" for number in range(1, count + 1))
    )


def pod(name: str, node: str, *, old: bool = False, ready: bool = True, phase: str = "Running", **meta: Any) -> Object:
    since = format_time(NOW - timedelta(seconds=60))
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": name,
            "creationTimestamp": since,
            "labels": {"controller-revision-hash": "old" if old else HASH},
            **meta,
        },
        "spec": {"nodeName": node},
        "status": {
            "phase": phase,
            "conditions": [
                {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": since},
            ],
        },
    }


def unbound(name: str, node: str) -> Object:
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    return {**pod(name, node, ready=False, phase="Pending"), "spec": {"affinity": affinity}}


GOING = {"deletionTimestamp": "2026-01-01T23:59:00Z"}


def observed(owner: Object, on: tuple[Object, ...], *pods: Object, **more: Any) -> Observation:
    return Observation(owner, on, pods, HASH, NOW, **more)


def planned(observation: Observation) -> tuple[list[str], list[str]]:
    plan = sync(observation)
    return plan.create_on, [one["metadata"]["name"] for one in plan.delete]


@pytest.mark.parametrize(
    ("owner", "on", "pods", "create_on", "delete"),
    [
        pytest.param(daemon_set(), nodes(2), [], ["n1", "n2"], [], id="every node gets a pod"),
        pytest.param(daemon_set(), nodes(2, "n2"), [], ["n1"], [], id="but a tainted one"),
        pytest.param(daemon_set(), nodes(2), [unbound("a", "n2")], ["n1"], [], id="a pinned pod counts for its node"),
        pytest.param(daemon_set(), nodes(1), [pod("a", "n1", **GOING)], [], [], id="a pod that is going is waited for"),
        pytest.param(
            daemon_set(),
            nodes(1),
            [pod("a", "n1", phase="Failed", **GOING)],
            ["n1"],
            [],
            id="one that has ended and is going is not waited for",
        ),
        pytest.param(
            daemon_set(),
            nodes(1),
            [pod("b", "n1"), pod("a", "n1"), pod("c", "n1")],
            [],
            ["b", "c"],
            id="of several the oldest stays, by name where they are of an age",
        ),
        pytest.param(daemon_set(), (), [unbound("a", "gone")], [], ["a"], id="an unbound pod of no node goes"),
        pytest.param(daemon_set(), (), [pod("a", "gone")], [], [], id="a bound one is the garbage collector's"),
        pytest.param(daemon_set(), nodes(1), [pod("a", "n1", phase="Succeeded")], [], ["a"], id="a succeeded pod goes"),
        pytest.param(
            daemon_set(kind="OnDelete"), nodes(1), [pod("a", "n1", old=True)], [], [], id="OnDelete leaves old pods"
        ),
        pytest.param(
            daemon_set(),
            nodes(3),
            [pod("a", "n1", old=True), pod("b", "n2", old=True), pod("c", "n3", old=True)],
            [],
            ["a"],
            id="one old pod at a time",
        ),
        pytest.param(
            daemon_set(unavailable="50%"),
            nodes(3),
            [pod("a", "n1", old=True), pod("b", "n2", old=True), pod("c", "n3", old=True)],
            [],
            ["a", "b"],
            id="a percentage is rounded up",
        ),
        pytest.param(
            daemon_set(unavailable=0),
            nodes(1),
            [pod("a", "n1", old=True)],
            [],
            ["a"],
            id="limits that are both zero count as one unavailable",
        ),
        pytest.param(
            daemon_set(),
            nodes(2),
            [pod("a", "n1", ready=False), pod("b", "n2", old=True)],
            [],
            [],
            id="the next old pod waits for the new one",
        ),
        pytest.param(
            daemon_set(),
            nodes(3),
            [pod("a", "n1", ready=False), pod("b", "n2", old=True, ready=False), pod("c", "n3", old=True)],
            [],
            ["b"],
            id="an old pod that is not available goes at once",
        ),
        pytest.param(
            daemon_set(unavailable=2),
            nodes(3),
            [pod("a", "n1", **GOING), pod("b", "n2", old=True), pod("c", "n3", old=True)],
            [],
            ["b"],
            id="a pod that is going counts as unavailable",
        ),
        pytest.param(
            daemon_set(minReadySeconds=100),
            nodes(2),
            [pod("a", "n1"), pod("b", "n2", old=True)],
            [],
            ["b"],
            id="a pod is available after minReadySeconds only",
        ),
        pytest.param(
            daemon_set(surge=1, unavailable=0),
            nodes(2),
            [pod("a", "n1", old=True), pod("b", "n2", old=True)],
            ["n1"],
            [],
            id="a surge starts the new pod beside the old",
        ),
        pytest.param(
            daemon_set(surge=1, unavailable=0),
            nodes(2),
            [pod("a", "n1", old=True), pod("x", "n1", ready=False), pod("b", "n2", old=True)],
            [],
            [],
            id="the surge waits for the new pod",
        ),
        pytest.param(
            daemon_set(surge=1, unavailable=0),
            nodes(2),
            [pod("a", "n1", old=True), pod("x", "n1"), pod("b", "n2", old=True)],
            [],
            ["a"],
            id="the new pod is available and the old one goes",
        ),
        pytest.param(
            daemon_set(surge=1, unavailable=0),
            nodes(1),
            [pod("a", "n1", old=True, ready=False), pod("x", "n1", ready=False)],
            [],
            ["a"],
            id="of two that are not ready the new one stays",
        ),
        pytest.param(
            daemon_set(surge=1, unavailable=0),
            nodes(2),
            [pod("a", "n1", **GOING), pod("b", "n2")],
            ["n1"],
            [],
            id="a surge does not wait for a pod that is going",
        ),
        pytest.param(
            daemon_set(surge=1, unavailable=0),
            nodes(2, "n2"),
            [pod("a", "n1"), pod("b", "n2", old=True)],
            [],
            ["b"],
            id="a surge leaves no old pod on a tainted node once others are there",
        ),
        pytest.param(
            daemon_set(surge=1, unavailable=0),
            nodes(2, "n2"),
            [pod("a", "n1", ready=False), pod("b", "n2", old=True)],
            [],
            [],
            id="but keeps it until they are",
        ),
    ],
)
def test_pods(
    owner: Object, on: tuple[Object, ...], pods: list[Object], create_on: list[str], delete: list[str]
) -> None:
    assert planned(observed(owner, on, *pods)) == (create_on, delete)


def test_no_more_than_a_burst_at_once() -> None:
    assert len(sync(observed(daemon_set(), nodes(300))).create_on) == 250


def test_a_failed_pod_is_deleted_and_told() -> None:
    plan = sync(observed(daemon_set(), nodes(1), pod("a", "n1", phase="Failed")))
    assert [one["metadata"]["name"] for one in plan.delete] == ["a"]
    assert plan.failed_on == ["n1"]
    (event,) = plan.events
    assert (event.type, event.reason) == ("Warning", "FailedDaemonPod")
    assert event.message == "Found failed daemon pod default/a on node n1, will try to kill it"


def test_a_failed_pod_stays_while_its_node_backs_off() -> None:
    plan = sync(observed(daemon_set(), nodes(1), pod("a", "n1", phase="Failed"), backing_off={"n1": 4.0}))
    assert (plan.delete, plan.events, plan.wait) == ([], [], 4.0)


def test_the_status_counts_nodes() -> None:
    observation = observed(
        daemon_set(minReadySeconds=100),
        nodes(4, "n4"),
        pod("a", "n1", old=True),
        pod("b", "n2", ready=False),
        pod("c", "n4"),
    )
    assert compute_status(observation) == {
        "currentNumberScheduled": 2,
        "numberMisscheduled": 1,
        "desiredNumberScheduled": 3,
        "numberReady": 1,
        "updatedNumberScheduled": 1,
        "numberUnavailable": 3,
        "observedGeneration": 2,
    }
    actions = sync_status(observation)
    assert [type(action).__name__ for action in actions] == ["Update", "RequeueAfter"]


def test_a_status_that_is_true_is_not_written() -> None:
    observation = observed(daemon_set(), nodes(1), pod("a", "n1"))
    status = {**compute_status(observation), "numberUnavailable": 0}
    written = replace(observation, daemon_set={**observation.daemon_set, "status": status})
    assert sync_status(written) == ()
