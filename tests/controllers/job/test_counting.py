"""Whatever happens to pods, watches and the controller: what a Job counts is what has happened."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controllers.context import ControllerContext
from controllers.registry import build
from controllers.settings import Settings
from minikube_py.api import errors
from minikube_py.api.meta import Object, is_deleting
from minikube_py.api.resources import JOBS, NAMESPACES, PODS, Resource
from minikube_py.client.fake import FakeClient
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime.clock import FakeClock, settle
from minikube_py.runtime.informer import Informers
from minikube_py.runtime.tasks import Tasks

INDEX = "batch.kubernetes.io/job-completion-index"


class LateClient(FakeClient):
    """What has happened to a kind is told only once its gate is opened: until then an informer knows the past."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._gates = {resource.plural: asyncio.Event() for resource in (JOBS, PODS)}
        self.open()

    def shut(self, resource: Resource) -> None:
        self._gates[resource.plural].clear()

    def open(self) -> None:
        for gate in self._gates.values():
            gate.set()

    async def watch(self, resource: Resource, *where: Any, **options: Any) -> AsyncIterator[Any]:
        async with contextlib.aclosing(super().watch(resource, *where, **options)) as events:
            async for event in events:
                if resource.plural in self._gates:
                    await self._gates[resource.plural].wait()
                yield event


class World:
    """A Job's controller that may be killed at any time, and the true history of every pod there ever was."""

    def __init__(self, job: Object, seed: int) -> None:
        self.clock = FakeClock()
        self.client = LateClient(self.clock)
        self.client.seed(NAMESPACES, {"metadata": {"name": "default"}, "spec": {"finalizers": ["kubernetes"]}})
        self.random = random.Random(seed)
        self.parallelism = job["spec"]["parallelism"]
        self.ends: dict[str, tuple[str, str]] = {}
        self.job = job

    async def run(self, steps: list[str]) -> None:
        self.client.seed(JOBS, self.job)
        await self.start()
        for step in steps:
            await self.step(step)
            self.check_limits()
        self.client.open()
        for _ in range(60):
            if self.finished():
                break
            await self.step("succeed")
            await self.clock.run(700)
        await settle(200)
        await self.tasks.cancel_all()
        self.check_counts()

    async def start(self) -> None:
        self.tasks = Tasks()
        context = ControllerContext(
            self.client,
            Informers(self.client, self.clock),
            self.clock,
            Settings.model_validate({"kubeconfig": "", "controllers": ["job-controller"]}),
        )
        build(context)
        context.start(self.tasks)

    async def step(self, step: str) -> None:
        match step:
            case "late pods":
                self.client.shut(PODS)
            case "late jobs":
                self.client.shut(JOBS)
            case "crash":
                self.client.open()
                await self.tasks.cancel_all()
                await self.start()
            case "turn":
                await settle(self.random.choice((1, 3, 10, 60)))
            case "wait":
                # Nobody holds back a key for more than 30 s.
                self.client.open()
                await self.clock.run(self.random.choice((1.0, 12.0, 60.0)))
            case "conflict":
                self.client.fail_next("update", JOBS, errors.conflict("batch", "jobs", "work"))
            case "cut":
                self.client.fail_next("patch", PODS, ConnectionFailed("cut"))
            case "no pods":
                self.client.fail_next("create", PODS, errors.forbidden("", "pods", "", "exceeded quota"))
            case "stale":
                self.client.expire_history()
            case _:
                self.end_a_pod("Succeeded" if step == "succeed" else "Failed")

    def end_a_pod(self, phase: str) -> None:
        alive = [p for p in self.client.objects(PODS) if p["status"]["phase"] == "Pending" and not is_deleting(p)]
        if not alive:
            return
        pod = deepcopy(self.random.choice(alive))
        pod["status"] = {"phase": phase}
        self.client.seed(PODS, pod)
        self.ends[pod["metadata"]["uid"]] = phase, (pod["metadata"].get("annotations") or {}).get(INDEX, "")

    def check_limits(self) -> None:
        alive = [p for p in self.client.objects(PODS) if p["status"]["phase"] == "Pending" and not is_deleting(p)]
        assert len(alive) <= self.parallelism

    def stored(self) -> Object:
        found = self.client.object(JOBS, "work", "default")
        assert found is not None
        return found

    def finished(self) -> bool:
        conditions = (self.stored().get("status") or {}).get("conditions") or []
        return any(c["type"] in ("Complete", "Failed") for c in conditions)

    def check_counts(self) -> None:
        status = self.stored()["status"]
        assert self.finished()
        assert status["uncountedTerminatedPods"] == {}
        assert not any(pod["metadata"].get("finalizers") for pod in self.client.objects(PODS))
        succeeded = [index for phase, index in self.ends.values() if phase == "Succeeded"]
        failed = [index for phase, index in self.ends.values() if phase == "Failed"]
        if self.job["spec"]["completionMode"] == "Indexed":
            assert status["succeeded"] == len(set(succeeded)) == self.job["spec"]["completions"]
        else:
            assert status["succeeded"] == len(succeeded) == self.job["spec"]["completions"]
        assert status.get("failed", 0) == len(failed)


def a_job(mode: str, parallelism: int, completions: int) -> Object:
    spec: dict[str, Any] = {
        "parallelism": parallelism,
        "completions": completions,
        "completionMode": mode,
        "backoffLimit": 1000,
        "selector": {"matchLabels": {"job": "work"}},
        "template": {
            "metadata": {"labels": {"job": "work"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "c"}]},
        },
    }
    return {"metadata": {"name": "work", "namespace": "default"}, "spec": spec}


STEPS = (
    "succeed",
    "fail",
    "turn",
    "turn",
    "wait",
    "crash",
    "conflict",
    "cut",
    "no pods",
    "stale",
    "late pods",
    "late jobs",
)


@pytest.mark.parametrize("mode", ["NonIndexed", "Indexed"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parallelism=st.integers(1, 4),
    completions=st.integers(1, 6),
    steps=st.lists(st.sampled_from(STEPS), max_size=25),
    seed=st.integers(0, 1000),
)
def test_counts_are_exact(mode: str, parallelism: int, completions: int, steps: list[str], seed: int) -> None:
    asyncio.run(World(a_job(mode, parallelism, completions), seed).run(steps))
