from collections.abc import AsyncIterator

import pytest

from minikube_py.api import errors
from minikube_py.api.meta import Object
from minikube_py.api.resources import CONFIG_MAPS, SECRETS
from minikube_py.client.fake import FakeClient
from minikube_py.runtime.clock import FakeClock
from minikube_py.runtime.controller import Controller, Writes
from minikube_py.runtime.informer import Informer
from minikube_py.runtime.tasks import Tasks
from minikube_py.runtime.workqueue import WorkQueue


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> FakeClient:
    return FakeClient(clock)


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    made = Tasks()
    yield made
    await made.cancel_all()


def config_map(name: str) -> Object:
    return {"metadata": {"name": name, "namespace": "n"}}


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(errors.Conflict("newer"), id="conflict"),
        pytest.param(errors.InternalError("etcd"), id="server error"),
        pytest.param(ValueError("bug"), id="bug"),
    ],
)
async def test_a_failed_key_is_tried_again(clock, tasks, failure):
    queue, tried = WorkQueue("test", clock), []

    async def reconcile(key: str) -> None:
        tried.append(key)
        if len(tried) < 3:
            raise failure

    tasks.start("controller", Controller("test", queue, reconcile, clock).run())
    queue.add("a")
    await clock.run(1)
    assert tried == ["a", "a", "a"]
    assert queue.retries("a") == 0


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(
            errors.Forbidden("no", details={"causes": [{"reason": "NamespaceTerminating"}]}), id="it is being deleted"
        ),
        pytest.param(errors.not_found("", "namespaces", "n"), id="it has gone"),
    ],
)
async def test_a_key_without_a_namespace_is_let_go(clock, tasks, failure):
    queue, tried = WorkQueue("test", clock), []

    async def reconcile(key: str) -> None:
        tried.append(key)
        raise failure

    tasks.start("controller", Controller("test", queue, reconcile, clock).run())
    queue.add("a")
    await clock.run(1000)
    assert tried == ["a"]


async def test_a_key_can_ask_to_be_looked_at_later(clock, tasks):
    queue, times = WorkQueue("test", clock), []

    async def reconcile(key: str) -> float:
        times.append(clock.monotonic())
        return 10.0

    tasks.start("controller", Controller("test", queue, reconcile, clock).run())
    queue.add("a")
    await clock.run(25)
    assert times == [0, 10, 20]


async def test_different_keys_are_worked_on_at_once(clock, tasks):
    queue, finished = WorkQueue("test", clock), []

    async def reconcile(key: str) -> None:
        await clock.sleep(5)
        finished.append(key)

    tasks.start("controller", Controller("test", queue, reconcile, clock, workers=2).run())
    for key in "abc":
        queue.add(key)
    await clock.run(5)
    assert sorted(finished) == ["a", "b"]


async def test_run_returns_when_the_queue_is_shut_down(clock):
    queue = WorkQueue("test", clock)

    async def reconcile(key: str) -> None:
        return None

    queue.shut_down()
    await Controller("test", queue, reconcile, clock, workers=2).run()


async def test_a_key_is_held_until_its_write_is_seen(client, clock, tasks):
    informer = Informer(client, CONFIG_MAPS, clock=clock)
    queue, writes, seen = WorkQueue("test", clock), Writes(clock, informer), []

    async def reconcile(key: str) -> None:
        seen.append(informer.get("n/a") is not None)
        if len(seen) == 1:
            writes.record(key, CONFIG_MAPS, await client.create(CONFIG_MAPS, config_map("a")))
            queue.add(key)

    tasks.start("controller", Controller("test", queue, reconcile, clock, writes=writes).run())
    queue.add("key")
    await clock.run(0)
    assert seen == [False]
    informer.start(tasks)
    await clock.run(0)
    assert seen == [False, True]


async def test_a_key_is_held_until_its_deletion_is_seen(client, clock, tasks):
    informer = Informer(client, CONFIG_MAPS, clock=clock)
    writes = Writes(clock, informer)
    (stored,) = client.seed(CONFIG_MAPS, config_map("a"))
    informer.start(tasks)
    await clock.run(0)
    writes.record_delete("key", CONFIG_MAPS, stored)
    assert writes.holds("key")
    await client.delete(CONFIG_MAPS, "a", "n")
    assert writes.holds("key")
    await clock.run(0)
    assert not writes.holds("key")


async def test_a_kind_without_an_informer_is_not_waited_for(client, clock):
    writes = Writes(clock, Informer(client, CONFIG_MAPS, clock=clock))
    writes.record("key", SECRETS, await client.create(SECRETS, config_map("s")))
    assert not writes.holds("key")


async def test_no_key_is_held_for_ever(client, clock):
    writes, released = Writes(clock, Informer(client, CONFIG_MAPS, clock=clock)), []
    writes.record("key", CONFIG_MAPS, await client.create(CONFIG_MAPS, config_map("a")))
    writes.when_seen("key", lambda: released.append("key"))
    clock.advance(29)
    assert released == []
    clock.advance(1)
    assert released == ["key"]
    assert not writes.holds("key")
