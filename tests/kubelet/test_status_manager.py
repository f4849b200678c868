from __future__ import annotations

import pytest

from kubelet.status_manager import StatusManager, owned_status, shows, status_patch
from minikube_py.api.meta import Object
from minikube_py.api.resources import PODS
from minikube_py.client.fake import FakeClient
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime.clock import FakeClock, settle
from minikube_py.runtime.tasks import Tasks

from .pods import pod


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param({"phase": "Running"}, {"phase": "Pending"}, {"phase": "Running"}, id="what changed"),
        pytest.param({"phase": "Running"}, {"phase": "Running"}, {}, id="nothing"),
        pytest.param({}, {"reason": "Evicted"}, {"reason": None}, id="what vanished"),
        pytest.param(
            {"podIPs": [{"ip": "b"}]},
            {"podIPs": [{"ip": "a"}]},
            {"podIPs": [{"ip": "a", "$patch": "delete"}, {"ip": "b"}]},
            id="another address replaces the old one",
        ),
        pytest.param(
            {"conditions": [{"type": "Ready", "status": "True"}]},
            {"conditions": []},
            {"conditions": [{"reason": None, "message": None, "type": "Ready", "status": "True"}]},
            id="a condition loses its old reason",
        ),
    ],
)
def test_the_patch(new: Object, old: Object, expected: Object) -> None:
    assert status_patch("u", new, old) == {"metadata": {"uid": "u"}, "status": expected}


@pytest.mark.parametrize(
    ("shown", "wanted", "expected"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1}, True, id="additions do not matter"),
        pytest.param({}, {"a": None}, True, id="nulls do not matter"),
        pytest.param({"a": 2}, {"a": 1}, False, id="another value"),
        pytest.param({"a": [{"x": 1}]}, {"a": [{"x": 1}, {"x": 2}]}, False, id="a shorter list"),
        pytest.param({}, {"a": {}}, True, id="an empty object that was left out"),
    ],
)
def test_shows(shown: Object, wanted: Object, expected: bool) -> None:
    assert shows(shown, wanted) is expected


def test_conditions_of_others_are_not_ours() -> None:
    given = {"conditions": [{"type": "Ready", "status": "True"}, {"type": "example.com/up", "status": "True"}]}
    assert [c["type"] for c in owned_status(given)["conditions"]] == ["Ready"]


class Setting:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.client = FakeClient(self.clock)
        self.tasks = Tasks()
        self.written: list[str] = []
        self.manager = StatusManager(self.client, self.clock, self.tasks, self.written.append)
        self.pod = self.client.seed(PODS, pod())[0]

    def phase(self) -> str:
        found = self.client.object(PODS, "p", "ns")
        return found["status"]["phase"] if found else ""

    def writes(self) -> int:
        return len([w for w in self.client.writes() if w.resource is PODS])


async def test_a_status_is_written_once() -> None:
    s = Setting()
    for _ in range(3):
        s.manager.set(s.pod, {"phase": "Running", "conditions": []})
        await settle()
    assert (s.phase(), s.writes()) == ("Running", 1)
    assert s.manager.is_written("uid-p")
    assert s.written == ["uid-p"]


async def test_only_the_newest_of_several_is_written_after_a_failure() -> None:
    s = Setting()
    end = s.client.react("patch", PODS, _unreachable)
    s.manager.set(s.pod, {"phase": "Running", "conditions": []})
    await settle()
    s.manager.set(s.pod, {"phase": "Succeeded", "conditions": []})
    assert not s.manager.is_written("uid-p")
    end()
    await s.clock.run(1)
    assert s.phase() == "Succeeded"


async def test_what_somebody_else_wrote_is_written_over() -> None:
    s = Setting()
    s.manager.set(s.pod, {"phase": "Running", "conditions": []})
    await settle()
    foreign = s.client.seed(PODS, {**s.pod, "status": {"phase": "Failed"}})[0]
    s.manager.observe(foreign)
    await settle()
    assert s.phase() == "Running"


async def test_a_pod_of_the_same_name_is_not_written() -> None:
    s = Setting()
    s.client.remove(PODS, "p", "ns")
    other = pod()
    other["metadata"]["uid"] = "another"
    s.client.seed(PODS, other)
    s.manager.set(s.pod, {"phase": "Running", "conditions": []})
    await settle()
    assert s.phase() == "Pending"
    assert s.manager.is_written("uid-p")


def _unreachable(_action: object) -> None:
    raise ConnectionFailed("down")
