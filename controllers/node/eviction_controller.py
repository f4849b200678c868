"""The interpreter of the taint eviction controller."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from controllers.indexes import BY_NODE, NODE_NAME
from controllers.node.eviction import Observation, eviction_time, no_execute, sync
from controllers.perform import Performer
from minikube_py.api.meta import Object, is_deleting, key_of, name_of
from minikube_py.api.nodes import taints_of
from minikube_py.api.pods import is_terminal, node_name
from minikube_py.api.resources import NODES, PODS
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext


class TaintEvictionController:
    """Works pod by pod, on nodes that have NoExecute taints alone."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._nodes = context.informers.informer(NODES)
        self._pods = context.informers.informer(PODS, indexers=BY_NODE)
        self._queue = WorkQueue("noexec_taint_pod", context.clock)
        self._seen: dict[str, datetime] = {}
        self._marked: set[str] = set()
        writes = Writes(context.clock, self._pods)
        self._performer = Performer(context.client, context.recorder("taint-eviction-controller"), writes)
        self._nodes.add_handler(self._on_node)
        self._pods.add_handler(self._on_pod)
        context.add(Controller("taint-eviction-controller", self._queue, self._reconcile, context.clock, writes=writes))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        node = new or old or {}
        before, after = no_execute(taints_of(old or {})), no_execute(taints_of(new or {}))
        if before == after:
            return
        if after:
            self._seen.setdefault(name_of(node), self._clock.now())
        else:
            self._seen.pop(name_of(node), None)
        for pod in self._pods.by_index(NODE_NAME, name_of(node)):
            self._queue.add(key_of(pod))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._marked.discard(key_of(old or {}))
            return
        if old is not None and _facts(old) == _facts(new):
            return
        node = self._nodes.get(node_name(new))
        if node is not None and no_execute(taints_of(node)):
            self._queue.add(key_of(new))

    async def _reconcile(self, key: str) -> float | None:
        pod = self._pods.get(key)
        node = self._nodes.get(node_name(pod)) if pod is not None else None
        if pod is None or node is None or is_deleting(pod) or is_terminal(pod):
            self._marked.discard(key)
            return None
        now = self._clock.now()
        seen = self._seen.get(name_of(node), now)
        observation = Observation(pod, no_execute(taints_of(node)), seen, key in self._marked, now)
        requeue = await self._performer.perform(key, sync(observation))
        if eviction_time(observation) is None:
            self._marked.discard(key)
        else:
            self._marked.add(key)
        return requeue


def _facts(pod: Object) -> tuple[object, ...]:
    return node_name(pod), (pod.get("spec") or {}).get("tolerations"), is_deleting(pod)
