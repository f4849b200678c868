"""Informers over every kind, of metadata only where nobody needs more: what exists and who owns it."""

from __future__ import annotations

from minikube_py.api.meta import Object, metadata
from minikube_py.api.resources import EVENTS, Resource, ResourceTable
from minikube_py.runtime.informer import Informer, Informers

_KEPT = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "ownerReferences",
    "finalizers",
    "deletionTimestamp",
)
IGNORED = (EVENTS,)
"""Kinds that own nothing, are owned by nothing, and change all the time."""


def only_metadata(obj: Object) -> Object:
    """A transform that keeps what ownership and deletion need."""
    kept = {name: value for name, value in metadata(obj).items() if name in _KEPT}
    return {"apiVersion": obj.get("apiVersion"), "kind": obj.get("kind"), "metadata": kept}


def deletable_resources(table: ResourceTable) -> tuple[Resource, ...]:
    """Every kind whose objects can be listed, watched and deleted; each object under one of them only."""
    return tuple(resource for resource in table.storage_rows if {"list", "watch", "delete"} <= set(resource.verbs))


def metadata_informers(informers: Informers, table: ResourceTable) -> dict[Resource, Informer]:
    """One informer for each of these kinds; one that somebody asked for whole is shared as it is."""
    return {
        resource: informers.informer(resource, transform=only_metadata)
        for resource in deletable_resources(table)
        if resource not in IGNORED
    }
