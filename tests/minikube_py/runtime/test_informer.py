import asyncio
from collections.abc import AsyncIterator

import pytest

from minikube_py.api import errors
from minikube_py.api.meta import Object, key_of, name_of
from minikube_py.api.resources import CONFIG_MAPS, SECRETS
from minikube_py.client.fake import FakeClient
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime.clock import FakeClock
from minikube_py.runtime.informer import Informer, Informers, drop_managed_fields
from minikube_py.runtime.tasks import Tasks


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


@pytest.fixture
def informer(client: FakeClient, clock: FakeClock) -> Informer:
    return Informer(client, CONFIG_MAPS, clock=clock, indexers={"data": lambda obj: [*obj.get("data", {})]})


def config_map(name: str, **data: str) -> Object:
    return {"metadata": {"name": name, "namespace": "n"}, "data": data}


class Seen:
    def __init__(self, informer: Informer) -> None:
        self.changes: list[tuple[str, str]] = []
        informer.add_handler(self)

    def __call__(self, old: Object | None, new: Object | None) -> None:
        known = new or old
        assert known is not None
        what = "added" if old is None else "deleted" if new is None else "updated"
        self.changes.append((what, name_of(known)))


async def test_what_is_there_is_told_before_synced(client, informer, tasks, clock):
    client.seed(CONFIG_MAPS, config_map("a"), config_map("b"))
    seen = Seen(informer)
    informer.start(tasks)
    assert not informer.synced
    await clock.run(0)
    assert informer.synced
    await informer.wait_synced(1)
    assert seen.changes == [("added", "a"), ("added", "b")]
    assert sorted(key_of(obj) for obj in informer.list("n")) == ["n/a", "n/b"]
    assert informer.list("other") == []


async def test_changes_are_told_after_the_copy_has_them(client, informer, tasks, clock):
    informer.start(tasks)
    await clock.run(0)
    told = []
    informer.add_handler(lambda old, new: told.append((old is not None, informer.get("n/a") is not None)))
    created = await client.create(CONFIG_MAPS, config_map("a", x="1"))
    await clock.run(0)
    assert informer.by_index("data", "x") == [created]
    await client.update(CONFIG_MAPS, created | {"data": {"y": "1"}})
    await clock.run(0)
    assert informer.by_index("data", "x") == []
    await client.delete(CONFIG_MAPS, "a", "n")
    await clock.run(0)
    assert told == [(False, True), (True, True), (True, False)]
    assert informer.revision == client.revision


async def test_a_late_handler_hears_of_what_is_there(client, informer, tasks, clock):
    client.seed(CONFIG_MAPS, config_map("a"))
    informer.start(tasks)
    await clock.run(0)
    assert Seen(informer).changes == [("added", "a")]


async def test_a_failing_handler_does_not_keep_others_from_hearing(client, informer, tasks, clock):
    client.seed(CONFIG_MAPS, config_map("a"))

    def fail(old: Object | None, new: Object | None) -> None:
        raise ValueError

    informer.add_handler(fail)
    seen = Seen(informer)
    informer.start(tasks)
    await clock.run(0)
    assert seen.changes == [("added", "a")]


async def test_a_broken_watch_resumes_without_listing(client, informer, tasks, clock):
    informer.start(tasks)
    await clock.run(0)
    client.fail_next("watch", CONFIG_MAPS, ConnectionFailed("cut"))
    await clock.run(900)
    client.seed(CONFIG_MAPS, config_map("a"))
    await clock.run(2)
    assert informer.get("n/a") is not None
    assert [action.verb for action in client.actions].count("list") == 1


async def test_an_expired_watch_lists_again_and_tells_what_was_missed(client, informer, tasks, clock):
    client.seed(CONFIG_MAPS, config_map("a"), config_map("b"), config_map("c"))
    seen = Seen(informer)
    informer.start(tasks)
    await clock.run(0)
    end = client.react("watch", CONFIG_MAPS, lambda action: (_ for _ in ()).throw(errors.Expired("too old")))
    seen.changes.clear()
    client.expire_history()
    client.remove(CONFIG_MAPS, "a", "n")
    client.seed(CONFIG_MAPS, config_map("b", x="1"), config_map("d"))
    client.expire_history()
    end()
    await clock.run(4)
    assert seen.changes == [("deleted", "a"), ("updated", "b"), ("added", "d")]


async def test_failures_to_list_are_retried_with_back_off(client, informer, tasks, clock):
    end = client.react("list", CONFIG_MAPS, lambda action: (_ for _ in ()).throw(ConnectionFailed("refused")))
    informer.start(tasks)
    await clock.run(300)
    assert 10 <= len(client.actions) <= 30
    with pytest.raises(TimeoutError, match="informer of configmaps not synced"):
        await informer.wait_synced(0)
    end()
    await clock.run(30)
    assert informer.synced


async def test_bookmarks_raise_the_revision(client, informer, tasks, clock):
    informer.start(tasks)
    await clock.run(0)
    client.seed(SECRETS, {"metadata": {"name": "s", "namespace": "n"}})
    assert informer.revision < client.revision
    client.send_bookmarks()
    await clock.run(0)
    assert informer.revision == client.revision


async def test_one_informer_is_shared(client, tasks, clock):
    informers = Informers(client, clock)
    first = informers.informer(CONFIG_MAPS)
    assert informers.informer(CONFIG_MAPS, indexers={"all": lambda obj: [""]}) is first
    assert informers.informer(CONFIG_MAPS, namespace="n") is not first
    client.seed(CONFIG_MAPS, config_map("a"))
    informers.start(tasks)
    await asyncio.wait_for(informers.wait_synced(1), 2)
    assert len(first.by_index("all", "")) == 1


async def test_a_part_shares_informers_and_waits_for_its_own_alone(client, tasks, clock):
    informers = Informers(client, clock)
    first, second = informers.part(), informers.part()
    asked = first.informer(CONFIG_MAPS)
    assert second.informer(CONFIG_MAPS) is asked
    assert informers.informer(CONFIG_MAPS) is asked
    slow = second.informer(SECRETS)
    first.start(tasks)
    await clock.run(0)
    await asyncio.wait_for(first.wait_synced(1), 2)
    assert not slow.synced
    informers.start(tasks)
    await clock.run(0)
    await asyncio.wait_for(second.wait_synced(1), 2)
    assert slow.synced


def test_managed_fields_are_forgotten():
    assert drop_managed_fields({"metadata": {"name": "a", "managedFields": [1]}}) == {"metadata": {"name": "a"}}
