from collections.abc import AsyncIterator, Callable
from random import Random

import pytest

from minikube_py.api.errors import ServiceUnavailable
from minikube_py.api.meta import find_condition
from minikube_py.api.resources import EVENTS, NODES, PODS
from minikube_py.client.fake import Action, FakeClient
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime import metrics
from minikube_py.runtime.clock import FakeClock, settle
from minikube_py.runtime.events import EventRecorder
from minikube_py.runtime.informer import Informers
from minikube_py.runtime.tasks import Tasks
from scheduler.plugins.registry import default_plugins
from scheduler.queue import State
from scheduler.scheduler import Scheduler


class Bench:
    """A scheduler on a fake API server."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.client = FakeClient(self.clock)
        self.tasks = Tasks()
        self.informers = Informers(self.client, self.clock)
        self.recorder = EventRecorder(self.client, "default-scheduler", self.clock)
        self.scheduler = Scheduler(
            self.client, self.clock, self.informers, self.recorder, default_plugins(), random=Random(1)
        )

    async def start(self) -> None:
        self.informers.start(self.tasks)
        self.recorder.start(self.tasks)
        await self.informers.wait_synced(5)
        self.tasks.start("scheduler", self.scheduler.run(), critical=True)
        await settle()

    def node_of(self, name: str) -> str:
        pod = self.client.object(PODS, name, "default")
        assert pod is not None
        return str(pod["spec"].get("nodeName", ""))

    def on_next_binding(self, reaction: Callable[[], None]) -> None:
        def react(action: Action) -> None:
            if action.subresource == "binding":
                end()
                reaction()

        end = self.client.react("create", PODS, react)

    def events(self) -> list[tuple[str, str]]:
        return [(event["reason"], event["message"]) for event in self.client.objects(EVENTS)]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.tasks.cancel_all()


async def test_a_pod_is_bound_without_time_passing(make, bench):
    bench.client.seed(NODES, make.node())
    await bench.start()
    await bench.client.create(PODS, make.pod())
    await settle()
    assert bench.node_of("p") == "n1"
    assert bench.events() == [("Scheduled", "Successfully assigned default/p to n1")]
    assert len(bench.scheduler.queue) == 0
    shown = metrics.exposition().decode()
    assert 'scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"}' in shown
    assert 'scheduler_pending_pods{queue="active"} 0.0' in shown


async def test_a_pod_that_does_not_fit_is_told_why_and_bound_when_it_fits(make, bench):
    await bench.start()
    await bench.client.create(PODS, make.pod(cpu="6"))
    bench.client.seed(NODES, make.node())
    await settle()
    await bench.clock.run(1.5)
    pod = bench.client.object(PODS, "p", "default")
    condition = find_condition(pod, "PodScheduled")
    message = (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: "
        "1 Preemption is not helpful for scheduling."
    )
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", message)
    assert ("FailedScheduling", message) in bench.events()
    assert bench.scheduler.queue.state_of("default/p") is State.UNSCHEDULABLE
    await bench.clock.run(20)
    bench.client.seed(NODES, make.node(cpu="8"))
    await settle()
    assert bench.node_of("p") == "n1"


async def test_a_node_is_never_overcommitted(make, bench):
    bench.client.seed(NODES, make.node("n1", cpu="2"), make.node("n2", cpu="2"))
    await bench.start()
    for index in range(8):
        await bench.client.create(PODS, make.pod(f"p{index}", cpu="1"))
    await settle(200)
    placed = [bench.node_of(f"p{index}") for index in range(8)]
    assert sorted(placed) == ["", "", "", "", "n1", "n1", "n2", "n2"]


async def test_a_deleted_pod_makes_room_for_one_that_waits(make, bench):
    bench.client.seed(NODES, make.node(cpu="1"))
    await bench.start()
    await bench.client.create(PODS, make.pod("a", cpu="1"))
    await settle()
    await bench.client.create(PODS, make.pod("b", cpu="1"))
    await settle()
    await bench.clock.run(30)
    assert bench.node_of("b") == ""
    bench.client.remove(PODS, "a", "default")
    await settle()
    assert bench.node_of("b") == "n1"


async def test_an_ended_pod_makes_room(make, bench):
    bench.client.seed(NODES, make.node(cpu="1"))
    ended = make.pod("a", cpu="1", node="n1") | {"status": {"phase": "Succeeded"}}
    bench.client.seed(PODS, ended)
    await bench.start()
    await bench.client.create(PODS, make.pod("b", cpu="1"))
    await settle()
    assert bench.node_of("b") == "n1"


async def test_an_untainted_node_takes_the_pods_that_wait(make, bench):
    taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    bench.client.seed(NODES, make.node(taints=[taint]))
    await bench.start()
    await bench.client.create(PODS, make.pod())
    await bench.clock.run(5)
    assert bench.node_of("p") == ""
    bench.client.seed(NODES, make.node())
    await settle()
    assert bench.node_of("p") == "n1"


async def test_pods_of_other_schedulers_and_gated_ones_are_left_alone(make, bench):
    bench.client.seed(NODES, make.node())
    await bench.start()
    await bench.client.create(PODS, make.pod("other", schedulerName="mine"))
    await bench.client.create(PODS, make.pod("gated", schedulingGates=[{"name": "g"}]))
    await settle()
    assert (bench.node_of("other"), bench.node_of("gated")) == ("", "")


async def test_a_binding_that_fails_is_tried_again(make, bench):
    bench.client.seed(NODES, make.node(cpu="1"))
    await bench.start()

    def fail() -> None:
        raise ServiceUnavailable("etcd is away")

    bench.on_next_binding(fail)
    await bench.client.create(PODS, make.pod(cpu="1"))
    await settle()
    assert bench.node_of("p") == ""
    assert ("FailedScheduling", "running Bind plugin: etcd is away") in bench.events()
    await bench.clock.run(1.1)
    assert bench.node_of("p") == "n1"


async def test_a_binding_whose_answer_was_lost_is_found_out(make, bench):
    bench.client.seed(NODES, make.node(cpu="1"))
    await bench.start()

    def bind_and_break() -> None:
        bench.client.seed(PODS, make.pod(cpu="1", node="n1"))
        raise ConnectionFailed("connection reset")

    bench.on_next_binding(bind_and_break)
    await bench.client.create(PODS, make.pod(cpu="1"))
    await settle()
    assert bench.node_of("p") == "n1"
    assert len(bench.scheduler.queue) == 0
    await bench.client.create(PODS, make.pod("q", cpu="1"))
    await settle()
    assert bench.node_of("q") == ""


async def test_a_pod_deleted_while_it_is_bound_leaves_nothing_behind(make, bench):
    bench.client.seed(NODES, make.node(cpu="1"))
    await bench.start()
    bench.on_next_binding(lambda: bench.client.remove(PODS, "p", "default"))
    await bench.client.create(PODS, make.pod(cpu="1"))
    await settle()
    assert len(bench.scheduler.queue) == 0
    await bench.client.create(PODS, make.pod("q", cpu="1"))
    await settle()
    assert bench.node_of("q") == "n1"


async def test_a_plugin_that_fails_does_not_stop_the_others(make, bench):
    bench.client.seed(NODES, make.node())
    await bench.start()
    broken = make.pod("broken", affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": 5}})
    await bench.client.create(PODS, broken)
    await bench.client.create(PODS, make.pod("good"))
    await settle()
    assert bench.node_of("good") == "n1"
    condition = find_condition(bench.client.object(PODS, "broken", "default"), "PodScheduled")
    assert condition["reason"] == "SchedulerError"
