"""``minikube-py down``: stop the cluster and its pods; keep its data."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from minikube_py.cluster import supervisor
from minikube_py.cluster.failures import StillRunning
from minikube_py.cluster.host import Host
from minikube_py.cluster.progress import Steps
from minikube_py.cluster.settings import ClusterSettings

STOP_TIMEOUT_SECONDS = 90.0


def stop_supervisor(data_dir: Path) -> bool:
    """Stops the supervisor and with it every component; False where it did not run. Raises StillRunning."""
    pid = supervisor.supervisor_pid(data_dir)
    if pid is None:
        if left := supervisor.end_orphans(data_dir):
            raise StillRunning(f"processes of a supervisor that was killed do not end: {left}")
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while supervisor.supervisor_pid(data_dir) is not None:
        if time.monotonic() > deadline:
            raise StillRunning(f"the supervisor (pid {pid}) did not end within {STOP_TIMEOUT_SECONDS:g} s")
        time.sleep(0.05)
    return True


def down(settings: ClusterSettings) -> None:
    """Stops the components, then the pods' containers, then removes the rules that led to them.

    The containers are stopped, not removed, so that the next ``up`` starts the same pods again, with their logs.
    """
    steps = Steps()
    with steps.step("Processes stopped"):
        stop_supervisor(settings.data_dir)
    with Host(settings) as host:
        with steps.step("Containers stopped"):
            host.stop_containers()
        with steps.step("Network rules removed"):
            host.remove_rules()
