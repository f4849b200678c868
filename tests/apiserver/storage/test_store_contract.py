"""What every Store promises: the fake and the real one under the same tests."""

import asyncio
import itertools
from contextlib import aclosing

import pytest

from apiserver.storage.store import Compacted, FutureRevision, KeyExists, KeyValue, RevisionMismatch

numbers = itertools.count()


@pytest.fixture
def prefix():
    return f"/registry/core/things-{next(numbers)}/"


async def events_of(batches, count):
    got = []
    async with asyncio.timeout(10):
        async for batch in batches:
            got += batch.events
            if len(got) >= count:
                return got
    return got


async def test_a_created_key_is_read_at_its_revision(store, prefix):
    revision = await store.create(prefix + "a", b"1")
    assert await store.get(prefix + "a") == KeyValue(prefix + "a", b"1", revision)
    assert await store.get(prefix + "b") is None
    assert await store.current_revision() == revision


async def test_a_key_is_created_once(store, prefix):
    revision = await store.create(prefix + "a", b"1")
    with pytest.raises(KeyExists) as failure:
        await store.create(prefix + "a", b"2")
    assert failure.value.current == KeyValue(prefix + "a", b"1", revision)


async def test_an_update_needs_the_revision_that_is_there(store, prefix):
    first = await store.create(prefix + "a", b"1")
    second = await store.update(prefix + "a", b"2", expected_revision=first)
    assert second == first + 1
    with pytest.raises(RevisionMismatch) as failure:
        await store.update(prefix + "a", b"3", expected_revision=first)
    assert failure.value.current == KeyValue(prefix + "a", b"2", second)


async def test_a_delete_needs_the_revision_that_is_there(store, prefix):
    first = await store.create(prefix + "a", b"1")
    with pytest.raises(RevisionMismatch) as failure:
        await store.delete(prefix + "a", expected_revision=first - 1)
    assert failure.value.current.revision == first
    assert await store.delete(prefix + "a", expected_revision=first) == first + 1
    with pytest.raises(RevisionMismatch) as failure:
        await store.delete(prefix + "a", expected_revision=first)
    assert failure.value.current is None


async def test_a_range_is_paged_at_one_revision(store, prefix):
    for name in ("c", "a", "b"):
        await store.create(prefix + name, name.encode())
    await store.create(prefix[:-1] + "0/other", b"not under the prefix")
    page = await store.range(prefix, limit=2)
    assert ([kv.value for kv in page.items], page.more, page.count) == ([b"a", b"b"], True, 3)
    await store.create(prefix + "d", b"later")
    rest = await store.range(prefix, start_key=page.items[-1].key + "\0", limit=2, revision=page.revision)
    assert ([kv.value for kv in rest.items], rest.more, rest.count) == ([b"c"], False, 1)
    assert rest.revision == page.revision


async def test_a_range_at_an_old_revision_shows_the_old_state(store, prefix):
    first = await store.create(prefix + "a", b"1")
    second = await store.update(prefix + "a", b"2", expected_revision=first)
    await store.delete(prefix + "a", expected_revision=second)
    assert [kv.value for kv in (await store.range(prefix, revision=first)).items] == [b"1"]
    assert (await store.range(prefix)).items == []


async def test_a_revision_to_come_is_refused(store, prefix):
    with pytest.raises(FutureRevision):
        await store.range(prefix, revision=await store.current_revision() + 100)


async def test_a_watch_tells_past_and_present_writes_in_order(store, prefix):
    first = await store.create(prefix + "a", b"1")
    async with aclosing(store.watch(prefix, start_revision=first, with_previous=True)) as batches:
        await events_of(batches, 1)
        second = await store.update(prefix + "a", b"2", expected_revision=first)
        await store.create(prefix[:-1] + "0/other", b"not under the prefix")
        third = await store.delete(prefix + "a", expected_revision=second)
        got = await events_of(batches, 2)
    assert [(e.type, e.value, e.revision, e.previous and e.previous.value) for e in got] == [
        ("PUT", b"2", second, b"1"),
        ("DELETE", b"", third, b"2"),
    ]


async def test_a_watch_on_all_keys_sees_every_revision(store, prefix):
    start = await store.current_revision() + 1
    for name in ("x", "y", "z"):
        await store.create(prefix + name, b"")
    async with aclosing(store.watch("", start_revision=start)) as batches:
        got = await events_of(batches, 3)
    assert [e.revision for e in got] == [start, start + 1, start + 2]
    assert all(e.previous is None for e in got)


async def test_what_is_compacted_is_gone_and_the_rest_is_not(store, prefix):
    first = await store.create(prefix + "a", b"1")
    second = await store.update(prefix + "a", b"2", expected_revision=first)
    third = await store.update(prefix + "a", b"3", expected_revision=second)
    await store.compact(second)
    with pytest.raises(Compacted):
        await store.range(prefix, revision=first)
    with pytest.raises(Compacted):
        await store.compact(first)
    async with aclosing(store.watch(prefix, start_revision=first)) as batches:
        with pytest.raises(Compacted) as failure:
            await anext(batches)
    assert failure.value.revision == second
    assert [kv.value for kv in (await store.range(prefix, revision=second)).items] == [b"2"]
    async with aclosing(store.watch(prefix, start_revision=second)) as batches:
        assert [e.revision for e in await events_of(batches, 2)] == [second, third]


async def test_of_concurrent_writers_one_wins_each_revision(store, prefix):
    await store.create(prefix + "n", b"0")

    async def add():
        for _ in range(5):
            while True:
                current = await store.get(prefix + "n")
                try:
                    value = b"%d" % (int(current.value) + 1)
                    await store.update(prefix + "n", value, expected_revision=current.revision)
                    break
                except RevisionMismatch:
                    continue

    await asyncio.gather(*(add() for _ in range(5)))
    assert (await store.get(prefix + "n")).value == b"25"


async def test_a_key_with_a_time_to_live_is_written_and_can_be_updated(store, prefix):
    first = await store.create(prefix + "event", b"1", ttl_seconds=3600)
    assert await store.update(prefix + "event", b"2", expected_revision=first, ttl_seconds=3600) > first


async def test_the_status_tells_revision_size_and_alarms(store, prefix):
    revision = await store.create(prefix + "a", b"1")
    status = await store.status()
    assert (status.revision, status.has_leader, status.alarms) == (revision, True, ())
    assert status.database_size > 0
