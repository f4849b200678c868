"""The supervisor: starts the cluster's processes in order, restarts what ends, stops them in reverse.

It is one single-threaded process without an event loop, for two reasons. It must outlive every fault of what it
watches; and it forks the Python components from itself, so that the modules they share are imported once and their
memory is shared (``docs/adr/0003``). A child ends with the supervisor (``PR_SET_PDEATHSIG``), so nothing is
left behind when it is killed; pods are not its children and go on running.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import setproctitle

from minikube_py.cluster import components
from minikube_py.cluster.restarts import RestartState, after_exit

LOG_LIMIT_BYTES = 16 * 1024 * 1024
HOUSEKEEPING_SECONDS = 60.0
PORT_POLL_SECONDS = 0.02
STOP_TIMEOUT_SECONDS = 10.0
ORPHAN_PATIENCE_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process to keep running.

    Either ``command`` is executed, or the component of that name runs with ``arguments``. It is first started when
    ``after``, a TCP address, accepts connections.
    """

    name: str
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    after: tuple[str, int] | None = None
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Process:
    spec: ProcessSpec
    pid: int = 0
    started_at: float = 0.0
    start_due: float = 0.0
    waiting_for_port: bool = True
    history: RestartState = field(default_factory=RestartState)
    last_exit: str = ""

    def state(self) -> str:
        if self.pid:
            return "running"
        return "waiting" if self.waiting_for_port and self.spec.after else "restarting"


def state_file(data_dir: Path) -> Path:
    """Where the supervisor writes what it sees."""
    return data_dir / "run" / "supervisor.json"


def lock_file(data_dir: Path) -> Path:
    """Held locked for as long as the supervisor lives."""
    return data_dir / "run" / "supervisor.lock"


def supervisor_pid(data_dir: Path) -> int | None:
    """The pid of the living supervisor of that directory, or None.

    The lock says whether it lives; a pid file alone could name a stranger.
    """
    try:
        descriptor = os.open(lock_file(data_dir), os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(descriptor, 32) or b"0") or None
    finally:
        os.close(descriptor)
    return None


def read_state(data_dir: Path) -> dict[str, Any]:
    """What the supervisor last wrote; empty where it never ran."""
    try:
        return dict(json.loads(state_file(data_dir).read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def end_orphans(data_dir: Path) -> list[int]:
    """Ends the processes that a killed supervisor left behind, and returns the pids of those that would not go.

    They end by themselves (``PR_SET_PDEATHSIG``), so this mostly waits. A pid counts only if its command line is still
    that of the component; another process may have it by now.
    """
    orphans = [
        process["pid"]
        for process in read_state(data_dir).get("processes", [])
        if process["pid"] and _is_component(process["pid"], process["name"], data_dir)
    ]
    for number, patience in ((signal.SIGTERM, ORPHAN_PATIENCE_SECONDS), (signal.SIGKILL, 1.0)):
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + patience
        while orphans and time.monotonic() < deadline:
            time.sleep(0.02)
            orphans = [pid for pid in orphans if Path(f"/proc/{pid}").exists()]
    return orphans


def _is_component(pid: int, name: str, data_dir: Path) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return False
    return name in words and str(data_dir) in words


def listening(address: tuple[str, int]) -> bool:
    """Whether a TCP connection to the address is accepted within 200 ms."""
    try:
        socket.create_connection(address, timeout=0.2).close()
    except OSError:
        return False
    return True


class Supervisor:
    """Keeps a fixed set of processes running until SIGTERM or SIGINT."""

    def __init__(self, data_dir: Path, specs: Sequence[ProcessSpec]) -> None:
        self._data_dir = data_dir
        self._processes = [_Process(spec) for spec in specs]
        self._stopping = False

    def run(self) -> int:
        """Runs until told to stop; 0 then, 1 where another supervisor has this directory."""
        lock = os.open(lock_file(self._data_dir), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 1
        self._lock = lock
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        waker = self._catch_signals()
        # What was imported so far is shared with every child: keep the collector from touching (and copying) it.
        gc.collect()
        gc.freeze()
        selector = selectors.DefaultSelector()
        selector.register(waker, selectors.EVENT_READ)
        housekeeping = time.monotonic() + HOUSEKEEPING_SECONDS
        while not self._stopping:
            timeout = self._start_what_is_due()
            for _ in selector.select(min(timeout, housekeeping - time.monotonic())):
                waker.recv(4096)
            self._reap()
            if time.monotonic() >= housekeeping:
                housekeeping = time.monotonic() + HOUSEKEEPING_SECONDS
                self._limit_logs()
        self._stop_all()
        self._write_state()
        return 0

    def _catch_signals(self) -> socket.socket:
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._waker = (reader, writer)

        def stop(_number: int, _frame: object) -> None:
            self._stopping = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        return reader

    def _start_what_is_due(self) -> float:
        """Starts every process whose time has come; returns the seconds until the next may be due."""
        timeout = HOUSEKEEPING_SECONDS
        now = time.monotonic()
        changed = False
        for process in self._processes:
            if process.pid:
                continue
            if process.start_due > now:
                timeout = min(timeout, process.start_due - now)
                continue
            if process.waiting_for_port and process.spec.after and not listening(process.spec.after):
                timeout = PORT_POLL_SECONDS
                continue
            process.waiting_for_port = False
            process.pid = self._fork(process.spec)
            process.started_at = time.time()
            changed = True
        if changed:
            self._write_state()
        return timeout

    def _fork(self, spec: ProcessSpec) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            code = self._child(spec)
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _child(self, spec: ProcessSpec) -> int:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        # The lock belongs to the open file, which a child would keep open beyond the supervisor's end.
        os.close(self._lock)
        for end in self._waker:
            end.close()
        log = os.open(self._log_file(spec.name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.environ.update(dict(spec.environment))
        if spec.command:
            os.execvp(spec.command[0], spec.command)
        setproctitle.setproctitle(" ".join(["minikube-py", spec.name, *spec.arguments]))
        return components.run_component(components.COMPONENTS[spec.name], spec.arguments)

    def _reap(self) -> None:
        changed = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            process = next((p for p in self._processes if p.pid == pid), None)
            if process is None:
                continue
            code = os.waitstatus_to_exitcode(status)
            process.last_exit = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            process.history, delay = after_exit(process.history, time.time() - process.started_at)
            process.start_due = time.monotonic() + delay
            process.pid = 0
            changed = True
            what_next = "" if self._stopping else f"; starting again in {delay:g} s"
            self._note(process, f"ended with {process.last_exit}{what_next}")
        if changed and not self._stopping:
            self._write_state()

    def _stop_all(self) -> None:
        """Stops in reverse order of start, one after the other: what serves others goes last."""
        for process in reversed(self._processes):
            if not process.pid:
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
            while process.pid and time.monotonic() < deadline:
                self._reap()
                time.sleep(0.01)
            if process.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
                os.waitpid(process.pid, 0)
                process.pid = 0

    def _log_file(self, name: str) -> Path:
        return self._data_dir / "logs" / f"{name}.log"

    def _note(self, process: _Process, message: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with open(self._log_file("supervisor"), "a", encoding="utf-8") as file:
            file.write(f"{stamp} {process.spec.name} {message}\n")

    def _limit_logs(self) -> None:
        """Copies a log that has grown too long aside and empties it: its writers append and need not know."""
        for process in self._processes:
            file = self._log_file(process.spec.name)
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_size > LOG_LIMIT_BYTES:
                    file.with_suffix(".log.1").write_bytes(file.read_bytes())
                    os.truncate(file, 0)

    def _write_state(self) -> None:
        state = {
            "pid": os.getpid(),
            "processes": [
                {
                    "name": process.spec.name,
                    "state": process.state(),
                    "pid": process.pid,
                    "restarts": process.history.restarts,
                    "startedAt": process.started_at,
                    "lastExit": process.last_exit,
                }
                for process in self._processes
            ],
        }
        file = state_file(self._data_dir)
        temporary = file.with_suffix(".tmp")
        temporary.write_text(json.dumps(state))
        os.replace(temporary, file)


def preload() -> None:
    """Imports what every Python component needs, once, in the process that will fork them."""
    import aiohttp  # noqa: F401
    import orjson  # noqa: F401
    import prometheus_client  # noqa: F401
    import structlog  # noqa: F401
    import uvloop  # noqa: F401

    import minikube_py.client.http
    import minikube_py.runtime.controller
    import minikube_py.runtime.events
    import minikube_py.runtime.informer
    import minikube_py.runtime.leader_election
    import minikube_py.runtime.logs
    import minikube_py.runtime.serve  # noqa: F401


def start_in_background(data_dir: Path, specs: Sequence[ProcessSpec]) -> None:
    """Forks the supervisor off into a session of its own; returns at once.

    Its own messages go to ``logs/supervisor.log``. The caller must not run threads or an event loop.
    """
    for directory in ("run", "logs"):
        (data_dir / directory).mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    if (intermediate := os.fork()) != 0:
        os.waitpid(intermediate, 0)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    code = 1
    try:
        os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        log = os.open(data_dir / "logs" / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        os.dup2(null, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 256)
        setproctitle.setproctitle(f"minikube-py supervisor --data-dir {data_dir}")
        code = Supervisor(data_dir, specs).run()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
