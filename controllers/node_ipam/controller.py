"""The interpreter of the node IPAM controller: informers in, requests out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.actions import Patch
from controllers.node_ipam.sync import Observation, pod_cidrs, subnet_numbers, sync
from controllers.perform import Performer
from minikube_py.api.meta import Object, name_of
from minikube_py.api.resources import NODES
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAME = "node-ipam-controller"


class NodeIpamController:
    """Gives every node a network of its own for its pods, as soon as the node appears.

    A network is promised in memory before it is written, and stays promised to that node, whatever comes of the write,
    until the node has gone or shows another: so no two nodes are ever given the same. Does not run where the setting
    ``allocate_node_cidrs`` is off.
    """

    def __init__(self, context: ControllerContext) -> None:
        if not context.settings.allocate_node_cidrs:
            return
        self._network = context.settings.cluster_network
        self._mask_size = context.settings.node_cidr_mask_size
        self._held: dict[str, tuple[str, ...]] = {}
        self._refused: set[str] = set()
        self._after = -1
        self._nodes = context.informers.informer(NODES)
        self._queue = WorkQueue("node_ipam", context.clock)
        self._performer = Performer(context.client, context.recorder("cidrAllocator"))
        self._nodes.add_handler(self._on_node)
        context.add(Controller(NAME, self._queue, self._reconcile, context.clock))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            if old is not None:
                self._held.pop(name_of(old), None)
                self._refused.discard(name_of(old))
            for key in self._refused:
                self._queue.add(key)
        elif cidrs := pod_cidrs(new):
            self._held[name_of(new)] = cidrs
        elif old is None or pod_cidrs(old):
            self._queue.add(name_of(new))

    async def _reconcile(self, key: str) -> float | None:
        node = self._nodes.get(key)
        if node is None:
            return None
        promised = self._held.get(key, ("",))[0]
        taken = {number for cidrs in self._held.values() for number in self._numbers(cidrs)}
        actions = sync(Observation(node, promised, self._network, self._mask_size, taken, self._after))
        self._refused.discard(key)
        for action in actions:
            if isinstance(action, Patch):
                self._held[key] = (action.patch["spec"]["podCIDR"],)
                if not promised:
                    self._after = self._numbers(self._held[key])[0]
            else:
                self._refused.add(key)
        return await self._performer.perform(key, actions)

    def _numbers(self, cidrs: tuple[str, ...]) -> range:
        return subnet_numbers(self._network, self._mask_size, cidrs)
