from datetime import UTC, datetime

import pytest

from controllers.actions import Delete, Patch, RequeueAfter
from controllers.pod_gc.sync import OUT_OF_SERVICE, Observation, sync, sync_terminated
from minikube_py.api.meta import Object

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DELETING = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def pod(name: str = "p", *, node: str = "", phase: str = "Running", reason: str = "", **metadata: str) -> Object:
    return {
        "metadata": {"name": name, "namespace": "n", "uid": name, **metadata},
        "spec": {"nodeName": node},
        "status": {"phase": phase, "reason": reason},
    }


def node(ready: str, *taints: str) -> Object:
    spec = {"taints": [{"key": taint, "effect": "NoExecute"} for taint in taints]}
    return {"metadata": {"name": "one"}, "spec": spec, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


@pytest.mark.parametrize(
    ("observed", "its_node", "missing", "expected"),
    [
        pytest.param(pod(**DELETING), None, 0, [Delete], id="never bound and deleted"),
        pytest.param(pod(), None, 0, [], id="not bound yet"),
        pytest.param(pod(node="one"), None, 10, [RequeueAfter], id="its node has just gone"),
        pytest.param(pod(node="one"), None, 40, [Patch, Delete], id="its node has been gone for long"),
        pytest.param(pod(node="one", phase="Succeeded"), None, 40, [Delete], id="ended, on a node that is gone"),
        pytest.param(pod(node="one"), node("True"), 40, [], id="its node is back"),
        pytest.param(pod(node="one", **DELETING), node("False"), 0, [], id="its node may still answer"),
        pytest.param(
            pod(node="one", **DELETING), node("False", OUT_OF_SERVICE), 0, [Patch, Delete], id="its node is given up"
        ),
        pytest.param(pod(node="one"), node("False", OUT_OF_SERVICE), 0, [], id="given up, but nobody deleted the pod"),
    ],
)
def test_sync(observed: Object, its_node: Object | None, missing: float, expected: list[type]) -> None:
    actions = sync(Observation(observed, its_node, missing, NOW))
    assert [type(action) for action in actions] == expected
    assert all(action.grace_period_seconds == 0 for action in actions if isinstance(action, Delete))
    assert all(action.seconds == 30 for action in actions if isinstance(action, RequeueAfter))


def test_an_orphan_is_marked_failed_with_the_reason() -> None:
    patch, _ = sync(Observation(pod(node="one"), None, 40, NOW))
    assert isinstance(patch, Patch)
    assert patch.patch["status"]["phase"] == "Failed"
    (condition,) = patch.patch["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == ("DisruptionTarget", "DeletionByPodGC")
    assert condition["message"] == "PodGC: node no longer exists"


ENDED = [
    pod("middle", phase="Succeeded", creationTimestamp="2026-01-02T00:00:00Z"),
    pod("oldest", phase="Failed", creationTimestamp="2026-01-01T00:00:00Z"),
    pod("evicted", phase="Failed", reason="Evicted", creationTimestamp="2026-01-03T00:00:00Z"),
    pod("running", creationTimestamp="2025-01-01T00:00:00Z"),
]


@pytest.mark.parametrize(
    ("threshold", "names"),
    [
        pytest.param(3, [], id="not too many"),
        pytest.param(2, ["evicted"], id="evicted ones first"),
        pytest.param(1, ["evicted", "oldest"], id="then the oldest"),
        pytest.param(0, [], id="all are kept"),
    ],
)
def test_sync_terminated(threshold: int, names: list[str]) -> None:
    assert [action.name for action in sync_terminated(ENDED, threshold)] == names
