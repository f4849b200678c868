import asyncio
import dataclasses

import pytest

from minikube_py.runtime.clock import FakeClock
from scheduler.plugins.plugin import Change, ClusterEvent
from scheduler.queue import SchedulingQueue, State

EVENT = ClusterEvent(Change.NODE_ADDED)
FIT = frozenset({"NodeResourcesFit"})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Helping:
    def __init__(self) -> None:
        self.answer = True

    def __call__(self, pod, rejected_by, event) -> bool:
        return self.answer


@pytest.fixture
def helping() -> Helping:
    return Helping()


@pytest.fixture
def queue(clock, helping) -> SchedulingQueue:
    return SchedulingQueue(clock, helping)


async def popped(queue):
    async with asyncio.timeout(1):
        return await queue.pop()


async def test_order_is_by_priority_then_by_arrival(make, queue, clock):
    for name, priority in (("a", 0), ("b", 0), ("c", 5)):
        queue.add(make.pod_info(name, priority=priority))
        clock.advance(1)
    assert [(await popped(queue)).pod.key for _ in range(3)] == ["default/c", "default/a", "default/b"]


async def test_pop_waits_for_a_pod(make, queue):
    waiting = asyncio.ensure_future(popped(queue))
    await asyncio.sleep(0)
    queue.add(make.pod_info())
    assert (await waiting).pod.key == "default/p"


async def test_back_off_doubles_up_to_ten_seconds(make, queue, clock):
    queue.add(make.pod_info())
    for seconds in (1, 2, 4, 8, 10, 10):
        queue.fail(await popped(queue), None)
        clock.advance(seconds - 0.01)
        assert queue.state_of("default/p") is State.BACKOFF
        clock.advance(0.02)
        assert queue.state_of("default/p") is State.ACTIVE


async def test_an_unschedulable_pod_waits_for_an_event_that_helps(make, queue, clock, helping):
    queue.add(make.pod_info())
    queue.fail(await popped(queue), FIT)
    clock.advance(60)
    helping.answer = False
    queue.happened(EVENT)
    assert queue.state_of("default/p") is State.UNSCHEDULABLE
    helping.answer = True
    queue.happened(EVENT)
    assert queue.state_of("default/p") is State.ACTIVE


async def test_an_event_does_not_shorten_the_back_off(make, queue, clock):
    queue.add(make.pod_info())
    queue.fail(await popped(queue), FIT)
    queue.happened(EVENT)
    assert queue.state_of("default/p") is State.BACKOFF
    clock.advance(1)
    assert queue.state_of("default/p") is State.ACTIVE


async def test_an_event_during_the_try_is_not_missed(make, queue):
    queue.add(make.pod_info())
    queued = await popped(queue)
    queue.happened(EVENT)
    queue.fail(queued, FIT)
    assert queue.state_of("default/p") is State.BACKOFF


async def test_an_event_before_the_try_does_not_count(make, queue):
    queue.add(make.pod_info("a"))
    queue.add(make.pod_info("b"))
    first = await popped(queue)
    queue.happened(EVENT)
    second = await popped(queue)
    queue.fail(second, FIT)
    queue.fail(first, FIT)
    assert queue.state_of("default/b") is State.UNSCHEDULABLE
    assert queue.state_of("default/a") is State.BACKOFF


async def test_an_unschedulable_pod_is_tried_again_after_five_minutes(make, queue, clock):
    queue.add(make.pod_info())
    queue.fail(await popped(queue), FIT)
    clock.advance(299)
    assert queue.state_of("default/p") is State.UNSCHEDULABLE
    clock.advance(1)
    assert queue.state_of("default/p") is State.ACTIVE


async def test_a_gated_pod_waits_until_its_gates_are_gone(make, queue):
    gated = make.pod_info(schedulingGates=[{"name": "g"}])
    queue.add(gated)
    assert queue.state_of("default/p") is State.GATED
    queue.update(gated, make.pod_info())
    assert (await popped(queue)).pod.spec.get("schedulingGates") is None


async def test_a_changed_pod_is_tried_again_but_not_for_its_status(make, queue, clock):
    pod = make.pod_info(cpu="1")
    queue.add(pod)
    queue.fail(await popped(queue), FIT)
    clock.advance(5)
    status = dataclasses.replace(pod, pod={**pod.pod, "status": {"phase": "Pending", "conditions": []}})
    queue.update(pod, status)
    assert queue.state_of("default/p") is State.UNSCHEDULABLE
    queue.update(status, make.pod_info(cpu="500m"))
    assert (await popped(queue)).pod.requests == {"cpu": 500}


async def test_a_deleted_pod_is_not_tried_again(make, queue, clock):
    queue.add(make.pod_info("a"))
    queue.add(make.pod_info("b"))
    queued = await popped(queue)
    queue.delete("default/a")
    queue.delete("default/b")
    queue.fail(queued, None)
    clock.advance(60)
    assert len(queue) == 0
    assert clock.pending == 0


async def test_a_replaced_pod_is_new(make, queue):
    queue.add(make.pod_info())
    old = await popped(queue)
    queue.add(dataclasses.replace(make.pod_info(), uid="other"))
    queue.fail(old, None)
    assert queue.state_of("default/p") is State.ACTIVE
    assert (await popped(queue)).attempts == 1
