"""Storage in use is not deleted: claims that a pod uses and volumes that are bound keep a finalizer until free.

The API server's admission adds the finalizers; these controllers add them where they are missing and take them away
from what is being deleted and free. Follows ``k8s.io/kubernetes/pkg/controller/volume/pvcprotection`` and
``pvprotection``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from controllers.actions import Update
from controllers.perform import Performer
from minikube_py.api.meta import Object, is_deleting, join_key, metadata, name_of, namespace_of
from minikube_py.api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, Resource
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
VOLUME_FINALIZER = "kubernetes.io/pv-protection"
_CLAIM = "claim"


def sync(resource: Resource, obj: Object, finalizer: str, *, in_use: bool) -> tuple[Update, ...]:
    """Puts the finalizer on what lives, and takes it from what is being deleted and not in use."""
    finalizers = list(metadata(obj).get("finalizers") or ())
    if not is_deleting(obj):
        wanted = finalizers if finalizer in finalizers else [*finalizers, finalizer]
    else:
        wanted = finalizers if in_use else [held for held in finalizers if held != finalizer]
    if wanted == finalizers:
        return ()
    return (Update(resource, {**obj, "metadata": {**metadata(obj), "finalizers": wanted}}),)


def claims_of(pod: Object) -> Iterator[str]:
    """``namespace/name`` of each claim that a pod names or has made for itself."""
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if volume.get("ephemeral") is not None:
            name = f"{name_of(pod)}-{volume.get('name', '')}"
        if name:
            yield join_key(namespace_of(pod), name)


def is_used(key: str, pods: Iterable[Object]) -> bool:
    """Whether a pod that has a node uses the claim; no kubelet starts one whose claim is being deleted."""
    return any((pod.get("spec") or {}).get("nodeName") and key in claims_of(pod) for pod in pods)


class ClaimProtection:
    """Works claim by claim; a pod that comes, changes or goes has its claims looked at."""

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._claims = context.informers.informer(PERSISTENT_VOLUME_CLAIMS)
        self._pods = context.informers.informer(PODS, indexers={_CLAIM: claims_of})
        self._queue = WorkQueue("pvcprotection", context.clock)
        writes = Writes(context.clock, self._claims)
        self._performer = Performer(context.client, writes=writes)
        self._claims.add_handler(self._on_claim)
        self._pods.add_handler(self._on_pod)
        name = "persistentvolumeclaim-protection-controller"
        context.add(Controller(name, self._queue, self._reconcile, context.clock, writes=writes))

    def _on_claim(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(join_key(namespace_of(new), name_of(new)))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        for pod in (old, new):
            for key in claims_of(pod or {}):
                self._queue.add(key)

    async def _reconcile(self, key: str) -> float | None:
        claim = self._claims.get(key)
        if claim is None:
            return None
        in_use = is_used(key, self._pods.by_index(_CLAIM, key))
        if is_deleting(claim) and not in_use:
            # The informer may not know a pod yet that the scheduler has just placed.
            in_use = is_used(key, (await self._client.list(PODS, namespace_of(claim))).items)
        return await self._performer.perform(key, sync(PERSISTENT_VOLUME_CLAIMS, claim, CLAIM_FINALIZER, in_use=in_use))


class VolumeProtection:
    """Works volume by volume."""

    def __init__(self, context: ControllerContext) -> None:
        self._volumes = context.informers.informer(PERSISTENT_VOLUMES)
        self._queue = WorkQueue("pvprotection", context.clock)
        writes = Writes(context.clock, self._volumes)
        self._performer = Performer(context.client, writes=writes)
        self._volumes.add_handler(self._on_volume)
        name = "persistentvolume-protection-controller"
        context.add(Controller(name, self._queue, self._reconcile, context.clock, writes=writes))

    def _on_volume(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(name_of(new))

    async def _reconcile(self, key: str) -> float | None:
        volume = self._volumes.get(key)
        if volume is None:
            return None
        in_use = (volume.get("status") or {}).get("phase") == "Bound"
        return await self._performer.perform(key, sync(PERSISTENT_VOLUMES, volume, VOLUME_FINALIZER, in_use=in_use))
