"""Watch caches that were reset are filled again without anybody waiting for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apiserver.main import fill_caches, keep_filled
from apiserver.storage.store import StoreUnavailable
from minikube_py.api.resources import CONFIG_MAPS
from minikube_py.runtime.tasks import Tasks

BOB = ("bob", "system:authenticated")


def once(revision: int) -> Callable[[], Awaitable[int]]:
    """Answers with an old revision first, as a store that was put back, and fails from then on."""
    answers = [revision]

    async def current_revision() -> int:
        if not answers:
            raise StoreUnavailable("restarting")
        return answers.pop()

    return current_revision


async def test_who_is_authorized_by_a_cache_is_so_again_after_a_reset(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await api("GET", "/api", user=BOB)).status == 200
    tasks = Tasks()
    async with asyncio.timeout(5):
        with monkeypatch.context() as patched:
            patched.setattr(api.core.store, "current_revision", once(1))
            waiting = tasks.start("read", api.hub.wait_fresh())
            await api.hub.was_reset.wait()
        assert (await api("GET", "/api", user=BOB)).status == 503
        await waiting
    tasks.start("fill-caches", keep_filled(api.core, api.hub))
    for _ in range(10_000):
        if all(cache.synced for cache in api.core.caches.values()):
            break
        await asyncio.sleep(0)
    assert (await api("GET", "/api", user=BOB)).status == 200
    await tasks.cancel_all()


async def test_one_cache_that_cannot_be_filled_keeps_no_other_from_it(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(timeout: float) -> None:
        raise StoreUnavailable("unreadable")

    for cache in api.core.caches.values():
        cache.reset()
    monkeypatch.setattr(api.core.caches[CONFIG_MAPS], "ready", fails)
    monkeypatch.setattr("apiserver.main.CACHE_TIMEOUT_SECONDS", 0)
    with pytest.raises(StoreUnavailable, match="unreadable"):
        await fill_caches(api.core)
    others = [cache for row, cache in api.core.caches.items() if row is not CONFIG_MAPS]
    assert all(cache.synced for cache in others)
