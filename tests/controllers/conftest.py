from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from copy import deepcopy

import pytest

from controllers.context import ControllerContext
from controllers.registry import build
from controllers.settings import Settings
from minikube_py.api.meta import Object, find_condition
from minikube_py.api.resources import NAMESPACES, NODES, PODS
from minikube_py.api.times import format_time
from minikube_py.client.fake import FakeClient
from minikube_py.runtime.clock import FakeClock, settle
from minikube_py.runtime.informer import Informers
from minikube_py.runtime.tasks import Tasks


class Harness:
    """Real controllers on a fake API server, with a stand-in for scheduler and kubelet."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.client = FakeClient(self.clock)
        self._tasks = Tasks()
        self._addresses = 0
        self.client.seed(NAMESPACES, {"metadata": {"name": "default"}, "spec": {"finalizers": ["kubernetes"]}})
        self.client.seed(NODES, ready_node("node-1"))

    async def start(self, *controllers: str, **settings: object) -> None:
        context = ControllerContext(
            self.client,
            Informers(self.client, self.clock),
            self.clock,
            Settings.model_validate({"kubeconfig": "", "controllers": list(controllers), **settings}),
        )
        build(context)
        self.context = context
        context.informers.start(self._tasks)
        await context.informers.wait_synced(5)
        context.start(self._tasks)
        await self.settle()

    async def settle(self, turns: int = 300) -> None:
        await settle(turns)

    async def advance(self, seconds: float) -> None:
        await self.clock.run(seconds)
        await self.settle()

    async def run_pods(self, *, until: Callable[[], bool] | None = None, ready: bool = True) -> None:
        """Runs what there is and ends what is being deleted, again and again, until nothing changes any more."""
        for _ in range(60):
            await self.settle()
            if until is not None and until():
                return
            if not self.step_pods(ready=ready):
                return

    def step_pods(self, *, ready: bool = True) -> int:
        changed = 0
        for pod in self.client.objects(PODS):
            if pod["metadata"].get("deletionTimestamp"):
                self.client.remove(PODS, pod["metadata"]["name"], pod["metadata"]["namespace"])
                changed += 1
            elif pod["status"].get("phase") == "Pending":
                self.run(pod, ready=ready)
                changed += 1
        return changed

    def run(self, pod: Object, *, ready: bool = True, node: str = "node-1") -> None:
        self._addresses += 1
        pod = deepcopy(pod)
        pod["spec"]["nodeName"] = node
        address = f"10.244.0.{self._addresses}"
        pod["status"] = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [self.condition("Ready", "True" if ready else "False")],
        }
        self.client.seed(PODS, pod)

    def set_ready(self, pod: Object, ready: bool) -> None:
        pod = deepcopy(self.client.object(PODS, pod["metadata"]["name"], pod["metadata"]["namespace"]))
        assert pod is not None
        pod["status"]["conditions"] = [self.condition("Ready", "True" if ready else "False")]
        self.client.seed(PODS, pod)

    def condition(self, condition_type: str, status: str) -> Object:
        return {"type": condition_type, "status": status, "lastTransitionTime": format_time(self.clock.now())}

    def condition_of(self, obj: Object | None, condition_type: str) -> tuple[str, str, str] | None:
        condition = find_condition(obj or {}, condition_type)
        return None if condition is None else (condition["status"], condition["reason"], condition["message"])

    async def stop(self) -> None:
        await self._tasks.cancel_all()


def ready_node(name: str, **labels: str) -> Object:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}},
        "spec": {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    harness = Harness()
    yield harness
    await harness.stop()
