import asyncio
import time
from contextlib import aclosing

import pytest

from apiserver.storage.cache import WatchCache
from apiserver.storage.compactor import CompactorState, compact_once
from apiserver.storage.encoding import encode_for_storage
from apiserver.storage.etcd import EtcdStore
from apiserver.storage.etcd_calls import EtcdCalls
from apiserver.storage.hub import WatchHub
from apiserver.storage.proto import etcd_pb2 as pb
from apiserver.storage.store import (
    Compacted,
    NoSpace,
    RevisionMismatch,
    StoreError,
    StoreUnavailable,
    ValueTooLarge,
    storage_key,
)
from minikube_py.api.resources import PODS

pytestmark = pytest.mark.etcd


def value(name, **labels):
    metadata = {"name": name, "namespace": "default", "labels": labels}
    return encode_for_storage({"kind": "Pod", "apiVersion": "v1", "metadata": metadata})


def key(name):
    return storage_key(PODS, "default", name)


async def until_written(write):
    """Repeats a write that an outage may have swallowed; how long it took to succeed."""
    began = time.monotonic()
    async with asyncio.timeout(15):
        while True:
            try:
                await write()
                return time.monotonic() - began
            except StoreError:
                await asyncio.sleep(0.02)


async def test_a_killed_etcd_heals_and_the_cache_misses_nothing(etcd):
    store = EtcdStore([etcd.endpoint], timeout=3)
    hub = WatchHub(store)
    running = asyncio.create_task(hub.run())
    cache = WatchCache(hub, PODS)
    await cache.wait_fresh(10)
    told = []
    with cache.subscribe(cache.revision) as subscription:
        first = await store.create(key("a"), value("a"))
        etcd.kill()
        with pytest.raises(StoreError):
            await cache.wait_fresh(0.2)
        await asyncio.to_thread(etcd.start)
        assert await until_written(lambda: store.update(key("a"), value("a", x="1"), expected_revision=first)) < 3
        current = await store.get(key("a"))
        await store.delete(key("a"), expected_revision=current.revision)
        await cache.wait_fresh(10)
        while len(told) < 3:
            told += await subscription.take(5)
    assert [(d.type, d.revision) for d in told] == [("ADDED", first), ("MODIFIED", first + 1), ("DELETED", first + 2)]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()


async def test_a_watch_says_that_its_connection_broke(etcd):
    store = EtcdStore([etcd.endpoint], timeout=1)
    revision = await store.create(key("a"), value("a"))
    async with aclosing(store.watch("", start_revision=revision)) as batches:
        assert (await anext(batches)).revision == revision
        etcd.kill()
        with pytest.raises(StoreUnavailable):
            await anext(batches)
    with pytest.raises(StoreUnavailable, match="not reachable"):
        await store.get(key("a"))
    await store.close()


async def test_another_member_serves_when_the_first_is_down(etcd):
    store = EtcdStore(["127.0.0.1:1", f"http://{etcd.endpoint}"], timeout=3)
    revision = await store.create(key("a"), value("a"))
    assert (await store.get(key("a"))).revision == revision
    await store.close()


async def test_no_space_stops_writes_until_it_is_made(small_etcd):
    store = EtcdStore([small_etcd.endpoint])
    stored = [await store.create(key("big"), b"x" * 300_000)]

    async def fill():
        while True:
            stored.append(await store.update(key("big"), b"x" * 300_000, expected_revision=stored[-1]))

    with pytest.raises(NoSpace, match="database space exceeded"):
        await asyncio.wait_for(fill(), 20)
    assert (await store.status()).alarms == ("NOSPACE",)
    assert (await store.get(key("big"))).revision == stored[-1]
    with pytest.raises(NoSpace):
        await store.create(key("event"), b"", ttl_seconds=60)
    await store.compact(await store.current_revision())
    await store.defragment()
    await store.disarm()
    assert (await store.status()).alarms == ()
    await store.create(key("small"), b"x")
    await store.close()


async def test_a_value_above_the_limit_is_refused(shared_etcd):
    store = EtcdStore([shared_etcd.endpoint])
    for size in (1_600_000, 8_000_000):
        with pytest.raises(ValueTooLarge):
            await store.create(key("huge"), b"x" * size)
    await store.close()


async def test_keys_that_expire_share_a_lease_and_a_lost_one_is_replaced(etcd):
    store = EtcdStore([etcd.endpoint])
    calls = EtcdCalls([etcd.endpoint], tls=None, timeout=5)

    async def lease_of(name):
        request = pb.RangeRequest(key=key(name).encode())
        answer = await calls.call("KV/Range", request, pb.RangeResponse, read_only=True, timeout=5)
        return answer.kvs[0].lease

    await store.create(key("a"), b"1", ttl_seconds=3600)
    await store.create(key("b"), b"1", ttl_seconds=3600)
    lease = await lease_of("a")
    assert lease == await lease_of("b") != 0
    await calls.call(
        "Lease/LeaseRevoke", pb.LeaseRevokeRequest(ID=lease), pb.LeaseRevokeResponse, read_only=False, timeout=5
    )
    assert await store.get(key("a")) is None
    await store.create(key("c"), b"1", ttl_seconds=3600)
    assert await lease_of("c") not in (0, lease)
    await calls.close()
    await store.close()


async def test_a_key_outlives_its_time_to_live_by_little(etcd):
    store = EtcdStore([etcd.endpoint])
    revision = await store.create(key("brief"), b"1", ttl_seconds=1)
    async with aclosing(store.watch(key("brief"), start_revision=revision + 1)) as batches, asyncio.timeout(10):
        (event,) = (await anext(batches)).events
    assert event.type == "DELETE"
    await store.close()


async def test_one_of_two_compactors_compacts_to_the_round_before(etcd):
    store = EtcdStore([etcd.endpoint])
    one = two = CompactorState()
    for _ in range(3):
        revision = await store.create(key(f"p{time.monotonic_ns()}"), b"1")
        one = await compact_once(store, one)
        two = await compact_once(store, two)
    with pytest.raises(Compacted):
        await store.range("/registry/", revision=revision - 4)
    assert (await store.range("/registry/", revision=revision)).items
    await store.close()


async def test_many_writers_and_a_cache_agree(etcd):
    store = EtcdStore([etcd.endpoint])
    hub = WatchHub(store)
    running = asyncio.create_task(hub.run())
    cache = WatchCache(hub, PODS)
    await cache.wait_fresh(10)
    seen = {}

    async def write(number):
        for _ in range(10):
            current = await store.get(key(f"p{number % 4}"))
            try:
                if current is None:
                    revision = await store.create(key(f"p{number % 4}"), value("p", by=str(number)))
                elif number % 5 == 0:
                    revision = await store.delete(key(f"p{number % 4}"), expected_revision=current.revision)
                else:
                    revision = await store.update(
                        key(f"p{number % 4}"), value("p", by=str(number)), expected_revision=current.revision
                    )
            except (RevisionMismatch, StoreError):
                continue
            seen[revision] = number
            assert await cache.wait_fresh(10) >= revision

    with cache.subscribe(cache.revision) as subscription:
        await asyncio.gather(*(write(number) for number in range(12)))
        await cache.wait_fresh(10)
        told = [delivery.revision for delivery in await subscription.take(5)]
    assert told == sorted(seen)
    page = await store.range(cache.prefix)
    assert [(c.key, c.revision) for c in cache.list().items] == [
        (kv.key.removeprefix(cache.prefix), kv.revision) for kv in page.items
    ]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()
