"""Any history, with any breaks in it: what watchers are told equals what a plain model of the store tells."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from apiserver.storage.cache import WatchCache
from apiserver.storage.encoding import encode_for_storage
from apiserver.storage.history import RevisionExpired
from apiserver.storage.hub import WatchHub
from apiserver.storage.memory import MemoryStore
from apiserver.storage.store import storage_key
from minikube_py.api.resources import CONFIG_MAPS, PODS

NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.one_of(
    st.tuples(st.just("put"), NAMES, st.booleans(), st.integers(0, 4)),
    st.tuples(st.just("delete"), NAMES, st.just(False), st.integers(0, 4)),
    st.tuples(
        st.sampled_from(["subscribe", "break", "settle", "elsewhere", "compact"]),
        st.just(""),
        st.booleans(),
        st.integers(0, 4),
    ),
)


class Model:
    """Who watches what, and what it must have been told: (type, name, revision, state shown)."""

    def __init__(self):
        self.state = {}
        self.expected = []

    def wrote(self, name, selected, revision):
        before, self.state[name] = self.state.get(name), (selected, revision)
        for only_selected, events in self.expected:
            was = before is not None and (before[0] or not only_selected)
            now = selected or not only_selected
            if now:
                events.append(("MODIFIED" if was else "ADDED", name, revision, selected))
            elif was:
                events.append(("DELETED", name, revision, before[0]))

    def deleted(self, name, revision):
        before = self.state.pop(name)
        for only_selected, events in self.expected:
            if before[0] or not only_selected:
                events.append(("DELETED", name, revision, before[0]))


def stored(name, selected, resource):
    labels = {"selected": "yes"} if selected else {}
    metadata = {"name": name, "namespace": "ns", "labels": labels}
    return encode_for_storage({"kind": resource.kind, "apiVersion": "v1", "metadata": metadata})


def is_selected(cached):
    return cached.labels.get("selected") == "yes"


async def drained(subscription):
    told = []
    while batch := await subscription.take(0):
        told += [(d.type, d.cached.name, d.revision, is_selected(d.cached)) for d in batch]
        assert all(f'"resourceVersion":"{d.revision}"'.encode() in d.line for d in batch)
    return told


async def play(steps):
    store, model, subscriptions = MemoryStore(batch_size=2), Model(), []
    hub = WatchHub(store, sleep=lambda _: asyncio.sleep(0))
    cache = WatchCache(hub, PODS)
    running = asyncio.create_task(hub.run())
    await cache.wait_fresh(5)
    for number, (action, name, flag, turns) in enumerate(steps):
        key = storage_key(PODS, "ns", name)
        match action:
            case "put" if name in model.state:
                expected = model.state[name][1]
                model.wrote(name, flag, await store.update(key, stored(name, flag, PODS), expected_revision=expected))
            case "put":
                model.wrote(name, flag, await store.create(key, stored(name, flag, PODS)))
            case "delete" if name in model.state:
                model.deleted(name, await store.delete(key, expected_revision=model.state[name][1]))
            case "elsewhere":
                await store.create(storage_key(CONFIG_MAPS, "ns", str(number)), stored("c", False, CONFIG_MAPS))
            case "subscribe":
                await cache.wait_fresh(5)
                subscriptions.append(cache.subscribe(cache.revision, matches=is_selected if flag else None))
                model.expected.append((flag, []))
            case "break":
                store.break_watches()
            case "settle":
                await cache.wait_fresh(5)
            case "compact" if await store.current_revision() > store._compacted + 1:
                await store.compact(await store.current_revision())
        for _ in range(turns):
            await asyncio.sleep(0)
    await cache.wait_fresh(5)
    present = {item.name: (is_selected(item), item.revision) for item in cache.list("ns").items}
    assert present == model.state
    for subscription, (_, expected) in zip(subscriptions, model.expected, strict=True):
        try:
            assert await drained(subscription) == expected
        except RevisionExpired:
            assert hub.epoch > 0, "only a lost history may expire a watch"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_watchers_are_told_every_event_once_and_in_order(steps):
    asyncio.run(play(steps))
