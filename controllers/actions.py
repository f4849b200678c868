"""The vocabulary of plans: what a pure sync may ask for. :mod:`controllers.perform` carries it out.

Kinds whose effects need more than this (a ReplicaSet's batches of pods) add actions of their own beside their sync.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from minikube_py.api.meta import Object, name_of, namespace_of, resource_version_of, uid_of
from minikube_py.api.resources import Resource
from minikube_py.client.protocol import PatchType

NORMAL: Literal["Normal"] = "Normal"
WARNING: Literal["Warning"] = "Warning"


@dataclass(frozen=True, slots=True)
class Create:
    """Create an object; one that exists already is a failure unless ``ignore_existing``."""

    resource: Resource
    obj: Object
    ignore_existing: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """Replace an object, or its ``subresource``, if it is still at the ``resourceVersion`` that ``obj`` names."""

    resource: Resource
    obj: Object
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """Patch an object; one that is gone is passed over."""

    resource: Resource
    namespace: str
    name: str
    patch: Any
    patch_type: PatchType = PatchType.MERGE
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the object of that name and uid; one that is gone, or is another by now, is passed over."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    grace_period_seconds: int | None = None
    propagation_policy: Literal["", "Background", "Foreground", "Orphan"] = ""


@dataclass(frozen=True, slots=True)
class Emit:
    """Record an event about ``obj``."""

    obj: Object
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class RequeueAfter:
    """Look at the key again after that many seconds, whatever else happens."""

    seconds: float


Action = Create | Update | Patch | Delete | Emit | RequeueAfter


def delete(resource: Resource, obj: Object) -> Delete:
    """Delete ``obj`` as it is known, its uid being the precondition."""
    return Delete(resource, namespace_of(obj), name_of(obj), uid_of(obj))


def merge_patch_of(resource: Resource, obj: Object, patch: Object, *, subresource: str = "") -> Patch:
    """A JSON merge patch of ``obj`` that fails with Conflict if ``obj`` is no longer what is stored."""
    version = resource_version_of(obj)
    metadata = {**(patch.get("metadata") or {}), "uid": uid_of(obj)}
    if version:
        metadata["resourceVersion"] = str(version)
    return Patch(resource, namespace_of(obj), name_of(obj), {**patch, "metadata": metadata}, subresource=subresource)
