"""What a write changes in the fake API server: the status split, and patches."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any

from minikube_py.api import errors
from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource
from minikube_py.client.protocol import PatchType

if TYPE_CHECKING:
    from minikube_py.api.schema import Schemas

_KEPT_BY_SERVER = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


def split_update(resource: Resource, old: Object, given: Object, subresource: str) -> Object:
    """The new object: of a main resource's update everything but status, of a status update status and annotations."""
    if subresource == "status":
        new = deepcopy(old)
        new.pop("status", None)
        if "status" in given:
            new["status"] = given["status"]
        new["metadata"].pop("annotations", None)
        if given.get("metadata", {}).get("annotations"):
            new["metadata"]["annotations"] = given["metadata"]["annotations"]
        return new
    if subresource == "finalize":
        new = deepcopy(old)
        new["spec"] = given.get("spec") or {}
        return new
    new = given
    new["apiVersion"], new["kind"] = resource.api_version, resource.kind
    for field in _KEPT_BY_SERVER:
        new["metadata"].pop(field, None)
        if field in old["metadata"]:
            new["metadata"][field] = old["metadata"][field]
    new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
    if resource.subresource("status") is not None:
        new.pop("status", None)
        if "status" in old:
            new["status"] = deepcopy(old["status"])
    return new


def patched(resource: Resource, old: Object, patch: Any, patch_type: PatchType) -> Object:
    """The object with the patch applied. Raises UnsupportedMediaType, and PatchError's family."""
    from minikube_py.api import patch as patches

    document = deepcopy(old)
    match patch_type:
        case PatchType.JSON:
            result = patches.json_patch(document, patch)
        case PatchType.MERGE:
            result = patches.merge_patch(document, patch)
        case PatchType.STRATEGIC:
            schemas = _schemas()
            definition = schemas.definition_name(resource.api_version, resource.kind)
            if definition is None:
                raise errors.UnsupportedMediaType(f"strategic merge patch: no schema of {resource.kind}")
            result = patches.strategic_merge_patch(document, patch, schemas, definition)
    return deepcopy(result)


@cache
def _schemas() -> Schemas:
    from minikube_py.api.schema import Schemas

    return Schemas(kubernetes_version="1.32")
