"""The loop of a level-triggered controller: take a key, reconcile it, try again where that failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from minikube_py.api.errors import ApiError, Conflict, has_no_namespace
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.tasks import Tasks
from minikube_py.runtime.workqueue import QueueShutDown, WorkQueue
from minikube_py.runtime.writes import Writes

__all__ = ["Controller", "Reconcile", "Writes"]

Reconcile = Callable[[str], Awaitable[float | None]]
"""Brings what the key names to where it should be. May return the seconds after which to look again."""

log = structlog.get_logger("controller")


class Controller:
    """Workers that take keys from a queue.

    An exception from ``reconcile`` is logged and the key tried again after its back-off, unless it tells that the
    namespace is going away: then there is nothing left to do. With ``writes``, a key whose
    own writes the informers have not seen is not reconciled before they have.
    """

    def __init__(
        self,
        name: str,
        queue: WorkQueue,
        reconcile: Reconcile,
        clock: Clock,
        *,
        workers: int = 1,
        writes: Writes | None = None,
    ) -> None:
        self.name = name
        self.queue = queue
        self._reconcile = reconcile
        self._clock = clock
        self._workers = workers
        self._writes = writes

    async def run(self) -> None:
        """Works until cancelled or the queue is shut down and empty; then every worker has ended."""
        tasks = Tasks()
        try:
            workers = [
                tasks.start(f"{self.name} worker {number}", self._work(), critical=True)
                for number in range(self._workers)
            ]
            for worker in workers:
                await worker
        finally:
            await tasks.cancel_all()

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except QueueShutDown:
                return
            try:
                if not self._held(key):
                    await self._try(key)
            finally:
                self.queue.done(key)

    def _held(self, key: str) -> bool:
        if self._writes is None or not self._writes.holds(key):
            return False
        self._writes.when_seen(key, lambda: self.queue.add(key))
        return True

    async def _try(self, key: str) -> None:
        try:
            again = await self._reconcile(key)
        except Conflict as error:
            log.debug("Reconcile met a newer version", controller=self.name, key=key, error=str(error))
            self.queue.add_rate_limited(key)
        except (ApiError, ConnectionFailed) as error:
            if has_no_namespace(error):
                log.debug("Namespace is being deleted", controller=self.name, key=key, error=str(error))
                self.queue.forget(key)
                return
            log.warning("Reconcile failed", controller=self.name, key=key, error=str(error))
            self.queue.add_rate_limited(key)
        except Exception:
            log.exception("Reconcile failed", controller=self.name, key=key)
            self.queue.add_rate_limited(key)
        else:
            self.queue.forget(key)
            if again is not None:
                self.queue.add_after(key, again)
