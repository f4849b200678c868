import asyncio

import pytest

from minikube_py.runtime.clock import FakeClock, settle
from minikube_py.runtime.workqueue import QueueFull, QueueShutDown, WorkQueue


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> WorkQueue:
    return WorkQueue("test", clock, maximum=4)


async def test_a_key_is_queued_once(queue: WorkQueue):
    queue.add("a")
    queue.add("b")
    queue.add("a")
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_added_while_worked_on_comes_again_when_done(queue: WorkQueue):
    queue.add("a")
    await queue.get()
    queue.add("a")
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert len(queue) == 1
    assert await queue.get() == "a"
    queue.done("a")
    assert queue.idle


async def test_the_earlier_of_two_delays_holds(queue: WorkQueue, clock: FakeClock):
    queue.add_after("a", 10)
    queue.add_after("a", 5)
    queue.add_after("a", 20)
    clock.advance(5)
    assert len(queue) == 1
    clock.advance(30)
    assert len(queue) == 1


async def test_back_off_doubles_until_forgotten(queue: WorkQueue, clock: FakeClock):
    waits = []
    for _ in range(4):
        queue.add_rate_limited("a")
        started = clock.monotonic()
        while not len(queue):
            clock.advance(0.001)
        waits.append(clock.monotonic() - started)
        queue.done(await queue.get())
    assert waits == pytest.approx([0.005, 0.01, 0.02, 0.04], abs=0.002)
    assert queue.retries("a") == 4
    queue.forget("a")
    assert queue.retries("a") == 0


async def test_back_off_ends_at_a_thousand_seconds(queue: WorkQueue, clock: FakeClock):
    for _ in range(40):
        queue.add_rate_limited("a")
        clock.advance(1000)
        queue.done(await queue.get())


async def test_a_worker_waits_for_a_key(queue: WorkQueue):
    waiting = asyncio.ensure_future(queue.get())
    await settle()
    assert not waiting.done()
    queue.add("a")
    assert await waiting == "a"


async def test_a_cancelled_worker_passes_its_wake_up_on(queue: WorkQueue):
    first, second = asyncio.ensure_future(queue.get()), asyncio.ensure_future(queue.get())
    await settle()
    queue.add("a")
    first.cancel()
    assert await asyncio.wait_for(second, 1) == "a"


async def test_too_many_keys_are_refused(queue: WorkQueue):
    for key in "abcd":
        queue.add(key)
    with pytest.raises(QueueFull, match="work queue test holds 4 keys"):
        queue.add("e")


async def test_shut_down_drains_and_ends_workers(queue: WorkQueue):
    queue.add("a")
    queue.add_after("b", 1)
    queue.shut_down()
    queue.add("c")
    assert await queue.get() == "a"
    with pytest.raises(QueueShutDown):
        await queue.get()
