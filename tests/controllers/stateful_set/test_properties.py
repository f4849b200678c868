"""Whatever happens to the pods, and whichever requests fail, what a StatefulSet promises holds at every step."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minikube_py.api import errors
from minikube_py.api.meta import Object, is_deleting
from minikube_py.api.pods import is_ready, is_terminal
from minikube_py.api.resources import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS

MOST = 4
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("scale"), st.integers(0, MOST)),
        st.tuples(st.just("start"), st.integers(0, 2)),
        st.tuples(st.just("image"), st.integers(1, 3)),
        st.tuples(st.just("partition"), st.integers(0, MOST)),
        st.tuples(st.just("delete"), st.integers(0, MOST + 2)),
        st.tuples(st.just("fail"), st.integers(0, MOST + 2)),
        st.tuples(st.just("unready"), st.integers(0, MOST + 2)),
        st.tuples(st.just("forget"), st.integers(0, MOST + 2)),
        st.tuples(st.just("refuse"), st.integers(1, 4)),
        st.tuples(st.just("kubelet"), st.integers(1, 3)),
        st.tuples(st.just("kubelet"), st.integers(4, 8)),
        st.tuples(st.just("wait"), st.integers(1, 60)),
        st.tuples(st.just("crash"), st.just(0)),
    ),
    min_size=3,
    max_size=20,
)


class Watcher:
    """Looks at every request as it reaches the server, and may refuse it."""

    def __init__(self, harness: Any, *, ordered: bool) -> None:
        self.harness = harness
        self.ordered = ordered
        self.refusals = 0
        self.by_hand = False
        self.violations: list[str] = []
        harness.client.react("create", PODS, self.on_create)
        harness.client.react("delete", PODS, self.on_delete)
        for verb in ("create", "update"):
            for resource in (PODS, PERSISTENT_VOLUME_CLAIMS, CONTROLLER_REVISIONS, STATEFUL_SETS):
                harness.client.react(verb, resource, self.on_write)

    def on_write(self, action: Any) -> None:
        if self.refusals:
            self.refusals -= 1
            raise errors.ServiceUnavailable("the server is not well")

    def on_create(self, action: Any) -> None:
        name = action.body["metadata"]["name"]
        self.must(name not in self.pods(), f"a second {name}")
        ordinal = int(name.rpartition("-")[2])
        spec = self.stateful_set()["spec"]
        if self.ordered:
            for lower in range(self.start(spec), ordinal):
                before = self.pods().get(f"web-{lower}")
                self.must(before is not None, f"{name} before web-{lower}")
                self.must(before is None or not is_deleting(before), f"{name} while web-{lower} ends")
                self.must(before is None or is_ready(before), f"{name} before web-{lower} is ready")

    def on_delete(self, action: Any) -> None:
        """In order, a pod that is one too many goes only when those above it have gone."""
        pod = self.pods().get(action.name)
        if not self.ordered or self.by_hand or pod is None or is_terminal(pod):
            return
        ordinal = int(action.name.rpartition("-")[2])
        spec = self.stateful_set()["spec"]
        start, replicas = self.start(spec), spec["replicas"]
        higher = [name for name in self.pods() if int(name.rpartition("-")[2]) > ordinal]
        if ordinal >= start + replicas:
            self.must(not higher, f"{action.name} stops before {higher}")

    def must(self, holds: bool, otherwise: str) -> None:
        """Notes what is wrong: the controller that is asked would take an exception for a failed request."""
        if not holds:
            self.violations.append(otherwise)

    def pods(self) -> dict[str, Object]:
        return {pod["metadata"]["name"]: pod for pod in self.harness.client.objects(PODS)}

    def stateful_set(self) -> Object:
        found = self.harness.client.object(STATEFUL_SETS, "web", "default")
        assert found is not None
        return found

    @staticmethod
    def start(spec: Object) -> int:
        return (spec.get("ordinals") or {}).get("start") or 0


async def happen(harness: Any, watcher: Watcher, what: str, number: int) -> None:
    pod = watcher.pods().get(f"web-{number}")
    match what:
        case "scale":
            await patch(harness, {"replicas": number})
        case "start":
            await patch(harness, {"ordinals": {"start": number}})
        case "image":
            await patch(harness, {"template": {"spec": {"containers": [{"name": "c", "image": f"web:{number}"}]}}})
        case "partition":
            update = {"type": "RollingUpdate", "rollingUpdate": {"partition": number}}
            await patch(harness, {"updateStrategy": update})
        case "delete" if pod is not None:
            watcher.by_hand = True
            await harness.client.delete(PODS, f"web-{number}", "default")
            watcher.by_hand = False
        case "fail" if pod is not None and not is_terminal(pod):
            harness.client.seed(PODS, {**pod, "status": {**pod["status"], "phase": "Failed", "conditions": []}})
        case "unready" if pod is not None and is_ready(pod):
            harness.set_ready(pod, False)
        case "forget" if pod is not None:
            harness.client.remove(PODS, f"web-{number}", "default")
        case "refuse":
            watcher.refusals = number
        case "kubelet":
            for _ in range(number):
                harness.step_pods()
                await harness.settle(60)
        case "wait":
            await harness.clock.run(number)
        case "crash":
            await harness.stop()
            await harness.start("statefulset-controller")
    await harness.settle(60)


async def patch(harness: Any, spec: Object) -> None:
    found = deepcopy(harness.client.object(STATEFUL_SETS, "web", "default"))
    assert found is not None
    merged = {**found["spec"], **spec}
    if "template" in spec:
        merged["template"] = {**found["spec"]["template"], **spec["template"]}
    found["spec"] = merged
    found["metadata"]["generation"] += 1
    harness.client.seed(STATEFUL_SETS, found)


async def drive(harness: Any, policy: str, happenings: list[tuple[str, int]]) -> None:
    watcher = Watcher(harness, ordered=policy == "OrderedReady")
    await harness.start("statefulset-controller")
    claim = {"metadata": {"name": "data"}, "spec": {}}
    spec = {
        "replicas": 3,
        "podManagementPolicy": policy,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}},
        "volumeClaimTemplates": [claim],
    }
    await harness.client.create(STATEFUL_SETS, {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})
    await harness.run_pods()
    for what, number in happenings:
        await happen(harness, watcher, what, number)
        assert not watcher.violations
    watcher.refusals = 0
    await settle_down(harness, watcher)
    assert not watcher.violations


async def settle_down(harness: Any, watcher: Watcher) -> None:
    """Left alone, the set gets to where it was asked to be: those pods, at those revisions, and a true status."""
    for _ in range(12):
        for pod in watcher.pods().values():
            if not is_deleting(pod) and not is_terminal(pod) and not is_ready(pod):
                harness.run(pod)
        await harness.run_pods()
        await harness.clock.run(200)
        await harness.settle(60)
    found = watcher.stateful_set()
    start, replicas = watcher.start(found["spec"]), found["spec"]["replicas"]
    assert sorted(watcher.pods()) == [f"web-{start + n}" for n in range(replicas)]
    status = found["status"]
    assert (status["replicas"], status.get("readyReplicas", 0)) == (replicas, replicas)
    partition = ((found["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition", 0)
    image = found["spec"]["template"]["spec"]["containers"][0]["image"]
    for number in range(partition, replicas):
        assert watcher.pods()[f"web-{start + number}"]["spec"]["containers"][0]["image"] == image
    claims = {each["metadata"]["name"] for each in harness.client.objects(PERSISTENT_VOLUME_CLAIMS)}
    assert claims >= {f"data-{name}" for name in watcher.pods()}


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(happenings=EVENTS)
def test_one_pod_of_each_name_in_order_and_at_last_all_of_them(make_harness, policy, happenings):
    async def run() -> None:
        harness = make_harness()
        try:
            await drive(harness, policy, happenings)
        finally:
            await harness.stop()

    asyncio.run(run())


@pytest.fixture
def make_harness(harness: Any) -> Any:
    return type(harness)
