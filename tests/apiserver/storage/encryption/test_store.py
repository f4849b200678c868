import asyncio
from contextlib import aclosing

import pytest

from apiserver.storage.encryption.config import Encryption
from apiserver.storage.encryption.providers import AesGcm, Identity, Key
from apiserver.storage.encryption.store import EncryptedStore
from apiserver.storage.memory import MemoryStore
from apiserver.storage.store import KeyExists, RevisionMismatch, Unreadable

OLD, NEW = Key("old", b"o" * 32), Key("new", b"n" * 32)
SECRET, CONFIG_MAP = "/registry/core/secrets/default/s", "/registry/core/configmaps/default/c"


@pytest.fixture
def raw():
    return MemoryStore()


def sealed_by(raw, *providers):
    return EncryptedStore(raw, Encryption([(["secrets"], list(providers))]))


@pytest.fixture
def store(raw):
    return sealed_by(raw, AesGcm([NEW, OLD]), Identity())


async def test_only_what_is_named_is_sealed(raw, store):
    await store.create(SECRET, b"hidden")
    await store.create(CONFIG_MAP, b"open")
    assert b"hidden" not in (await raw.get(SECRET)).value
    assert (await raw.get(CONFIG_MAP)).value == b"open"
    assert (await store.get(SECRET)).value == b"hidden"
    assert [item.value for item in (await store.range("/registry/core/")).items] == [b"open", b"hidden"]


async def test_what_was_there_before_is_read_and_stale(raw, store):
    await raw.create(SECRET, b"plain")
    found = await store.get(SECRET)
    assert (found.value, found.stale) == (b"plain", True)
    await store.update(SECRET, found.value, expected_revision=found.revision)
    assert not (await store.get(SECRET)).stale


async def test_a_rotated_key_makes_stale(raw, store):
    await sealed_by(raw, AesGcm([OLD])).create(SECRET, b"hidden")
    found = await store.get(SECRET)
    assert (found.value, found.stale) == (b"hidden", True)


async def test_conflicts_show_the_opened_value(store):
    revision = await store.create(SECRET, b"hidden")
    with pytest.raises(KeyExists) as exists:
        await store.create(SECRET, b"other")
    assert exists.value.current.value == b"hidden"
    with pytest.raises(RevisionMismatch) as mismatch:
        await store.update(SECRET, b"other", expected_revision=revision - 1)
    assert mismatch.value.current.value == b"hidden"
    with pytest.raises(RevisionMismatch) as mismatch:
        await store.delete(SECRET, expected_revision=revision - 1)
    assert mismatch.value.current.value == b"hidden"


async def test_a_value_that_no_key_opens_is_named(raw, store):
    await sealed_by(raw, AesGcm([Key("lost", b"l" * 32)])).create(SECRET, b"hidden")
    with pytest.raises(Unreadable, match='unable to transform key "/registry/core/secrets/default/s"'):
        await store.get(SECRET)
    with pytest.raises(Unreadable):
        await store.range("/registry/core/secrets/")


async def test_a_watch_opens_and_marks_what_it_can_not(raw, store):
    first = await store.create(SECRET, b"hidden")
    await sealed_by(raw, AesGcm([Key("lost", b"l" * 32)])).update(SECRET, b"lost", expected_revision=first)
    seen = []
    async with asyncio.timeout(5), aclosing(store.watch("", start_revision=1)) as batches:
        async for batch in batches:
            seen += batch.events
            if len(seen) >= 2:
                break
    assert [(event.value, event.unreadable) for event in seen] == [(b"hidden", False), (b"", True)]
