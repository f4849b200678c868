import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator

import orjson
import pytest

from apiserver.storage import encoding
from apiserver.storage.cache import WatchCache
from apiserver.storage.history import HistoryLimits, RevisionExpired
from apiserver.storage.hub import WatchHub
from apiserver.storage.memory import MemoryStore
from apiserver.storage.store import RevisionNotReached, StoreEvent, StoreTimeout, StoreUnavailable, storage_key
from apiserver.storage.subscription import SlowReader
from minikube_py.api.resources import CONFIG_MAPS, PODS


def pod(name, namespace="default", **fields):
    labels = {key: value for key, value in fields.items() if key != "node"}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": {"nodeName": fields.get("node", "")}}


class Writer:
    """Writes pods to a store, keeping track of revisions."""

    def __init__(self, store):
        self.store = store
        self.revisions = {}

    async def put(self, name, namespace="default", resource=PODS, **fields):
        key = storage_key(resource, namespace, name)
        value = encoding.encode_for_storage(pod(name, namespace, **fields))
        if key in self.revisions:
            revision = await self.store.update(key, value, expected_revision=self.revisions[key])
        else:
            revision = await self.store.create(key, value)
        self.revisions[key] = revision
        return revision

    async def delete(self, name, namespace="default"):
        key = storage_key(PODS, namespace, name)
        return await self.store.delete(key, expected_revision=self.revisions.pop(key))


class Bench:
    def __init__(self):
        self.store = MemoryStore()
        self.delays = []
        self.hub = WatchHub(self.store, sleep=self.sleep)
        self.writer = Writer(self.store)
        self.task = None

    async def sleep(self, seconds):
        self.delays.append(seconds)
        await asyncio.sleep(0)

    def start(self):
        self.task = asyncio.create_task(self.hub.run())

    async def stop(self):
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    def cache(self, **options):
        return WatchCache(self.hub, PODS, fields_of=lambda obj: {"spec.nodeName": obj["spec"]["nodeName"]}, **options)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    made.start()
    yield made
    await made.stop()


async def taken(subscription, count):
    got = []
    async with asyncio.timeout(5):
        while len(got) < count:
            got += await subscription.take(5)
    return [(d.type, d.cached.name if d.cached else "", d.revision) for d in got]


def names(listing):
    return [item.key for item in listing.items]


async def test_a_fresh_read_shows_every_acknowledged_write(bench):
    cache = bench.cache()
    for number in range(20):
        revision = await bench.writer.put(f"p{number}")
        assert await cache.wait_fresh(5) >= revision
        assert cache.get(f"default/p{number}").revision == revision


async def test_writes_to_other_kinds_carry_the_revision_forward(bench):
    cache = bench.cache()
    await cache.wait_fresh(5)
    revision = await bench.writer.put("c", resource=CONFIG_MAPS)
    assert await cache.wait_fresh(5) == revision
    assert cache.list().items == []


async def test_listing_is_in_key_order_and_by_namespace(bench):
    for namespace, name in (("a", "z"), ("a-b", "a"), ("b", "m"), ("a", "b")):
        await bench.writer.put(name, namespace)
    cache = bench.cache()
    await cache.wait_fresh(5)
    page = await bench.store.range(cache.prefix)
    assert names(cache.list()) == [item.key.removeprefix(cache.prefix) for item in page.items]
    assert names(cache.list("a")) == ["a/b", "a/z"]
    assert names(cache.list("c")) == []


async def test_objects_are_served_with_their_revision_and_read_lazily(bench):
    revision = await bench.writer.put("p", app="web", node="n1")
    cache = bench.cache()
    await cache.wait_fresh(5)
    cached = cache.get("default/p")
    assert orjson.loads(cached.data)["metadata"]["resourceVersion"] == str(revision)
    assert cached.labels == {"app": "web"}
    assert cached.fields == {"spec.nodeName": "n1", "metadata.name": "p", "metadata.namespace": "default"}
    assert b'"kind"' not in cached.item
    assert cached.object is not cached.object


async def test_one_question_serves_all_reads_in_flight(bench):
    cache = bench.cache()
    await cache.wait_fresh(5)
    before, answer = bench.store.reads, bench.store.current_revision

    async def slow_answer():
        await asyncio.sleep(0)
        return await answer()

    bench.store.current_revision = slow_answer
    await asyncio.gather(*(cache.wait_fresh(5) for _ in range(100)))
    assert bench.store.reads - before <= 2


async def test_events_follow_the_revision_subscribed_from(bench):
    cache = bench.cache()
    first = await bench.writer.put("a")
    await cache.wait_fresh(5)
    second = await bench.writer.put("a", app="x")
    third = await bench.writer.delete("a")
    await cache.wait_fresh(5)
    with cache.subscribe(first) as subscription:
        fourth = await bench.writer.put("b")
        expected = [("MODIFIED", "a", second), ("DELETED", "a", third), ("ADDED", "b", fourth)]
        assert await taken(subscription, 3) == expected


async def test_a_deletion_shows_the_last_state_with_the_deletions_revision(bench):
    cache = bench.cache()
    await bench.writer.put("a", app="x")
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision) as subscription:
        revision = await bench.writer.delete("a")
        (delivery,) = await subscription.take(5)
    event = orjson.loads(delivery.line)
    assert event["type"] == "DELETED"
    assert event["object"]["metadata"]["labels"] == {"app": "x"}
    assert event["object"]["metadata"]["resourceVersion"] == str(revision)


async def test_an_object_enters_and_leaves_a_selector(bench):
    cache = bench.cache()
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision, matches=lambda c: c.labels.get("app") == "web") as subscription:
        await bench.writer.put("a")
        entered = await bench.writer.put("a", app="web")
        changed = await bench.writer.put("a", app="web", tier="1")
        left = await bench.writer.put("a", app="db")
        await bench.writer.delete("a")
        again = await bench.writer.put("b", app="web")
        got = await subscription_events(subscription, 4)
    assert [(t, r) for t, r, _ in got] == [
        ("ADDED", entered),
        ("MODIFIED", changed),
        ("DELETED", left),
        ("ADDED", again),
    ]
    assert got[2][2]["metadata"]["labels"] == {"app": "web", "tier": "1"}


async def subscription_events(subscription, count):
    got = []
    async with asyncio.timeout(5):
        while len(got) < count:
            got += [(d.type, d.revision, d.cached.object) for d in await subscription.take(5)]
    return got


async def test_namespace_and_name_narrow_a_watch(bench):
    cache = bench.cache()
    await cache.wait_fresh(5)
    with (
        cache.subscribe(cache.revision, namespace="b") as by_namespace,
        cache.subscribe(cache.revision, namespace="a", name="y") as by_name,
    ):
        await bench.writer.put("x", "a")
        in_b = await bench.writer.put("x", "b")
        y = await bench.writer.put("y", "a")
        assert await taken(by_namespace, 1) == [("ADDED", "x", in_b)]
        assert await taken(by_name, 1) == [("ADDED", "y", y)]


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        pytest.param({}, ["a", "b", "a"], id="everything"),
        pytest.param({"namespace": "default"}, ["a", "b"], id="a namespace"),
        pytest.param({"name": "a"}, ["a", "a"], id="a name in any namespace"),
        pytest.param({"namespace": "other", "name": "a"}, ["a"], id="one object"),
        pytest.param({"namespace": "other", "name": "b"}, [], id="an object that is not there"),
    ],
)
async def test_a_watcher_is_found_by_its_scope(bench, scope, told):
    cache = bench.cache()
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision, **scope) as subscription:
        await bench.writer.put("a")
        await bench.writer.put("b")
        await bench.writer.put("a", "other")
        await cache.wait_fresh(5)
        assert [delivery.cached.name for delivery in await subscription.take(0)] == told


async def test_watchers_share_one_encoded_line(bench):
    cache = bench.cache()
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision) as one, cache.subscribe(cache.revision) as other:
        await bench.writer.put("a")
        (first,), (second,) = await one.take(5), await other.take(5)
    assert first.line is second.line


async def test_initial_events_then_their_end_then_live_events(bench):
    cache = bench.cache()
    one, two = await bench.writer.put("a"), await bench.writer.put("b")
    await cache.wait_fresh(5)
    with cache.subscribe(0, initial_events=True, initial_events_end=True) as subscription:
        three = await bench.writer.put("b", app="x")
        got = []
        while len(got) < 4:
            got += await subscription.take(5)
    assert [(d.type, d.revision) for d in got] == [
        ("ADDED", one),
        ("ADDED", two),
        ("BOOKMARK", two),
        ("MODIFIED", three),
    ]
    bookmark = orjson.loads(got[2].line)["object"]
    assert bookmark["metadata"]["annotations"] == {
        "k8s.io/initial-events-end": "true",
        "kubernetes.io/initial-events-list-blueprint": b64encode(
            b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":null}\n'
        ).decode(),
    }
    assert (bookmark["kind"], bookmark["metadata"]["resourceVersion"]) == ("Pod", str(two))


async def test_a_bookmark_comes_only_when_everything_was_taken(bench):
    cache = bench.cache()
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision) as subscription:
        assert await subscription.take(0) == []
        revision = await bench.writer.put("a")
        await cache.wait_fresh(5)
        assert subscription.bookmark() is None
        await subscription.take(5)
        assert subscription.bookmark().revision == revision
        other = await bench.writer.put("c", resource=CONFIG_MAPS)
        await cache.wait_fresh(5)
        assert orjson.loads(subscription.bookmark().line)["object"]["metadata"]["resourceVersion"] == str(other)


async def test_a_slow_reader_is_cut_off_and_others_are_not(bench):
    cache = bench.cache(buffer_size=3)
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision) as slow, cache.subscribe(cache.revision) as quick:
        for number in range(4):
            await bench.writer.put(f"p{number}")
            await cache.wait_fresh(5)
            assert len(await quick.take(5)) == 1
        with pytest.raises(SlowReader):
            await slow.take(5)


@pytest.mark.parametrize(
    ("takes", "pushed", "taken"),
    [
        pytest.param([True, True], ["a", "b"], [], id="what is taken at once does not reach the reader"),
        pytest.param([False], [], ["a", "b"], id="what is not taken waits for the reader, and what follows it too"),
    ],
)
async def test_events_are_pushed_while_the_reader_waits_and_never_out_of_order(bench, takes, pushed, taken):
    cache = bench.cache()
    await cache.wait_fresh(5)
    sent, told = [], []

    def push(delivery):
        took = takes.pop(0)
        if took:
            sent.append(delivery.cached.name)
        return took

    async def read():
        while True:
            told.extend(delivery.cached.name for delivery in await subscription.take(None))
            # A reader that has taken something but not sent it yet is not overtaken.
            await asyncio.sleep(0)

    with cache.subscribe(cache.revision) as subscription:
        subscription.push = push
        reader = asyncio.create_task(read())
        await asyncio.sleep(0)
        for name in ("a", "b"):
            cache.apply(StoreEvent("PUT", *(await stored(bench, name))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        reader.cancel()
    assert (sent, told, takes) == (pushed, taken, [])


async def stored(bench, name):
    """Key, value and revision of a pod that the cache has not seen."""
    key = storage_key(PODS, "default", name)
    value = encoding.encode_for_storage(pod(name))
    bench.told = getattr(bench, "told", 1_000) + 1
    return key, value, bench.told


async def test_a_chunk_is_a_line_in_the_framing_of_http_and_shared(bench):
    cache = bench.cache()
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision) as one, cache.subscribe(cache.revision) as other:
        await bench.writer.put("p")
        (first,), (second,) = await one.take(5), await other.take(5)
    assert first.chunk is second.chunk
    assert first.chunk == b"%x\r\n%b\r\n" % (len(first.line), first.line)
    first.forget_chunk()
    assert first.chunk == b"%x\r\n%b\r\n" % (len(first.line), first.line)


async def test_a_revision_before_the_kept_history_is_expired(bench):
    cache = bench.cache(limits=HistoryLimits(minimum=2, maximum=2))
    await cache.wait_fresh(5)
    start = cache.revision
    for number in range(3):
        await bench.writer.put(f"p{number}")
    await cache.wait_fresh(5)
    with pytest.raises(RevisionExpired, match=rf"too old resource version: {start} \({start + 1}\)"):
        cache.subscribe(start)
    cache.subscribe(start + 1).close()


async def test_a_watch_from_a_future_revision_begins_there(bench):
    cache = bench.cache()
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision + 1) as subscription:
        await bench.writer.put("a")
        second = await bench.writer.put("b")
        assert await taken(subscription, 1) == [("ADDED", "b", second)]


async def test_a_broken_connection_loses_nothing(bench):
    cache = bench.cache()
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision) as subscription:
        first = await bench.writer.put("a")
        bench.store.break_watches()
        second = await bench.writer.put("b")
        await cache.wait_fresh(5)
        bench.store.break_watches()
        third = await bench.writer.delete("a")
        expected = [("ADDED", "a", first), ("ADDED", "b", second), ("DELETED", "a", third)]
        assert await taken(subscription, 3) == expected
    assert bench.delays


async def test_a_read_during_an_outage_fails_and_never_answers_with_old_state(bench):
    cache = bench.cache()
    await cache.wait_fresh(5)
    bench.store.available = False
    with pytest.raises(StoreUnavailable):
        await cache.wait_fresh(5)
    bench.store.available = True
    await cache.wait_fresh(5)


async def test_a_cache_whose_watch_lags_times_out():
    bench = Bench()
    bench.start()
    cache = bench.cache()
    await cache.wait_fresh(5)
    await bench.stop()
    await bench.writer.put("a")
    with pytest.raises(StoreTimeout):
        await cache.wait_fresh(0.01)


async def test_waiting_for_a_revision_that_does_not_come_times_out(bench):
    cache = bench.cache()
    await cache.wait_fresh(5)
    with pytest.raises(RevisionNotReached) as failure:
        await cache.wait_revision(100, 0.01)
    assert str(failure.value) == "Too large resource version: 100, current: 1"


async def test_compaction_behind_a_break_expires_watchers_and_rebuilds(bench):
    cache = bench.cache()
    await bench.writer.put("a")
    await bench.writer.put("gone")
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision) as subscription:
        bench.store.available = False
        bench.store.break_watches()
        await asyncio.sleep(0)
        bench.store.available = True
        await bench.writer.delete("gone")
        await bench.writer.put("b")
        await bench.store.compact(await bench.store.current_revision())
        await cache.wait_fresh(5)
        with pytest.raises(RevisionExpired):
            await subscription.take(5)
    assert names(cache.list()) == ["default/a", "default/b"]
    with pytest.raises(RevisionExpired):
        cache.subscribe(2)


async def replacement(*puts):
    store = MemoryStore()
    writer = Writer(store)
    for name in puts:
        await writer.put(name)
    return store


def replace(bench, store):
    """Puts another store's content in the place of the one that is followed, as a restored snapshot does."""
    vars(bench.store).update({k: v for k, v in vars(store).items() if k not in ("_changed", "_generation")})


@pytest.mark.parametrize(
    "puts",
    [
        pytest.param(["only"], id="an older one"),
        pytest.param(["p0", "p1", "p2", "p3", "p5", "other"], id="one at the same revision"),
        pytest.param(["p0", "p1", "p2", "other", "p4", "more", "still more"], id="one that has gone on elsewhere"),
    ],
)
async def test_a_store_replaced_by_another_one_is_noticed(bench, puts):
    cache = bench.cache()
    for number in range(5):
        await bench.writer.put(f"p{number}")
    await cache.wait_fresh(5)
    await bench.writer.put("p4", node="n")  # The last write, which none of the others has.
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision) as subscription:
        replace(bench, await replacement(*puts))
        bench.store.break_watches()
        with pytest.raises(RevisionExpired):
            await taken(subscription, 1000)
    await cache.wait_fresh(5)
    assert names(cache.list()) == sorted(f"default/{name}" for name in puts)


async def test_a_store_that_is_the_same_after_a_break_expires_nobody(bench):
    cache = bench.cache()
    await bench.writer.put("a")
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision) as subscription:
        bench.store.break_watches()
        revision = await bench.writer.put("b")
        assert await taken(subscription, 1) == [("ADDED", "b", revision)]
    assert bench.hub.epoch == 0


async def test_a_fresh_read_is_never_of_a_store_that_was_replaced(bench):
    """The watch is open and silent: the store was replaced between the question for its revision and the watch."""
    cache = bench.cache()
    for number in range(5):
        await bench.writer.put(f"p{number}")
    await cache.wait_fresh(5)
    with cache.subscribe(cache.revision) as subscription:
        replace(bench, await replacement("only"))
        await cache.wait_fresh(5)
        assert names(cache.list()) == ["default/only"]
        with pytest.raises(RevisionExpired):
            await subscription.take(5)
    revision = await Writer(bench.store).put("next")
    with cache.subscribe(cache.revision) as subscription:
        assert await taken(subscription, 1) == [("ADDED", "next", revision)]


async def test_writes_during_the_first_fill_are_neither_lost_nor_doubled(bench):
    for number in range(3):
        await bench.writer.put(f"p{number}")
    cache = bench.cache()
    plain_range = bench.store.range

    async def slow_range(*args, **kwargs):
        await bench.writer.put("before")
        page = await plain_range(*args, **kwargs)
        await bench.writer.put("after")
        await bench.writer.delete("p0")
        await asyncio.sleep(0.01)
        return page

    bench.store.range = slow_range
    await cache.ready(5)
    await cache.wait_fresh(5)
    assert names(cache.list()) == ["default/after", "default/before", "default/p1", "default/p2"]


async def test_an_own_write_is_begun_from_before_the_watch_tells_it_and_read_only_after(bench):
    cache = bench.cache()
    await bench.writer.put("a", v="1")
    await cache.wait_fresh(1)
    old, key = cache.get("default/a"), storage_key(PODS, "default", "a")
    value = encoding.encode_for_storage(pod("a", v="2"))
    revision = await bench.store.update(key, value, expected_revision=old.revision)
    cache.written("default/a", value, revision)
    assert (cache.latest("default/a").revision, cache.get("default/a").revision) == (revision, old.revision)
    await cache.wait_fresh(1)
    assert cache.latest("default/a") is cache.get("default/a")
    await bench.writer.store.delete(key, expected_revision=revision)
    await cache.wait_fresh(1)
    cache.written("default/a", value, revision)
    assert cache.latest("default/a") is None


async def test_a_filled_cache_is_needed_to_read(bench):
    cache = bench.cache()
    with pytest.raises(StoreUnavailable):
        cache.get("default/p")


async def test_a_value_that_is_no_object_is_left_out(bench):
    await bench.writer.put("good")
    await bench.store.create(storage_key(PODS, "default", "bad"), b"garbage")
    cache = bench.cache()
    await cache.wait_fresh(5)
    await bench.store.create(storage_key(PODS, "default", "worse"), b"garbage")
    await cache.wait_fresh(5)
    assert names(cache.list()) == ["default/good"]
