import pytest

from apiserver.storage.memory import MemoryStore
from apiserver.storage.store import NoSpace, StoreUnavailable


async def test_a_key_goes_when_its_time_is_over():
    now = 0.0
    store = MemoryStore(monotonic=lambda: now)
    first = await store.create("/a", b"", ttl_seconds=60)
    await store.create("/b", b"", ttl_seconds=60)
    await store.update("/a", b"", expected_revision=first)
    now = 60.0
    assert [kv.key for kv in (await store.range("/")).items] == ["/a"]


async def test_it_fails_as_etcd_does_when_told_to():
    store = MemoryStore()
    revision = await store.create("/a", b"")
    store.no_space = True
    with pytest.raises(NoSpace):
        await store.create("/b", b"")
    assert (await store.status()).alarms == ("NOSPACE",)
    await store.delete("/a", expected_revision=revision)
    store.available = False
    with pytest.raises(StoreUnavailable):
        await store.get("/a")
