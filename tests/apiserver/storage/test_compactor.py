import asyncio

import pytest

from apiserver.storage.compactor import CompactorState, compact_once, run_compactor
from apiserver.storage.memory import MemoryStore
from apiserver.storage.store import Compacted


async def test_the_first_round_compacts_nothing_and_the_next_what_was_then():
    store = MemoryStore()
    await store.create("/registry/a", b"")
    state = await compact_once(store, CompactorState())
    await store.create("/registry/b", b"")
    await compact_once(store, state)
    assert (await store.range("/registry/", revision=state.store_revision)).count == 1
    with pytest.raises(Compacted):
        await store.range("/registry/", revision=state.store_revision - 1)


async def test_whoever_comes_second_loses_the_round_and_compacts_nothing():
    store = MemoryStore()
    winner = await compact_once(store, CompactorState())
    loser = await compact_once(store, CompactorState())
    assert loser.key_revision == winner.key_revision
    await compact_once(store, winner)
    history = await store.current_revision()
    await compact_once(store, loser)
    assert await store.current_revision() == history


async def test_a_round_that_fails_is_played_again():
    store, rounds = MemoryStore(), []

    async def sleep(seconds):
        rounds.append(seconds)
        store.available = len(rounds) != 1
        if len(rounds) > 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await run_compactor(store, interval=300, sleep=sleep)
    assert (await store.get("compact_rev_key")).value == b"2"
