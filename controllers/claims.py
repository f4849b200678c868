"""Which objects a controlling object claims: those it owns already, and orphans that its selector matches.

Follows ``k8s.io/kubernetes/pkg/controller`` (``BaseControllerRefManager``). :func:`claim` decides, :func:`settle` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from controllers.actions import Patch, merge_patch_of
from controllers.perform import Performer
from minikube_py.api.errors import Conflict, NotFound
from minikube_py.api.meta import (
    Object,
    controller_of,
    controller_reference,
    is_deleting,
    key_of,
    metadata,
    name_of,
    namespace_of,
    owner_references,
    uid_of,
)
from minikube_py.api.resources import Resource


@dataclass(frozen=True, slots=True)
class Claim:
    """What is the owner's already, what is to become so, and what is to cease to be."""

    owned: tuple[Object, ...]
    adopt: tuple[Object, ...]
    release: tuple[Object, ...]


def claim(owner: Object, objects: Iterable[Object], matches: Callable[[Object], bool]) -> Claim:
    """Decides for each object of the owner's namespace; an owner that is being deleted neither adopts nor releases."""
    owned, adopt, release = [], [], []
    for obj in objects:
        reference = controller_of(obj)
        if reference is not None:
            if reference.get("uid") != uid_of(owner):
                continue
            if matches(obj):
                owned.append(obj)
            elif not is_deleting(owner):
                release.append(obj)
        elif not any(map(is_deleting, (owner, obj))) and namespace_of(obj) == namespace_of(owner) and matches(obj):
            adopt.append(obj)
    return Claim(tuple(owned), tuple(adopt), tuple(release))


def adoption(resource: Resource, owner: Object, obj: Object, finalizer: str = "") -> Patch:
    """Makes ``owner`` the controller of ``obj``, if that is still as it is known; it may put a finalizer on it."""
    changed: Object = {"ownerReferences": [*owner_references(obj), controller_reference(owner)]}
    if finalizer:
        changed["finalizers"] = [*_finalizers(obj, finalizer), finalizer]
    return merge_patch_of(resource, obj, {"metadata": changed})


def release(resource: Resource, owner: Object, obj: Object, finalizer: str = "") -> Patch:
    """Takes the owner's reference, and its finalizer, away from ``obj``, if that is still as it is known."""
    references = [reference for reference in owner_references(obj) if reference.get("uid") != uid_of(owner)]
    changed: Object = {"ownerReferences": references or None}
    if finalizer:
        changed["finalizers"] = _finalizers(obj, finalizer) or None
    return merge_patch_of(resource, obj, {"metadata": changed})


def _finalizers(obj: Object, without: str) -> list[str]:
    return [name for name in metadata(obj).get("finalizers") or () if name != without]


async def settle(
    performer: Performer,
    key: str,
    owner_resource: Resource,
    owner: Object,
    resource: Resource,
    claimed: Claim,
    *,
    finalizer: str = "",
) -> tuple[Object, ...]:
    """Adopts and releases as decided; the objects that are the owner's now. What it owns carries ``finalizer``.

    Before it adopts it asks the server whether the owner is still there and not being deleted: else the object would be
    adopted by what the garbage collector is about to follow. Raises Conflict where it is not.
    """
    owned = list(claimed.owned)
    if claimed.adopt:
        await _check_may_adopt(performer, owner_resource, owner)
    for obj in claimed.adopt:
        adopted = await performer.patch(key, adoption(resource, owner, obj, finalizer))
        if adopted is not None:
            owned.append(adopted)
    for obj in claimed.release:
        await performer.patch(key, release(resource, owner, obj, finalizer))
    return tuple(owned)


async def _check_may_adopt(performer: Performer, resource: Resource, owner: Object) -> None:
    try:
        fresh = await performer.client.get(resource, name_of(owner), namespace_of(owner))
    except NotFound as error:
        raise Conflict(f"original {resource.kind} {key_of(owner)} is gone") from error
    if uid_of(fresh) != uid_of(owner):
        raise Conflict(
            f"original {resource.kind} {key_of(owner)} is gone: got uid {uid_of(fresh)}, wanted {uid_of(owner)}"
        )
    if is_deleting(fresh):
        raise Conflict(f"{key_of(owner)} has just been deleted at {fresh['metadata']['deletionTimestamp']}")
