"""Doing the same thing many times, carefully: in batches of 1, 2, 4, … while nothing fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

INITIAL_BATCH_SIZE = 1


async def slow_start_batch(count: int, attempt: Callable[[], Awaitable[None]]) -> tuple[int, Exception | None]:
    """How many of ``count`` attempts succeeded, and the first failure.

    Each batch is twice the one before; after a batch with a failure nothing more is tried, so that a thousand pods
    which can't be created (a quota, say) cost few requests.
    """
    remaining, batch_size, successes = count, min(count, INITIAL_BATCH_SIZE), 0
    while batch_size:
        results = await asyncio.gather(*(attempt() for _ in range(batch_size)), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        successes += batch_size - len(failures)
        for failure in failures:
            if not isinstance(failure, Exception):
                raise failure
            return successes, failure
        remaining -= batch_size
        batch_size = min(2 * batch_size, remaining)
    return successes, None
