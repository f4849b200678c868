"""The interpreter of the pod garbage collector: informers in, requests out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from controllers.indexes import BY_NODE, NODE_NAME
from controllers.perform import Performer
from controllers.pod_gc.sync import QUARANTINE_SECONDS, Observation, is_out_of_service, sync, sync_terminated
from minikube_py.api.errors import NotFound
from minikube_py.api.meta import Object, is_deleting, key_of, name_of
from minikube_py.api.nodes import is_ready
from minikube_py.api.pods import is_terminal, node_name
from minikube_py.api.resources import NODES, PODS
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAME = "pod-garbage-collector-controller"
TERMINATED = "terminated"
"""The index of pods that have ended, and the key under which their number is looked at: no pod has a key like it."""
TERMINATED_CHECK_SECONDS = 20.0


def _terminated(pod: Object) -> Iterable[str]:
    return (TERMINATED,) if is_terminal(pod) else ()


class PodGarbageCollectorController:
    """Deletes the pods of nodes that are gone, unbound pods that are being deleted, and too many ended ones.

    It works when a pod or a node changes, not by looking at all pods every now and then as upstream does.
    """

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._clock = context.clock
        self._threshold = context.settings.terminated_pod_gc_threshold
        self._pods = context.informers.informer(PODS, indexers={**BY_NODE, TERMINATED: _terminated})
        self._nodes = context.informers.informer(NODES)
        self._missing_since: dict[str, float] = {}
        self._queue = WorkQueue("pod_gc", context.clock)
        writes = Writes(context.clock, self._pods)
        self._performer = Performer(context.client, writes=writes)
        self._pods.add_handler(self._on_pod)
        self._nodes.add_handler(self._on_node)
        context.add(Controller(NAME, self._queue, self._reconcile, context.clock, writes=writes))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            return
        if self._concerns(new):
            self._queue.add(key_of(new))
        if self._threshold > 0 and is_terminal(new) and (old is None or not is_terminal(old)):
            self._queue.add_after(TERMINATED, TERMINATED_CHECK_SECONDS)

    def _concerns(self, pod: Object) -> bool:
        if not node_name(pod):
            return is_deleting(pod)
        node = self._nodes.get(node_name(pod))
        return node is None or (is_deleting(pod) and _is_lost(node))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._missing_since.pop(name_of(new), None)
        if new is None or (_is_lost(new) and (old is None or not _is_lost(old))):
            for pod in self._pods.by_index(NODE_NAME, name_of(new or old or {})):
                self._queue.add(key_of(pod))

    async def _reconcile(self, key: str) -> float | None:
        if key == TERMINATED:
            ended = self._pods.by_index(TERMINATED, TERMINATED)
            return await self._performer.perform(key, sync_terminated(ended, self._threshold))
        pod = self._pods.get(key)
        if pod is None:
            return None
        name = node_name(pod)
        node = self._nodes.get(name) if name else None
        missing = 0.0
        if name and node is None:
            now = self._clock.monotonic()
            missing = now - self._missing_since.setdefault(name, now)
            if missing >= QUARANTINE_SECONDS:
                node = await self._live(name)
        return await self._performer.perform(key, sync(Observation(pod, node, missing, self._clock.now())))

    async def _live(self, name: str) -> Object | None:
        """The node as the server has it: what depends on it is deleted for good, which the copy is not enough for."""
        try:
            return await self._client.get(NODES, name)
        except NotFound:
            return None


def _is_lost(node: Object) -> bool:
    return not is_ready(node) and is_out_of_service(node)
