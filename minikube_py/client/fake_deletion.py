"""How deletion begins and ends in the fake API server, as in upstream's generic registry."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta

from minikube_py.api.meta import Object, generation_of, is_deleting
from minikube_py.api.resources import NAMESPACES, PODS, Resource
from minikube_py.api.times import format_time

DEFAULT_GRACE_PERIOD_SECONDS = 30
_POLICY_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}


def begin_deletion(
    resource: Resource, obj: Object, now: datetime, requested_grace_period: int | None, propagation_policy: str
) -> Object:
    """The object marked as being deleted; the object itself where it is so already, for as short a time."""
    grace_period = _grace_period(resource, obj, requested_grace_period)
    new = deepcopy(obj)
    meta = new["metadata"]
    finalizer = _POLICY_FINALIZERS.get(propagation_policy)
    if finalizer and finalizer not in meta.get("finalizers", []):
        meta["finalizers"] = [*meta.get("finalizers", []), finalizer]
    if is_deleting(obj) and grace_period >= meta.get("deletionGracePeriodSeconds", 0):
        return new
    meta["deletionTimestamp"] = format_time(now + timedelta(seconds=grace_period))
    meta["deletionGracePeriodSeconds"] = grace_period
    if generation_of(obj):
        meta["generation"] = generation_of(obj) + 1
    if resource == NAMESPACES:
        new.setdefault("status", {})["phase"] = "Terminating"
    return new


def is_ready_to_go(resource: Resource, obj: Object) -> bool:
    """Whether an object that is being deleted has nothing left to wait for."""
    meta = obj["metadata"]
    if meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"):
        return False
    return resource != NAMESPACES or not (obj.get("spec") or {}).get("finalizers")


def _grace_period(resource: Resource, obj: Object, requested: int | None) -> int:
    """Pods alone have one: none if not bound or at an end, else as requested, as in the spec, or 30 s."""
    if resource != PODS:
        return 0
    spec, phase = obj.get("spec") or {}, (obj.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    if requested is not None:
        return max(requested, 0)
    default: int = spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE_PERIOD_SECONDS)
    return default
