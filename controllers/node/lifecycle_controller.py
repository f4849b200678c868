"""The interpreter of the node lifecycle controller.

There is no polling: a node is looked at when it changes, and once its grace period would be over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.indexes import BY_NODE, NODE_NAME
from controllers.node.health import Sign, observe, ready_status, seconds_of_grace
from controllers.node.lifecycle import Observation, is_tainting_for_eviction, registered, removing, sync
from controllers.node.zones import (
    Rates,
    ZoneState,
    eviction_rate,
    is_all_disrupted,
    zone_of,
    zone_states,
)
from controllers.perform import Performer
from minikube_py.api.meta import Object, name_of, namespace_of
from minikube_py.api.pods import is_ready, is_terminal
from minikube_py.api.resources import LEASES, NODES, PODS
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

LEASE_NAMESPACE = "kube-node-lease"


class NodeLifecycleController:
    """Tells which nodes are silent, taints them, and lifts the taints when they are back."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._settings = context.settings
        self._rates = Rates(
            context.settings.node_eviction_rate,
            context.settings.secondary_node_eviction_rate,
            context.settings.unhealthy_zone_threshold,
            context.settings.large_cluster_size_threshold,
        )
        self._nodes = context.informers.informer(NODES)
        self._leases = context.informers.informer(LEASES)
        self._pods = context.informers.informer(PODS, indexers=BY_NODE)
        self._queue = WorkQueue("node_lifecycle", context.clock)
        self._signs: dict[str, Sign] = {}
        self._lost: set[str] = set()
        self._next_eviction: dict[str, float] = {}
        self._all_disrupted = False
        writes = Writes(context.clock, self._nodes, self._pods)
        self._performer = Performer(context.client, context.recorder("node-controller"), writes)
        self._nodes.add_handler(self._on_node)
        self._leases.add_handler(self._on_lease)
        self._pods.add_handler(self._on_pod)
        context.add(Controller("node-lifecycle-controller", self._queue, self._reconcile, context.clock, writes=writes))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._forget(old)
            return
        name = name_of(new)
        if name not in self._signs:
            self._emit_registered(new)
        self._see(new)
        if ready_status(new) == "Unknown" or (old is not None and ready_status(old) == "True" != ready_status(new)):
            self._lost.add(name)
        if ready_status(new) == "True":
            self._lost.discard(name)
        self._queue.add(name)
        self._check_disruption()

    def _emit_registered(self, node: Object) -> None:
        action = registered(node)
        self._performer.emit(node, action.type, action.reason, action.message)

    def _forget(self, node: Object) -> None:
        name = name_of(node)
        self._signs.pop(name, None)
        self._lost.discard(name)
        action = removing(node)
        self._performer.emit(node, action.type, action.reason, action.message)
        self._check_disruption()

    def _on_lease(self, old: Object | None, new: Object | None) -> None:
        if new is None or namespace_of(new) != LEASE_NAMESPACE:
            return
        if (node := self._nodes.get(name_of(new))) is not None:
            self._see(node)

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        """A pod that turns up ready on a node that is silent is told otherwise."""
        if new is not None and is_ready(new):
            name = (new.get("spec") or {}).get("nodeName")
            node = self._nodes.get(name) if name in self._lost else None
            if node is not None and ready_status(node) == "Unknown":
                self._queue.add(name_of(node))

    def _see(self, node: Object) -> None:
        name = name_of(node)
        lease = self._leases.get(f"{LEASE_NAMESPACE}/{name}")
        self._signs[name] = observe(self._signs.get(name), node, lease, self._clock.monotonic())

    def _check_disruption(self) -> None:
        """Going into, or coming out of, the state in which no node is ready concerns every node."""
        disrupted = is_all_disrupted(self._states())
        if disrupted != self._all_disrupted:
            self._all_disrupted = disrupted
            for node in self._nodes.list():
                self._queue.add(name_of(node))

    def _states(self) -> dict[str, ZoneState]:
        return zone_states(self._nodes.list(), self._rates.unhealthy_threshold)

    async def _reconcile(self, key: str) -> float | None:
        node = self._nodes.get(key)
        if node is None:
            return None
        if key not in self._signs:
            self._see(node)
        now = self._clock.monotonic()
        settings = self._settings
        rate = self._rate(node)
        pods = self._pods.by_index(NODE_NAME, key) if key in self._lost else []
        observation = Observation(
            node,
            seconds_of_grace(
                self._signs[key], node, settings.node_monitor_grace_period, settings.node_startup_grace_period, now
            ),
            max(self._next_eviction.get(zone_of(node), 0.0) - now, 0.0) if rate else None,
            self._all_disrupted,
            key in self._lost,
            tuple(pod for pod in pods if is_ready(pod) and not is_terminal(pod)),
            self._clock.now(),
        )
        requeue = await self._performer.perform(key, sync(observation))
        if is_tainting_for_eviction(observation):
            self._next_eviction[zone_of(node)] = now + 1 / rate
        if ready_status(node) == "False":
            # The kubelet lives and tells of its pods itself from here on.
            self._lost.discard(key)
        return requeue

    def _rate(self, node: Object) -> float:
        zone = zone_of(node)
        size = sum(zone_of(other) == zone for other in self._nodes.list())
        return eviction_rate(self._states().get(zone, ZoneState.NORMAL), size, self._rates)
