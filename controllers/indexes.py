"""Indexes that several controllers keep on the shared informers, under one name each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from minikube_py.api.meta import Object, controller_of, namespace_of
from minikube_py.api.pods import node_name
from minikube_py.runtime.store import Indexer

CONTROLLER_UID = "controller-uid"
"""Objects by the uid of their controller."""
ORPHANS = "orphans"
"""Objects without a controller, by namespace."""
NODE_NAME = "node-name"
"""Pods by the node they are bound to; the empty string for those that are not."""


def _controller_uid(obj: Object) -> Iterable[str]:
    reference = controller_of(obj)
    return () if reference is None else (str(reference.get("uid", "")),)


def _orphan(obj: Object) -> Iterable[str]:
    return (namespace_of(obj),) if controller_of(obj) is None else ()


def _node_name(pod: Object) -> Iterable[str]:
    return (node_name(pod),)


OWNERSHIP: Mapping[str, Indexer] = {CONTROLLER_UID: _controller_uid, ORPHANS: _orphan}
BY_NODE: Mapping[str, Indexer] = {NODE_NAME: _node_name}
