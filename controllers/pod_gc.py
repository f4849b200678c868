"""The pod garbage collector: pods that no kubelet will ever end, and ended pods beyond a number."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from controllers import conditions
from controllers.actions import Delete, Patch, merge_patch_of
from controllers.perform import Performer
from minikube_py.api.errors import NotFound
from minikube_py.api.meta import Object, is_deleting, metadata, name_of, namespace_of, uid_of
from minikube_py.api.nodes import is_ready, taints_of
from minikube_py.api.pods import is_terminal, node_name, phase
from minikube_py.api.resources import NODES, PODS
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

QUARANTINE_SECONDS = 40.0
"""How long a node is gone before its pods are given up."""
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
KEY = "pods"


@dataclass(frozen=True, slots=True)
class Observation:
    """All pods, all nodes by name, and the nodes of which it is certain that they are gone."""

    pods: Sequence[Object]
    nodes: Mapping[str, Object]
    gone_nodes: Collection[str]
    terminated_threshold: int
    now: datetime


def sync(observation: Observation) -> tuple[Patch | Delete, ...]:
    """Deletes, without grace: pods of nodes that are gone or out of service, unbound ones, and the oldest ended."""
    actions: list[Patch | Delete] = []
    for pod in observation.pods:
        node = node_name(pod)
        if node and node in observation.gone_nodes:
            actions += _fail_and_delete(pod, observation.now, "PodGC: node no longer exists")
        elif is_deleting(pod) and (not node or _is_out_of_service(observation.nodes.get(node))):
            actions += _fail_and_delete(pod, observation.now, "")
    actions += (_force_delete(pod) for pod in _surplus(observation))
    return tuple(actions)


def _surplus(observation: Observation) -> list[Object]:
    threshold = observation.terminated_threshold
    if threshold <= 0:
        return []
    ended = [pod for pod in observation.pods if is_terminal(pod) and not is_deleting(pod)]
    if len(ended) <= threshold:
        return []
    ended.sort(
        key=lambda pod: (
            (pod.get("status") or {}).get("reason") != "Evicted",
            metadata(pod).get("creationTimestamp") or "",
            name_of(pod),
        )
    )
    return ended[: len(ended) - threshold]


def _is_out_of_service(node: Object | None) -> bool:
    return node is not None and not is_ready(node) and any(t.get("key") == OUT_OF_SERVICE for t in taints_of(node))


def _fail_and_delete(pod: Object, now: datetime, why: str) -> list[Patch | Delete]:
    """A pod that had not ended is told to have failed, so that whoever counts it sees that."""
    actions: list[Patch | Delete] = []
    if not is_terminal(pod):
        status: Object = {"phase": "Failed"}
        if why:
            target = conditions.condition("DisruptionTarget", "True", "DeletionByPodGC", why, now)
            status["conditions"] = conditions.put((pod.get("status") or {}).get("conditions") or [], target)
        actions.append(merge_patch_of(PODS, pod, {"status": status}, subresource="status"))
    return [*actions, _force_delete(pod)]


def _force_delete(pod: Object) -> Delete:
    return Delete(PODS, namespace_of(pod), name_of(pod), uid_of(pod), grace_period_seconds=0)


class PodGarbageCollector:
    """One key for all pods; woken by what can make a difference, never by the clock alone."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._client = context.client
        self._threshold = context.settings.terminated_pod_gc_threshold
        self._nodes = context.informers.informer(NODES)
        self._pods = context.informers.informer(PODS)
        self._missing_since: dict[str, float] = {}
        self._ended: set[str] = set()
        self._queue = WorkQueue("pod_gc", context.clock)
        writes = Writes(context.clock, self._pods)
        self._performer = Performer(context.client, writes=writes)
        self._nodes.add_handler(self._on_node)
        self._pods.add_handler(self._on_pod)
        context.add(
            Controller("pod-garbage-collector-controller", self._queue, self._reconcile, context.clock, writes=writes)
        )

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is None or any(taint.get("key") == OUT_OF_SERVICE for taint in taints_of(new)):
            self._queue.add(KEY)

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        pod = new or old or {}
        uid = uid_of(pod)
        if new is None or not is_terminal(new):
            self._ended.discard(uid)
        elif uid not in self._ended:
            self._ended.add(uid)
            if 0 < self._threshold < len(self._ended):
                self._queue.add(KEY)
        if new is None:
            return
        node = node_name(new)
        if is_deleting(new) and phase(new) and (not node or _is_out_of_service(self._nodes.get(node))):
            self._queue.add(KEY)
        # Before the informers are synced any node may seem to be missing; the look at the start finds those that are.
        if not self._pods.synced or (node and node not in self._missing_since and self._nodes.get(node) is None):
            self._queue.add(KEY)

    async def _reconcile(self, key: str) -> float | None:
        now = self._clock.monotonic()
        bound = {node_name(pod) for pod in self._pods.list()} - {""}
        missing = {name for name in bound if self._nodes.get(name) is None}
        self._missing_since = {name: self._missing_since.get(name, now) for name in missing}
        due = [name for name, since in self._missing_since.items() if now - since >= QUARANTINE_SECONDS]
        gone = [name for name in due if await self._is_gone(name)]
        observation = Observation(
            self._pods.list(),
            {name_of(node): node for node in self._nodes.list()},
            gone,
            self._threshold,
            self._clock.now(),
        )
        await self._performer.perform(key, sync(observation))
        waits = [since + QUARANTINE_SECONDS - now for name, since in self._missing_since.items() if name not in due]
        return min(waits, default=None)

    async def _is_gone(self, name: str) -> bool:
        try:
            await self._client.get(NODES, name)
        except NotFound:
            return True
        return False
