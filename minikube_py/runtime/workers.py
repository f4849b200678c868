"""Worker processes: several copies of one component, forked from a parent that keeps them running.

The parent has no event loop and opens nothing: it forks, waits for signals and for the ends of its children, and forks
again. What is loaded before the fork is in memory once for all workers.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

FIRST_DELAY_SECONDS = 0.2
"""How long after its end a worker that crashed is started again; doubled with every crash in a row."""
LONGEST_DELAY_SECONDS = 30.0
"""The longest that a crashed worker is waited with."""
STEADY_SECONDS = 10.0
"""A worker that has run this long is counted as well: its next crash is the first in a row."""
_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
_PR_SET_PDEATHSIG = 1
log = structlog.get_logger("workers")


@dataclass(slots=True)
class _Worker:
    number: int
    pid: int = 0
    started: float = 0.0
    crashes: int = 0
    start_at: float = 0.0


def restart_delay(crashes: int) -> float:
    """Seconds until a worker is started again after that many crashes in a row, at least one."""
    return float(min(FIRST_DELAY_SECONDS * 2 ** (crashes - 1), LONGEST_DELAY_SECONDS))


def supervise(count: int, serve: Callable[[int], int], *, stop_seconds: float) -> int:
    """Runs ``serve(number)`` in ``count`` processes until SIGTERM or SIGINT; returns the exit code.

    A worker that ends is started again with a back-off of 0.2 s to 30 s. One that fails by itself (an exit code, not a
    signal) before any worker has been running for 10 s ends all with its code: the settings or the surroundings are
    wrong, and who started this process is to know. On a signal every worker is told to stop, and killed after
    ``stop_seconds``. Workers end with their parent, however it ends. Call it from a process without threads.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    gc.collect()
    gc.freeze()
    try:
        return _Supervisor(count, serve, before).run(stop_seconds)
    finally:
        gc.unfreeze()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Supervisor:
    def __init__(self, count: int, serve: Callable[[int], int], mask: set[int]) -> None:
        self._serve = serve
        self._mask = mask
        self._workers = [_Worker(number) for number in range(count)]
        self._was_steady = False

    def run(self, stop_seconds: float) -> int:
        code = 0
        try:
            code = self._until_told()
        finally:
            self._stop(stop_seconds)
        return code

    def _until_told(self) -> int:
        while True:
            now = time.monotonic()
            for worker in self._workers:
                if not worker.pid and worker.start_at <= now:
                    self._start(worker, now)
            waiting = [worker.start_at - now for worker in self._workers if not worker.pid]
            caught = signal.sigtimedwait(_SIGNALS, max(min(waiting, default=3600.0), 0.0))
            if caught is not None and caught.si_signo != signal.SIGCHLD:
                return 0
            code = self._reap(time.monotonic())
            if code:
                return code

    def _start(self, worker: _Worker, now: float) -> None:
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            self._become(worker.number, parent)
        worker.pid, worker.started = pid, now
        log.info("Started worker", worker=worker.number, pid=pid)

    def _become(self, number: int, parent: int) -> None:
        """The child's whole life."""
        code = 1
        try:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            code = self._serve(number) if os.getppid() == parent else 0
        except BaseException as error:
            log.error("Worker failed", worker=number, exc_info=error)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _reap(self, now: float) -> int:
        """Takes note of workers that have ended; the exit code of one whose failure is to end all."""
        for worker in self._workers:
            self._was_steady = self._was_steady or (bool(worker.pid) and now - worker.started >= STEADY_SECONDS)
        for worker in self._workers:
            status = _ended(worker.pid)
            if status is None:
                continue
            steady = now - worker.started >= STEADY_SECONDS
            worker.crashes = 1 if steady else worker.crashes + 1
            worker.pid, worker.start_at = 0, now + restart_delay(worker.crashes)
            code = os.waitstatus_to_exitcode(status)
            log.warning("Worker ended", worker=worker.number, code=code, restart_in=restart_delay(worker.crashes))
            if code > 0 and not self._was_steady:
                return code
        return 0

    def _stop(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        self._tell(signal.SIGTERM)
        while any(worker.pid for worker in self._workers) and (left := deadline - time.monotonic()) > 0:
            signal.sigtimedwait({signal.SIGCHLD}, min(left, 1.0))
            self._forget_ended(os.WNOHANG)
        self._tell(signal.SIGKILL)
        self._forget_ended(0)

    def _tell(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.pid:
                os.kill(worker.pid, number)

    def _forget_ended(self, options: int) -> None:
        for worker in self._workers:
            if _ended(worker.pid, options) is not None:
                worker.pid = 0


def _ended(pid: int, options: int = os.WNOHANG) -> int | None:
    """The status of a child that has ended."""
    if not pid:
        return None
    ended, status = os.waitpid(pid, options)
    return status if ended else None
