"""The interpreter of the node lifecycle controller: informers in, requests out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.actions import NORMAL
from controllers.indexes import BY_NODE, NODE_NAME
from controllers.node_lifecycle.health import GracePeriods, ready_status
from controllers.node_lifecycle.sync import Observation, sync
from controllers.node_lifecycle.zones import Disruption, EvictionLimits, assess, zone_of
from controllers.perform import Performer
from minikube_py.api.meta import Object, find_condition, labels_of, name_of, namespace_of
from minikube_py.api.nodes import taints_of
from minikube_py.api.pods import is_ready, node_name
from minikube_py.api.resources import LEASES, NODES, PODS
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAME = "node-lifecycle-controller"
LEASE_NAMESPACE = "kube-node-lease"


class NodeLifecycleController:
    """Marks and taints nodes by their health, by this process's clock: a node's own clock is never trusted.

    A heartbeat costs no more than noting its time. A node is looked at when its conditions or taints change, and when
    its grace period would end.
    """

    def __init__(self, context: ControllerContext) -> None:
        settings = context.settings
        self._clock = context.clock
        self._grace_periods = GracePeriods(settings.node_monitor_grace_period, settings.node_startup_grace_period)
        self._limits = EvictionLimits(
            settings.node_eviction_rate,
            settings.secondary_node_eviction_rate,
            settings.unhealthy_zone_threshold,
            settings.large_cluster_size_threshold,
        )
        self._nodes = context.informers.informer(NODES)
        self._pods = context.informers.informer(PODS, indexers=BY_NODE)
        # All of them, because the garbage collector follows all of them, and so shares this informer.
        self._leases = context.informers.informer(LEASES)
        self._last_seen: dict[str, float] = {}
        self._next_eviction: dict[str, float] = {}
        self._disruption = Disruption({}, all_disrupted=False)
        self._queue = WorkQueue("node_lifecycle_controller", context.clock)
        self._recorder = context.recorder("node-controller")
        writes = Writes(context.clock, self._nodes, self._pods)
        self._performer = Performer(context.client, self._recorder, writes)
        self._nodes.add_handler(self._on_node)
        self._pods.add_handler(self._on_pod)
        self._leases.add_handler(self._on_lease)
        context.add(Controller(NAME, self._queue, self._reconcile, context.clock, writes=writes))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._last_seen.pop(name_of(old or {}), None)
            self._assess()
            return
        name = name_of(new)
        if old is None:
            self._recorder.event(
                new, NORMAL, "RegisteredNode", f"Node {name} event: Registered Node {name} in Controller"
            )
        if old is None or _heartbeat(old) != _heartbeat(new):
            self._last_seen[name] = self._clock.monotonic()
        if old is None or _concern(old) != _concern(new):
            self._queue.add(name)
            self._assess()

    def _on_lease(self, old: Object | None, new: Object | None) -> None:
        if new is None or namespace_of(new) != LEASE_NAMESPACE:
            return
        if name_of(new) in self._last_seen and _renewed(old) != _renewed(new):
            self._last_seen[name_of(new)] = self._clock.monotonic()

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if new is not None and is_ready(new) and (old is None or not is_ready(old)):
            node = self._nodes.get(node_name(new))
            if node is not None and ready_status(node) == "Unknown":
                self._queue.add(name_of(node))

    def _assess(self) -> None:
        """Sees what has become of the zones, and looks at every node again where that changes what may be done."""
        before, self._disruption = self._disruption, assess(self._nodes.list(), self._limits)
        if before.all_disrupted and not self._disruption.all_disrupted:
            # The nodes could not be heard while all were cut off: each gets its whole grace period to be heard again.
            self._last_seen = dict.fromkeys(self._last_seen, self._clock.monotonic())
        if before != self._disruption:
            for node in self._nodes.list():
                self._queue.add(name_of(node))

    async def _reconcile(self, key: str) -> float | None:
        node = self._nodes.get(key)
        if node is None:
            return None
        now = self._clock.monotonic()
        zone = zone_of(node)
        observation = Observation(
            node,
            tuple(self._pods.by_index(NODE_NAME, key)),
            now - self._last_seen.setdefault(key, now),
            self._grace_periods,
            self._eviction_wait(zone, now),
            self._disruption.all_disrupted,
            self._clock.now(),
        )
        plan = sync(observation)
        requeue = await self._performer.perform(key, plan.actions)
        if plan.evicts:
            self._next_eviction[zone] = now + 1 / self._disruption.rates.get(zone, self._limits.rate)
        return requeue

    def _eviction_wait(self, zone: str, now: float) -> float | None:
        if self._disruption.rates.get(zone, self._limits.rate) <= 0:
            return None
        return max(self._next_eviction.get(zone, now) - now, 0.0)


def _heartbeat(node: Object) -> object:
    """What the kubelet changes by every report, and nobody else changes."""
    return (find_condition(node, "Ready") or {}).get("lastHeartbeatTime")


def _concern(node: Object) -> object:
    """What of a node calls for work when it changes."""
    statuses = {c.get("type"): c.get("status") for c in (node.get("status") or {}).get("conditions") or []}
    return statuses, taints_of(node), bool((node.get("spec") or {}).get("unschedulable")), labels_of(node)


def _renewed(lease: Object | None) -> object:
    return ((lease or {}).get("spec") or {}).get("renewTime")
