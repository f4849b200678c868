from datetime import UTC, datetime, timedelta

import pytest

from controllers.actions import Delete, Emit, Patch, RequeueAfter
from controllers.taint_eviction.sync import Observation, sync
from minikube_py.api.meta import Object
from minikube_py.api.times import format_time

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def ago(seconds: int) -> str:
    return format_time(NOW - timedelta(seconds=seconds))


def pod(*tolerations: Object, age: int = 3600, **metadata: str) -> Object:
    return {
        "metadata": {"name": "p", "namespace": "n", "uid": "u", "creationTimestamp": ago(age), **metadata},
        "spec": {"nodeName": "one", "tolerations": list(tolerations)},
    }


def taint(key: str = "a", added: int | None = 60) -> Object:
    return {"key": key, "effect": "NoExecute", **({} if added is None else {"timeAdded": ago(added)})}


def tolerate(key: str = "a", seconds: int | None = None) -> Object:
    return {"key": key, "operator": "Exists", **({} if seconds is None else {"tolerationSeconds": seconds})}


EVICTED = [Emit, Patch, Delete]


@pytest.mark.parametrize(
    ("observed", "taints", "expected"),
    [
        pytest.param(pod(), [], [], id="no taint"),
        pytest.param(pod(), [taint()], EVICTED, id="not tolerated"),
        pytest.param(pod(tolerate()), [taint()], [], id="tolerated for ever"),
        pytest.param(pod(tolerate(seconds=300)), [taint()], [240.0], id="tolerated for a while from when it was added"),
        pytest.param(pod(tolerate(seconds=300)), [taint(added=300)], EVICTED, id="that while is over"),
        pytest.param(pod(tolerate(seconds=0)), [taint(added=0)], EVICTED, id="tolerated for no time at all"),
        pytest.param(pod(tolerate(seconds=300), age=10), [taint()], [290.0], id="a younger pod has it all"),
        pytest.param(pod(tolerate(seconds=300)), [taint(added=None)], [280.0], id="a taint that does not tell its age"),
        pytest.param(
            pod(tolerate("a", 300), tolerate("b", 100)), [taint("a"), taint("b")], [40.0], id="the shortest counts"
        ),
        pytest.param(pod(tolerate("a", 300)), [taint("a"), taint("b")], EVICTED, id="one of two not tolerated"),
        pytest.param(pod(deletionTimestamp=ago(0)), [taint()], [], id="on its way out already"),
    ],
)
def test_sync(observed: Object, taints: list[Object], expected: list[object]) -> None:
    seen = {("a", ""): NOW - timedelta(seconds=20)}
    actions = sync(Observation(observed, taints, seen, False, NOW))
    assert [a.seconds if isinstance(a, RequeueAfter) else type(a) for a in actions] == expected


def test_what_was_announced_is_taken_back() -> None:
    (action,) = sync(Observation(pod(tolerate(seconds=300)), [], {}, True, NOW))
    assert isinstance(action, Emit)
    assert (action.reason, action.message) == ("TaintManagerEviction", "Cancelling deletion of Pod n/p")


def test_an_eviction_tells_why() -> None:
    event, patch, _ = sync(Observation(pod(), [taint()], {}, False, NOW))
    assert isinstance(event, Emit)
    assert event.message == "Marking for deletion Pod n/p"
    assert isinstance(patch, Patch)
    (condition,) = patch.patch["status"]["conditions"]
    assert condition["reason"] == "DeletionByTaintManager"
    assert condition["message"] == "Taint manager: deleting due to NoExecute taint"
