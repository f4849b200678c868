"""Who owns what, of everything there is."""

from __future__ import annotations

from dataclasses import dataclass

from minikube_py.api.meta import Object, is_deleting, metadata, name_of, namespace_of, owner_references, uid_of
from minikube_py.api.resources import Resource

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Owner:
    """An owner reference."""

    api_version: str
    kind: str
    name: str
    uid: str
    blocks: bool
    """``blockOwnerDeletion``: the owner's foreground deletion waits for this dependent."""


@dataclass(frozen=True, slots=True)
class Node:
    """An object as the graph knows it."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    owners: tuple[Owner, ...]
    deleting: bool
    waits_for_dependents: bool
    """Being deleted in the foreground."""
    orphans_dependents: bool
    """Being deleted with its dependents to be left."""


def node_of(resource: Resource, obj: Object) -> Node:
    """The object's node."""
    finalizers = metadata(obj).get("finalizers") or []
    deleting = is_deleting(obj)
    return Node(
        resource,
        namespace_of(obj),
        name_of(obj),
        uid_of(obj),
        tuple(
            Owner(
                reference.get("apiVersion", ""),
                reference.get("kind", ""),
                reference.get("name", ""),
                reference.get("uid", ""),
                bool(reference.get("blockOwnerDeletion")),
            )
            for reference in owner_references(obj)
        ),
        deleting,
        deleting and FOREGROUND in finalizers,
        deleting and ORPHAN in finalizers,
    )


class Graph:
    """Nodes by uid, and the dependents of each uid, be that object known or not."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._dependents: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, uid: str) -> Node | None:
        """The node of that uid, or None."""
        return self._nodes.get(uid)

    def dependents_of(self, uid: str) -> list[Node]:
        """The nodes that name ``uid`` as an owner."""
        return [self._nodes[dependent] for dependent in self._dependents.get(uid, ())]

    def put(self, node: Node) -> Node | None:
        """Takes in a node in its latest state; the state before, or None."""
        before = self.remove(node.uid)
        self._nodes[node.uid] = node
        for owner in node.owners:
            self._dependents.setdefault(owner.uid, set()).add(node.uid)
        return before

    def remove(self, uid: str) -> Node | None:
        """Forgets a node; what it was, or None."""
        node = self._nodes.pop(uid, None)
        for owner in node.owners if node is not None else ():
            dependents = self._dependents.get(owner.uid)
            if dependents is not None:
                dependents.discard(uid)
                if not dependents:
                    del self._dependents[owner.uid]
        return node


def woken_by_change(graph: Graph, before: Node | None, after: Node | None) -> set[str]:
    """The uids that have to be looked at after a node came, changed or went; the graph is as it is after. Pure."""
    woken: set[str] = set()
    if after is None:
        assert before is not None
        woken |= {dependent.uid for dependent in graph.dependents_of(before.uid)}
        woken |= _waiting_owners(graph, before.owners)
        return woken
    if after.waits_for_dependents or after.orphans_dependents:
        woken.add(after.uid)
        woken |= {dependent.uid for dependent in graph.dependents_of(after.uid)}
    known = before.owners if before is not None else ()
    new_owners = [owner for owner in after.owners if owner not in known]
    for owner in new_owners:
        present = graph.get(owner.uid)
        if present is None or present.waits_for_dependents or not _is_place_of(owner, present, after):
            woken.add(after.uid)
    woken |= _waiting_owners(graph, tuple(owner for owner in known if owner not in after.owners))
    return woken


def _waiting_owners(graph: Graph, owners: tuple[Owner, ...]) -> set[str]:
    present = (graph.get(owner.uid) for owner in owners)
    return {node.uid for node in present if node is not None and node.waits_for_dependents}


def _is_place_of(owner: Owner, present: Node, dependent: Node) -> bool:
    """Whether the object of the owner's uid is where and what the reference says."""
    return (
        present.name == owner.name
        and present.resource.kind == owner.kind
        and present.namespace in ("", dependent.namespace)
    )


def knows_owner(graph: Graph, owner: Owner, dependent: Node) -> Node | None:
    """The owner's node if the graph has it where the reference says; None: the server has to be asked."""
    present = graph.get(owner.uid)
    return present if present is not None and _is_place_of(owner, present, dependent) else None
