"""Cached objects and events as a second presentation shows them, each converted once for all who read it."""

from __future__ import annotations

import orjson

from apiserver.conversion import to_presented
from apiserver.storage.cached import Cached, Delivery
from apiserver.storage.encoding import take_apart_served
from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource


def presented_bytes(resource: Resource, data: bytes) -> bytes:
    """The served form of a stored object, as ``resource`` presents it."""
    return _ordered(to_presented(resource, orjson.loads(data))) if resource.stored_as else data


def presented_cached(resource: Resource, cached: Cached) -> Cached:
    """The cached object as ``resource`` presents it; kept with the object, so that it is converted once."""
    if not resource.stored_as:
        return cached
    found = cached.presentation(resource.api_version)
    if found is None:
        found = cached.present(resource.api_version, *take_apart_served(presented_bytes(resource, cached.data)))
    return found


def presented_delivery(resource: Resource, delivery: Delivery) -> Delivery:
    """The event as watchers of ``resource`` are told it; encoded once for all of them."""
    if not resource.stored_as:
        return delivery
    found = delivery.presentations.get(resource.api_version)
    if found is None:
        if delivery.cached is None:
            event = orjson.loads(delivery.line)
            event["object"]["apiVersion"] = resource.api_version
            found = Delivery(delivery.type, delivery.revision, None, orjson.dumps(event) + b"\n")
        else:
            found = Delivery(delivery.type, delivery.revision, presented_cached(resource, delivery.cached))
        delivery.presentations[resource.api_version] = found
    return found


def _ordered(obj: Object) -> bytes:
    """JSON that begins as a served object does: kind, apiVersion, metadata with resourceVersion first."""
    meta = obj["metadata"]
    if "resourceVersion" in meta:
        meta = {"resourceVersion": meta["resourceVersion"], **meta}
    rest = {key: value for key, value in obj.items() if key not in ("kind", "apiVersion", "metadata")}
    return orjson.dumps({"kind": obj["kind"], "apiVersion": obj["apiVersion"], "metadata": meta, **rest})
