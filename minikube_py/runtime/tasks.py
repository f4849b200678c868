"""The one place that starts asyncio tasks: it names them, keeps them, and does not let a failure pass unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

log = structlog.get_logger("tasks")

T = TypeVar("T")


class Tasks:
    """A set of running tasks that end together.

    A failure is logged. The first failure of a critical task also sets :attr:`failed`, and :meth:`wait_failed`
    raises it.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._failure: BaseException | None = None
        self.failed = asyncio.Event()

    def start(self, name: str, coroutine: Coroutine[Any, Any, T], *, critical: bool = False) -> asyncio.Task[T]:
        """Runs the coroutine as a task of that name and keeps it until it ends."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._running.add(task)
        task.add_done_callback(lambda done: self._ended(done, critical))
        return task

    def __len__(self) -> int:
        return len(self._running)

    async def cancel_all(self) -> None:
        """Cancels every task and waits until all have ended."""
        current = asyncio.current_task()
        while running := [task for task in self._running if task is not current]:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def wait_failed(self) -> None:
        """Waits, if need be for ever, until a critical task has failed, and raises its exception."""
        await self.failed.wait()
        assert self._failure is not None
        raise self._failure

    async def run_until(self, stop: asyncio.Event) -> None:
        """Returns when ``stop`` is set; raises as soon as a critical task has failed."""
        waiting = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self.failed.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waiting:
                waiter.cancel()
        if self._failure is not None:
            raise self._failure

    def _ended(self, task: asyncio.Task[Any], critical: bool) -> None:
        self._running.discard(task)
        if task.cancelled() or (failure := task.exception()) is None:
            return
        log.error("Task failed", task=task.get_name(), exc_info=failure)
        if critical and self._failure is None:
            self._failure = failure
            self.failed.set()
