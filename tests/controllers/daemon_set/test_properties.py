"""Random nodes, templates, failures and crashes: what holds of a DaemonSet's pods whatever happens."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy

from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.context import ControllerContext
from controllers.daemon_set.placement import target_node
from controllers.registry import build
from controllers.settings import Settings
from minikube_py.api.errors import ServiceUnavailable
from minikube_py.api.meta import Object, is_deleting, labels_of, name_of
from minikube_py.api.pods import is_active, phase
from minikube_py.api.resources import DAEMON_SETS, NAMESPACES, NODES, PODS
from minikube_py.api.times import format_time
from minikube_py.client.fake import FakeClient
from minikube_py.runtime.clock import FakeClock, settle
from minikube_py.runtime.informer import Informers
from minikube_py.runtime.tasks import Tasks

NAMES = ("n1", "n2", "n3")
IMAGES = ("a", "b", "c")
TAINT = {"key": "mine", "effect": "NoSchedule"}

steps = st.one_of(
    st.tuples(st.sampled_from(["untainted", "tainted", "removed"]), st.sampled_from(NAMES)),
    st.tuples(st.just("image"), st.sampled_from(IMAGES)),
    st.tuples(st.sampled_from(["ready", "failed", "deleted", "ended"]), st.integers(0, 5)),
    st.tuples(st.sampled_from(["refuse create", "refuse delete", "crash"]), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 3.0])),
    st.tuples(st.just("turns"), st.integers(1, 40)),
)


class World:
    """The controller on an API server in memory; it is looked at after every turn of the event loop."""

    def __init__(self, surge: int) -> None:
        self.surge = surge
        self.clock = FakeClock()
        self.client = FakeClient(self.clock)
        self.client.seed(NAMESPACES, {"metadata": {"name": "default"}, "spec": {"finalizers": ["kubernetes"]}})
        self.client.seed(NODES, *({"metadata": {"name": name}, "spec": {}} for name in NAMES))
        rolling = {"maxSurge": surge, "maxUnavailable": 0 if surge else 1}
        template = {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "c", "image": "a"}]}}
        spec = {
            "selector": {"matchLabels": {"app": "d"}},
            "template": template,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
        }
        self.client.seed(DAEMON_SETS, {"metadata": {"name": "d", "namespace": "default"}, "spec": spec})
        self.tasks = Tasks()

    async def start(self) -> None:
        context = ControllerContext(
            self.client,
            Informers(self.client, self.clock),
            self.clock,
            Settings.model_validate({"kubeconfig": "", "controllers": ["daemonset-controller"]}),
        )
        build(context)
        context.start(self.tasks)
        await context.informers.wait_synced(5)

    def pods(self) -> list[Object]:
        return self.client.objects(PODS)

    def check(self) -> None:
        active = [pod for pod in self.pods() if is_active(pod)]
        of_a_kind = Counter((target_node(pod), labels_of(pod)["controller-revision-hash"]) for pod in active)
        on_a_node = Counter(map(target_node, active))
        assert all(count == 1 for count in of_a_kind.values()), of_a_kind
        assert all(count <= 1 + bool(self.surge) for count in on_a_node.values()), on_a_node

    async def turn(self, turns: int) -> None:
        for _ in range(turns):
            await settle(1)
            self.check()

    async def step(self, what: str, which: object) -> None:
        match what, which:
            case (("untainted" | "tainted"), str(name)):
                taints = [TAINT] if what == "tainted" else []
                self.client.seed(NODES, {"metadata": {"name": name}, "spec": {"taints": taints}})
            case "removed", str(name):
                if self.client.object(NODES, name) is not None:
                    self.client.remove(NODES, name)
            case "image", str(image):
                changed = deepcopy(self.client.object(DAEMON_SETS, "d", "default"))
                assert changed is not None
                changed["spec"]["template"]["spec"]["containers"][0]["image"] = image
                await self.client.update(DAEMON_SETS, changed)
            case (("ready" | "failed" | "deleted" | "ended"), int(number)):
                if pods := self.pods():
                    await self.happen(what, pods[number % len(pods)])
            case "refuse create", _:
                self.client.fail_next("create", PODS, ServiceUnavailable("no"))
            case "refuse delete", _:
                self.client.fail_next("delete", PODS, ServiceUnavailable("no"))
            case "crash", _:
                await self.tasks.cancel_all()
                self.tasks = Tasks()
                await self.start()
            case "wait", float(seconds):
                await self.clock.run(seconds)
            case "turns", int(turns):
                await self.turn(turns)
        self.check()

    async def happen(self, what: str, pod: Object) -> None:
        name = name_of(pod)
        if what == "deleted":
            await self.client.delete(PODS, name, "default")
        elif what == "ended":
            if is_deleting(pod):
                self.client.remove(PODS, name, "default")
        elif phase(pod) != "Failed" and not is_deleting(pod):
            since = format_time(self.clock.now())
            ready = {"type": "Ready", "status": "True", "lastTransitionTime": since}
            status = {"phase": "Running", "conditions": [ready]} if what == "ready" else {"phase": "Failed"}
            self.client.seed(PODS, {**pod, "spec": {**pod["spec"], "nodeName": target_node(pod)}, "status": status})

    async def heal(self) -> None:
        """Kubelets that do as they should, and the garbage collector of nodes that are gone."""
        for _ in range(60):
            await self.clock.run(20.0)
            self.check()
            for pod in self.pods():
                if is_deleting(pod) or self.client.object(NODES, target_node(pod)) is None:
                    self.client.remove(PODS, name_of(pod), "default")
                elif phase(pod) != "Running":
                    await self.happen("ready", pod)
        nodes = [node for node in self.client.objects(NODES) if not (node["spec"].get("taints"))]
        tainted = {name_of(node) for node in self.client.objects(NODES)} - {name_of(node) for node in nodes}
        owner = self.client.object(DAEMON_SETS, "d", "default")
        assert owner is not None
        current = owner["spec"]["template"]["spec"]["containers"][0]["image"]
        there = [pod for pod in self.pods() if target_node(pod) not in tainted]
        assert sorted(map(target_node, there)) == [name_of(node) for node in nodes]
        assert {pod["spec"]["containers"][0]["image"] for pod in there} <= {current}
        assert owner["status"]["desiredNumberScheduled"] == owner["status"].get("numberAvailable", 0) == len(nodes)


async def live(surge: int, chosen: Sequence[tuple[str, object]]) -> None:
    world = World(surge)
    try:
        await world.start()
        await world.turn(60)
        for what, which in chosen:
            await world.step(what, which)
        await world.heal()
    finally:
        await world.tasks.cancel_all()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 2), st.lists(steps, max_size=25))
def test_never_two_pods_of_a_generation_on_a_node_and_in_the_end_one(
    surge: int, chosen: list[tuple[str, object]]
) -> None:
    asyncio.run(live(surge, chosen))
