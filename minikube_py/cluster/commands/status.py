"""``minikube-py status``: what runs, and whether it works."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from minikube_py.api.errors import ApiError
from minikube_py.api.meta import condition_is_true, name_of
from minikube_py.api.resources import NODES
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.cluster import readiness, supervisor
from minikube_py.cluster.settings import ClusterSettings

API_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One supervised process; ``memory_bytes`` is its proportional set size, 0 where it does not run."""

    name: str
    state: str
    pid: int
    restarts: int
    uptime_seconds: float
    memory_bytes: int
    last_exit: str


def proportional_set_size(pid: int) -> int:
    """PSS of a process in bytes: shared pages count by their share. 0 where it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


def process_statuses(data_dir: Path) -> list[ProcessStatus]:
    """Every supervised process, the supervisor itself first; all stopped where it does not run."""
    pid = supervisor.supervisor_pid(data_dir)
    recorded = supervisor.read_state(data_dir).get("processes", [])
    statuses = [
        ProcessStatus(
            "supervisor",
            "running" if pid else "stopped",
            pid or 0,
            0,
            time.time() - supervisor.lock_file(data_dir).stat().st_mtime if pid else 0.0,
            proportional_set_size(pid) if pid else 0,
            "",
        )
    ]
    for process in recorded:
        alive = bool(pid and process["pid"])
        statuses.append(
            ProcessStatus(
                process["name"],
                process["state"] if pid else "stopped",
                process["pid"] if alive else 0,
                process["restarts"],
                time.time() - process["startedAt"] if alive else 0.0,
                proportional_set_size(process["pid"]) if alive else 0,
                process["lastExit"],
            )
        )
    return statuses


def status(settings: ClusterSettings) -> int:
    """Prints the processes and the nodes; 0 where everything runs and every node is Ready, 1 otherwise."""
    processes = process_statuses(settings.data_dir)
    print(f"{'COMPONENT':<20}{'STATE':<12}{'PID':<9}{'RESTARTS':<10}{'UPTIME':<10}{'MEMORY':<10}LAST EXIT")
    for process in processes:
        memory = f"{process.memory_bytes / 1e6:.0f} MB" if process.memory_bytes else "-"
        uptime = _duration(process.uptime_seconds) if process.pid else "-"
        print(
            f"{process.name:<20}{process.state:<12}{process.pid or '-':<9}{process.restarts:<10}"
            f"{uptime:<10}{memory:<10}{process.last_exit or '-'}"
        )
    healthy = all(process.state == "running" for process in processes)
    print()
    if not processes[0].pid:
        print("The cluster is down: 'minikube-py up' starts it.")
        return 1
    try:
        nodes = asyncio.run(_nodes(settings))
    except (ConnectionFailed, ApiError, TimeoutError) as error:
        print(f"API server at https://{settings.node_ip}:{settings.api_port} does not answer: {error}")
        return 1
    print(f"API server   https://{settings.node_ip}:{settings.api_port}")
    print(f"KUBECONFIG   {settings.data_dir / 'admin.conf'}")
    for name, ready in nodes:
        print(f"Node         {name} is {'Ready' if ready else 'NotReady'}")
    return 0 if healthy and nodes and all(ready for _, ready in nodes) else 1


async def _nodes(settings: ClusterSettings) -> list[tuple[str, bool]]:
    client = readiness.open_client(settings)
    try:
        async with asyncio.timeout(API_TIMEOUT_SECONDS):
            listed = await client.list(NODES)
        return [(name_of(node), condition_is_true(node, "Ready")) for node in listed.items]
    finally:
        await client.close()


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f}s"
    if seconds < 7200:
        return f"{seconds / 60:.0f}m"
    return f"{seconds / 3600:.0f}h"
