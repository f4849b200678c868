"""Keeps etcd's history short: every five minutes one of the API servers compacts it to what it was five minutes ago."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from apiserver.storage.store import Compacted, KeyExists, RevisionMismatch, Store, StoreError

COMPACT_REVISION_KEY = "compact_rev_key"
INTERVAL_SECONDS = 300.0
log = structlog.get_logger("apiserver")


@dataclass(frozen=True, slots=True)
class CompactorState:
    """What one round leaves for the next: the revision of the shared key, and the store's revision then."""

    key_revision: int = 0
    store_revision: int = 0


async def compact_once(store: Store, state: CompactorState) -> CompactorState:
    """One round. Whoever finds the shared key as the last round left it wins, and compacts to that round's revision.

    Every API server plays once in each interval, so one wins and the others learn of its round, as upstream's
    compactor does with the same key.
    """
    value = b"%d" % state.store_revision
    try:
        if state.key_revision:
            won = await store.update(COMPACT_REVISION_KEY, value, expected_revision=state.key_revision)
        else:
            won = await store.create(COMPACT_REVISION_KEY, value)
    except (KeyExists, RevisionMismatch) as lost:
        current = lost.current
        return CompactorState(current.revision if current else 0, await store.current_revision())
    if state.store_revision:
        try:
            await store.compact(state.store_revision)
        except Compacted:
            log.debug("Etcd was compacted by somebody else", revision=state.store_revision)
        else:
            log.debug("Compacted etcd", revision=state.store_revision)
    return CompactorState(won, won)


async def run_compactor(
    store: Store,
    *,
    interval: float = INTERVAL_SECONDS,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Plays a round every ``interval`` seconds until cancelled; a failed round is logged and played again later."""
    state = CompactorState()
    while True:
        await sleep(interval)
        try:
            state = await compact_once(store, state)
        except StoreError as error:
            log.warning("Could not compact etcd", error=str(error))
