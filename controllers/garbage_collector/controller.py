"""The interpreter of the garbage collector: keeps the graph, asks the server about owners, deletes and patches."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import structlog

from controllers.actions import merge_patch_of
from controllers.garbage_collector.decide import DeleteItem, Observation, OwnerState, RewriteOwners, decide
from controllers.garbage_collector.graph import (
    FOREGROUND,
    ORPHAN,
    Graph,
    Node,
    Owner,
    knows_owner,
    node_of,
    woken_by_change,
)
from controllers.metadata_informers import metadata_informers
from controllers.perform import Performer
from minikube_py.api.errors import NotFound
from minikube_py.api.meta import Object, is_deleting, metadata, owner_references, resource_version_of, uid_of
from minikube_py.api.resources import Resource
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.informer import Handler
from minikube_py.runtime.workqueue import WorkQueue

if TYPE_CHECKING:
    from controllers.context import ControllerContext

MAX_ABSENT_OWNERS = 500

log = structlog.get_logger("garbage-collector")


class GarbageCollector:
    """Works uid by uid. That an owner is gone is believed only of the server itself, never of a cache."""

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._table = context.table
        self._graph = Graph()
        self._absent: OrderedDict[str, None] = OrderedDict()
        self._queue = WorkQueue("garbage_collector_attempt_to_delete", context.clock)
        self._performer = Performer(context.client, context.recorder("garbage-collector-controller"))
        for resource, informer in metadata_informers(context.informers, context.table).items():
            informer.add_handler(self._handler(resource))
        context.add(
            Controller(
                "garbage-collector-controller",
                self._queue,
                self._reconcile,
                context.clock,
                workers=context.settings.concurrent_syncs,
            )
        )

    def _handler(self, resource: Resource) -> Handler:
        def on_change(old: Object | None, new: Object | None) -> None:
            woken: set[str] = set()
            if old is not None and (new is None or uid_of(new) != uid_of(old)):
                before = self._graph.remove(uid_of(old))
                if before is not None:
                    woken |= woken_by_change(self._graph, before, None)
            if new is not None:
                node = node_of(resource, new)
                woken |= woken_by_change(self._graph, self._graph.put(node), node)
            for uid in woken:
                self._queue.add(uid)

        return on_change

    async def _reconcile(self, key: str) -> float | None:
        node = self._graph.get(key)
        if node is None:
            return None
        if node.orphans_dependents:
            await self._orphan_dependents(node)
        elif node.waits_for_dependents:
            await self._wait_for_dependents(node)
        elif not node.deleting and node.owners:
            await self._collect(node)
        return None

    async def _collect(self, node: Node) -> None:
        states = {owner.uid: await self._owner_state(owner, node) for owner in node.owners}
        if all(state is OwnerState.SOLID for state in states.values()):
            return
        item = await self._live(node)
        if item is None:
            return
        dependents = self._graph.dependents_of(node.uid)
        observation = Observation(
            item, states, bool(dependents), any(dependent.waits_for_dependents for dependent in dependents)
        )
        for action in decide(observation):
            match action:
                case RewriteOwners(references):
                    item = await self._patch(node, item, {"ownerReferences": list(references) or None})
                    if item is None:
                        return
                case DeleteItem(policy):
                    log.debug("Deleting", resource=node.resource.qualified, object=node.name, policy=policy)
                    try:
                        await self._client.delete(
                            node.resource,
                            node.name,
                            node.namespace,
                            propagation_policy=policy,
                            uid=node.uid,
                            resource_version=str(resource_version_of(item)),
                        )
                    except NotFound:
                        return

    async def _owner_state(self, owner: Owner, dependent: Node) -> OwnerState:
        known = knows_owner(self._graph, owner, dependent)
        if known is not None:
            return OwnerState.WAITING if known.waits_for_dependents else OwnerState.SOLID
        if owner.uid in self._absent:
            return OwnerState.DANGLING
        resource = self._table.by_kind(owner.api_version, owner.kind)
        if resource is None:
            return OwnerState.SOLID
        if resource.namespaced and not dependent.namespace:
            message = f'ownerRef {_shown(owner)} does not exist in namespace ""'
            self._performer.emit(_reference(dependent), "Warning", "OwnerRefInvalidNamespace", message)
            return OwnerState.SOLID
        try:
            found = await self._client.get(resource, owner.name, dependent.namespace if resource.namespaced else "")
        except NotFound:
            return self._note_absent(owner)
        if uid_of(found) != owner.uid:
            return self._note_absent(owner)
        state = node_of(resource, found)
        return OwnerState.WAITING if state.waits_for_dependents else OwnerState.SOLID

    def _note_absent(self, owner: Owner) -> OwnerState:
        """A uid never comes back, but it may be there under another name or in another namespace."""
        if self._graph.get(owner.uid) is None:
            self._absent[owner.uid] = None
            if len(self._absent) > MAX_ABSENT_OWNERS:
                self._absent.popitem(last=False)
        return OwnerState.DANGLING

    async def _wait_for_dependents(self, node: Node) -> None:
        dependents = self._graph.dependents_of(node.uid)
        blocking = [d for d in dependents if any(owner.uid == node.uid and owner.blocks for owner in d.owners)]
        if not blocking:
            await self._remove_finalizer(node, FOREGROUND)
        for dependent in blocking:
            if not dependent.deleting:
                self._queue.add(dependent.uid)

    async def _orphan_dependents(self, node: Node) -> None:
        for dependent in self._graph.dependents_of(node.uid):
            item = await self._live(dependent)
            if item is None:
                continue
            kept = [reference for reference in owner_references(item) if reference.get("uid") != node.uid]
            if len(kept) < len(owner_references(item)):
                await self._patch(dependent, item, {"ownerReferences": kept or None})
        await self._remove_finalizer(node, ORPHAN)

    async def _remove_finalizer(self, node: Node, finalizer: str) -> None:
        item = await self._live(node)
        if item is None or not is_deleting(item):
            return
        finalizers = metadata(item).get("finalizers") or []
        if finalizer in finalizers:
            kept = [present for present in finalizers if present != finalizer]
            await self._patch(node, item, {"finalizers": kept or None})

    async def _live(self, node: Node) -> Object | None:
        """The object as the server has it, or None where it is gone or another by now."""
        try:
            item = await self._client.get(node.resource, node.name, node.namespace)
        except NotFound:
            return None
        return item if uid_of(item) == node.uid else None

    async def _patch(self, node: Node, item: Object, changed: Object) -> Object | None:
        return await self._performer.patch(node.uid, merge_patch_of(node.resource, item, {"metadata": changed}))


def _shown(owner: Owner) -> str:
    return f"[{owner.api_version}/{owner.kind}, name: {owner.name}, uid: {owner.uid}]"


def _reference(node: Node) -> Object:
    return {
        "apiVersion": node.resource.api_version,
        "kind": node.resource.kind,
        "namespace": node.namespace,
        "name": node.name,
        "uid": node.uid,
    }
