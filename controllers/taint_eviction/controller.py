"""The interpreter of the taint eviction controller: informers in, requests out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from controllers.actions import RequeueAfter
from controllers.indexes import BY_NODE, NODE_NAME
from controllers.perform import Performer
from controllers.taint_eviction.sync import Observation, TaintId, no_execute_taints, sync, taint_id
from minikube_py.api.meta import Object, key_of, name_of
from minikube_py.api.pods import node_name
from minikube_py.api.resources import NODES, PODS
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAME = "taint-eviction-controller"


class TaintEvictionController:
    """Deletes pods from nodes with NoExecute taints, once they no longer tolerate them.

    How long a taint is tolerated counts from when the taint was added, so it does not begin anew when this process
    does; only for a taint that does not tell, from when it was first seen.
    """

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._nodes = context.informers.informer(NODES)
        self._pods = context.informers.informer(PODS, indexers=BY_NODE)
        self._first_seen: dict[str, dict[TaintId, datetime]] = {}
        self._scheduled: set[str] = set()
        self._queue = WorkQueue("noexec_taint_pod", context.clock)
        writes = Writes(context.clock, self._pods)
        self._performer = Performer(context.client, context.recorder(NAME), writes)
        self._nodes.add_handler(self._on_node)
        self._pods.add_handler(self._on_pod)
        context.add(
            Controller(
                NAME,
                self._queue,
                self._reconcile,
                context.clock,
                workers=context.settings.concurrent_syncs,
                writes=writes,
            )
        )

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        name = name_of(new or old or {})
        taints = no_execute_taints(new)
        if taints == no_execute_taints(old):
            return
        known, now = self._first_seen.pop(name, {}), self._clock.now()
        if taints:
            self._first_seen[name] = {taint_id(taint): known.get(taint_id(taint), now) for taint in taints}
        for pod in self._pods.by_index(NODE_NAME, name):
            self._queue.add(key_of(pod))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._scheduled.discard(key_of(old or {}))
        elif node_name(new) in self._first_seen and (old is None or _concern(old) != _concern(new)):
            self._queue.add(key_of(new))

    async def _reconcile(self, key: str) -> float | None:
        pod = self._pods.get(key)
        if pod is None or not node_name(pod):
            return None
        name = node_name(pod)
        taints = no_execute_taints(self._nodes.get(name))
        first_seen = self._first_seen.get(name, {})
        actions = sync(Observation(pod, taints, first_seen, key in self._scheduled, self._clock.now()))
        requeue = await self._performer.perform(key, actions)
        if any(isinstance(action, RequeueAfter) for action in actions):
            self._scheduled.add(key)
        else:
            self._scheduled.discard(key)
        return requeue


def _concern(pod: Object) -> object:
    """What of a pod calls for work when it changes."""
    return node_name(pod), (pod.get("spec") or {}).get("tolerations")
