"""The one-host cluster's figures, each beside its limit in the same run.

Usage (as root, with nothing else running on the machine):  .venv/bin/python benchmarks/one_host.py [--pods 20]

Measures the start of a cluster, the start of pods beside bare Docker, and what the idle cluster costs; prints a table
and writes ``benchmarks/results/one_host.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MINIKUBE_PY = Path(sys.executable).with_name("minikube-py")
IMAGE = "minikube-py/hello:1"
PAUSE_IMAGE = "minikube-py/pause:1"
IDLE_SETTLE_SECONDS = 20.0
IDLE_SECONDS = 30.0
PORTS = (
    "api",
    "etcd",
    "etcd-peer",
    "kubelet",
    "kubelet-healthz",
    "scheduler",
    "controller-manager",
    "proxy-healthz",
    "proxy-metrics",
    "dns",
    "dns-metrics",
)


@dataclass(frozen=True)
class Row:
    """One line of the table; ``aim`` is the issue's, ``limit`` what the same machine could do at best."""

    what: str
    measured: float
    unit: str
    limit: str
    aim: str
    met: bool


def run(*command: str, timeout: float = 120) -> str:
    """What a command prints; it must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout).stdout


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def bare_docker_seconds(rounds: int, pause: str) -> list[float]:
    """Create and start of the same two containers with nothing around them, by the Docker SDK."""
    import docker

    client = docker.from_env()
    seconds = []
    for number in range(rounds):
        begun = time.perf_counter()
        first = client.containers.create(pause, network_mode="none", name=f"bench-pause-{number}")
        first.start()
        second = client.containers.create(IMAGE, network_mode=f"container:{first.id}", name=f"bench-app-{number}")
        second.start()
        seconds.append(time.perf_counter() - begun)
        second.remove(force=True)
        first.remove(force=True)
    return seconds


async def pod_seconds(kubeconfig: str, rounds: int) -> list[float]:
    """From the acknowledged create to Ready seen by a watch, one pod after the other."""
    from minikube_py.api.meta import condition_is_true
    from minikube_py.api.resources import PODS
    from minikube_py.client.http import HttpClient

    client = HttpClient.from_kubeconfig(kubeconfig, user_agent="benchmark")
    seconds = []
    try:
        for number in range(rounds):
            name = f"bench-{number}"
            pod: dict[str, Any] = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": "default"},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "c", "image": IMAGE, "imagePullPolicy": "Never"}],
                },
            }
            listed = await client.list(PODS, "default")
            created = await client.create(PODS, pod)
            begun = time.perf_counter()
            async with asyncio.timeout(60):
                async for event in client.watch(
                    PODS,
                    "default",
                    resource_version=listed.resource_version,
                    field_selector=f"metadata.name={name}",
                ):
                    if condition_is_true(event.object, "Ready"):
                        break
            seconds.append(time.perf_counter() - begun)
            await client.delete(PODS, name, "default", grace_period_seconds=0, uid=created["metadata"]["uid"])
            await asyncio.sleep(0.5)
    finally:
        await client.close()
    return seconds


def cluster_pids(data_dir: Path) -> dict[str, int]:
    """The supervisor's and its processes' pids by name."""
    state = json.loads((data_dir / "run" / "supervisor.json").read_text())
    return {"supervisor": state["pid"]} | {one["name"]: one["pid"] for one in state["processes"]}


def pss_megabytes(pid: int) -> float:
    """Proportional set size, in 10^6 bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def cpu_seconds(pid: int) -> float:
    """User and system time used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Runs everything and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=20, help="pods, and bare container pairs, to start")
    options = parser.parse_args()
    subprocess.run([str(ROOT / "deploy/images.sh"), IMAGE, "Hello"], check=True, stdout=subprocess.DEVNULL)
    data_dir = Path(tempfile.mkdtemp(prefix="minikube-py-bench-"))
    flags = [f"--{name}-port={free_port()}" for name in PORTS]
    flags += ["--pod-cidr=10.203.0.0/16", "--service-cidr=10.204.0.0/16", "--node-port-range=31000-31499"]
    rows: list[Row] = []
    starts = []
    try:
        for _ in range(3):
            begun = time.perf_counter()
            run(str(MINIKUBE_PY), "up", "--data-dir", str(data_dir), *flags)
            starts.append(time.perf_counter() - begun)
            if len(starts) < 3:
                run(str(MINIKUBE_PY), "reset", "--data-dir", str(data_dir))
        interpreter = time.perf_counter()
        run(sys.executable, "-c", "pass")
        interpreter = time.perf_counter() - interpreter
        start = statistics.median(starts)
        rows.append(
            Row("up, fresh, to Ready and DNS", start, "s", f"bare python {interpreter:.2f} s", "≤ 5 s", start <= 5)
        )

        pods = asyncio.run(pod_seconds(str(data_dir / "admin.conf"), options.pods))
        bare = bare_docker_seconds(options.pods, PAUSE_IMAGE)
        ratio = statistics.median(pods) / statistics.median(bare)
        rows.append(
            Row(
                "pod create → Ready, p50",
                statistics.median(pods) * 1000,
                "ms",
                f"bare Docker {statistics.median(bare) * 1000:.0f} ms",
                f"≤ 1.5× (is {ratio:.2f}×)",
                ratio <= 1.5,
            )
        )

        time.sleep(IDLE_SETTLE_SECONDS)
        pids = cluster_pids(data_dir)
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        time.sleep(IDLE_SECONDS)
        used = {name: (cpu_seconds(pid) - before[name]) / IDLE_SECONDS * 100 for name, pid in pids.items()}
        memory = {name: pss_megabytes(pid) for name, pid in pids.items()}
        rows.extend(
            Row(f"  idle {name}, memory", memory[name], "MB", f"CPU {used[name]:.2f} %", "", True) for name in pids
        )
        total, cpu = sum(memory.values()), sum(used.values())
        rows.append(
            Row("idle memory, all (PSS)", total, "MB", f"etcd {memory['etcd']:.0f} MB", "≤ 400 MB", total <= 400)
        )
        rows.append(Row("idle CPU, all", cpu, "% of a core", f"etcd {used['etcd']:.2f} %", "≤ 3 %", cpu <= 3))
    finally:
        subprocess.run([str(MINIKUBE_PY), "reset", "--data-dir", str(data_dir)], check=False, capture_output=True)

    width = max(len(row.what) for row in rows)
    print(f"{'what':<{width}}  {'measured':>20}  {'limit, same run':<24}  aim")
    for row in rows:
        verdict = "" if not row.aim else ("  met" if row.met else "  MISSED")
        print(f"{row.what:<{width}}  {row.measured:>10.2f} {row.unit:<11} {row.limit:<24}  {row.aim}{verdict}")
    results = ROOT / "benchmarks" / "results"
    results.mkdir(exist_ok=True)
    (results / "one_host.json").write_text(
        json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n"
    )


if __name__ == "__main__":
    main()
