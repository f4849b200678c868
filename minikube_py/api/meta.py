"""Reading and building the metadata every object has.

Objects are plain JSON dictionaries everywhere. Functions here never mutate their arguments unless the
name says so (``set_…``); an observation that was handed to a pure function is treated as frozen.
"""

from __future__ import annotations

from typing import Any, cast

Object = dict[str, Any]
"""A Kubernetes object, as its JSON form decodes."""


def metadata(obj: Object) -> Object:
    """The object's ``metadata``, or an empty dictionary."""
    return cast(Object, obj.get("metadata") or {})


def name_of(obj: Object) -> str:
    """``metadata.name``, or the empty string."""
    return cast(str, metadata(obj).get("name", ""))


def namespace_of(obj: Object) -> str:
    """``metadata.namespace``, or the empty string for a cluster-scoped object."""
    return cast(str, metadata(obj).get("namespace", ""))


def uid_of(obj: Object) -> str:
    """``metadata.uid``, or the empty string."""
    return cast(str, metadata(obj).get("uid", ""))


def labels_of(obj: Object) -> dict[str, str]:
    """``metadata.labels``, or an empty dictionary."""
    return cast(dict[str, str], metadata(obj).get("labels") or {})


def annotations_of(obj: Object) -> dict[str, str]:
    """``metadata.annotations``, or an empty dictionary."""
    return cast(dict[str, str], metadata(obj).get("annotations") or {})


def resource_version_of(obj: Object) -> int:
    """``metadata.resourceVersion`` as the etcd revision it is; 0 where there is none."""
    return int(metadata(obj).get("resourceVersion") or 0)


def generation_of(obj: Object) -> int:
    """``metadata.generation``; 0 where there is none."""
    return int(metadata(obj).get("generation") or 0)


def key_of(obj: Object) -> str:
    """The object's key in an informer or a work queue: ``namespace/name``, or ``name`` if cluster-scoped."""
    return join_key(namespace_of(obj), name_of(obj))


def join_key(namespace: str, name: str) -> str:
    """``namespace/name``, or ``name`` where the namespace is empty."""
    return f"{namespace}/{name}" if namespace else name


def is_deleting(obj: Object) -> bool:
    """Whether ``metadata.deletionTimestamp`` is set."""
    return bool(metadata(obj).get("deletionTimestamp"))


def owner_references(obj: Object) -> list[Object]:
    """``metadata.ownerReferences``, or an empty list."""
    return cast(list[Object], metadata(obj).get("ownerReferences") or [])


def controller_of(obj: Object) -> Object | None:
    """The one owner reference with ``controller: true``, or None."""
    return next((ref for ref in owner_references(obj) if ref.get("controller")), None)


def controller_reference(owner: Object) -> Object:
    """An owner reference that makes ``owner`` the managing controller and blocks its foreground deletion.

    ``owner`` must carry ``apiVersion`` and ``kind``, as every object read through the client does.
    """
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_controlled_by(obj: Object, owner: Object) -> bool:
    """Whether ``owner`` (compared by uid) is the controller of ``obj``."""
    reference = controller_of(obj)
    return reference is not None and reference.get("uid") == uid_of(owner)


def find_condition(obj: Object, condition_type: str) -> Object | None:
    """The entry of ``status.conditions`` of that type, or None."""
    conditions = (obj.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == condition_type), None)


def condition_is_true(obj: Object, condition_type: str) -> bool:
    """Whether ``status.conditions`` holds that type with status ``"True"``."""
    condition = find_condition(obj, condition_type)
    return condition is not None and condition.get("status") == "True"
