"""``/stats/summary``: usage of the node, of pods and of their containers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kubelet.runtime import ContainerRuntime, ContainerState, ContainerStats, RuntimePod
from minikube_py.api.meta import Object
from minikube_py.api.times import format_time
from minikube_py.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class NodeUsage:
    """Cumulative CPU in core-nanoseconds and memory in bytes of the whole host."""

    at: datetime
    cpu_nanoseconds: int
    memory_total_bytes: int
    memory_available_bytes: int
    memory_rss_bytes: int


def read_node_usage(now: datetime, proc: str = "/proc") -> NodeUsage:
    """From ``/proc/stat`` and ``/proc/meminfo``."""
    ticks = [int(part) for part in Path(proc, "stat").read_text().split("\n", 1)[0].split()[1:9]]
    busy = sum(ticks) - ticks[3] - ticks[4]  # without idle and iowait
    memory = {}
    for line in Path(proc, "meminfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        memory[name] = int(rest.split()[0]) * 1024
    return NodeUsage(
        now,
        busy * (1_000_000_000 // os.sysconf("SC_CLK_TCK")),
        memory["MemTotal"],
        memory.get("MemAvailable", memory["MemFree"]),
        memory.get("AnonPages", 0),
    )


class Summary:
    """Keeps the last look at each container, from which rates are computed."""

    def __init__(self, runtime: ContainerRuntime, clock: Clock, node_name: str) -> None:
        self._runtime = runtime
        self._clock = clock
        self._node_name = node_name
        self._before: dict[str, tuple[datetime, int]] = {}

    async def get(self) -> Object:
        """The summary as upstream's ``Summary`` type. Raises RuntimeUnavailable."""
        pods = await self._runtime.list_pods()
        running = [c.id for pod in pods for c in pod.containers if c.state is ContainerState.RUNNING]
        stats = {each.id: each for each in await self._runtime.container_stats(running)}
        node = read_node_usage(self._clock.now())
        before = self._before
        self._before = {each.id: (each.at, each.cpu_usage_nanoseconds) for each in stats.values()}
        self._before[""] = (node.at, node.cpu_nanoseconds)
        shown = [_pod(pod, stats, before) for pod in pods]
        return {
            "node": {
                "nodeName": self._node_name,
                "cpu": _cpu(node.at, node.cpu_nanoseconds, before.get("")),
                "memory": {
                    "time": format_time(node.at),
                    "availableBytes": node.memory_available_bytes,
                    "usageBytes": node.memory_total_bytes - node.memory_available_bytes,
                    "workingSetBytes": node.memory_total_bytes - node.memory_available_bytes,
                    "rssBytes": node.memory_rss_bytes,
                },
            },
            "pods": [pod for pod in shown if pod["containers"]],
        }


def _pod(pod: RuntimePod, stats: Mapping[str, ContainerStats], before: Mapping[str, tuple[datetime, int]]) -> Object:
    found = [(container, stats[container.id]) for container in pod.containers if container.id in stats]
    shown: Object = {
        "podRef": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
        "containers": [
            {
                "name": container.name,
                "startTime": format_time(container.started_at or container.created_at),
                "cpu": _cpu(each.at, each.cpu_usage_nanoseconds, before.get(each.id)),
                "memory": _memory([each]),
            }
            for container, each in found
        ],
    }
    if found:
        values = [each for _, each in found]
        cpus = [container["cpu"] for container in shown["containers"]]
        shown["startTime"] = format_time(min(s.created_at for s in pod.sandboxes or pod.containers))
        shown["cpu"] = {
            "time": format_time(max(each.at for each in values)),
            "usageNanoCores": sum(cpu.get("usageNanoCores", 0) for cpu in cpus),
            "usageCoreNanoSeconds": sum(each.cpu_usage_nanoseconds for each in values),
        }
        shown["memory"] = _memory(values)
        shown["process_stats"] = {"process_count": sum(each.process_count for each in values)}
    return shown


def _cpu(at: datetime, nanoseconds: int, before: tuple[datetime, int] | None) -> Object:
    shown: Object = {"time": format_time(at), "usageCoreNanoSeconds": nanoseconds}
    if before is not None and at > before[0]:
        shown["usageNanoCores"] = int(max(0, nanoseconds - before[1]) / (at - before[0]).total_seconds())
    return shown


def _memory(values: Iterable[ContainerStats]) -> Object:
    values = list(values)
    return {
        "time": format_time(max(each.at for each in values)),
        "usageBytes": sum(each.memory_usage_bytes for each in values),
        "workingSetBytes": sum(each.memory_working_set_bytes for each in values),
        "rssBytes": sum(each.memory_rss_bytes for each in values),
    }
