"""System-owned metadata, and the form in which an object is stored.

Pure. What the system owns in ``metadata`` follows ``k8s.io/apiserver/pkg/registry/rest``
(``FillObjectMetaSystemFields`` and ``BeforeUpdate``).
"""

from __future__ import annotations

from datetime import datetime

from apiserver.storage.encoding import encode_for_storage
from minikube_py.api.errors import InternalError
from minikube_py.api.meta import Object, metadata
from minikube_py.api.times import format_time

_METADATA_ORDER = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)
_NEVER_STORED = frozenset({"resourceVersion", "selfLink"})
_KEPT_OVER_UPDATE = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_SET_BY_SYSTEM = _NEVER_STORED | {*_KEPT_OVER_UPDATE, "generation", "managedFields"}


def new_metadata(obj: Object, *, name: str, namespace: str, uid: str, now: datetime) -> Object:
    """The metadata of an object about to be created: the client's, less what only the system sets, plus that."""
    kept = {key: value for key, value in metadata(obj).items() if key not in _SET_BY_SYSTEM}
    kept |= {"name": name, "uid": uid, "creationTimestamp": format_time(now)}
    if namespace:
        kept["namespace"] = namespace
    else:
        kept.pop("namespace", None)
    return kept


def kept_metadata(new: Object, old: Object) -> Object:
    """The metadata of an object about to be updated: what only the system sets is the stored object's.

    A ``uid`` that the client sent is left to the caller to compare: it is a precondition. So is a deletion that has not
    begun: validation refuses it.
    """
    before = metadata(old)
    merged = {key: value for key, value in metadata(new).items() if key not in _NEVER_STORED and key != "managedFields"}
    for key in (*_KEPT_OVER_UPDATE, "generation"):
        if key in before:
            merged[key] = before[key]
        elif not key.startswith("deletion"):
            merged.pop(key, None)
    if "namespace" in before:
        merged.setdefault("namespace", before["namespace"])
    else:
        merged.pop("namespace", None)
    return merged


def encode(obj: Object) -> bytes:
    """The bytes that are stored: kind, apiVersion and metadata first, without what is never stored.

    Raises InternalError for a value that JSON cannot carry; decoding has refused those of clients.
    """
    try:
        return encode_for_storage({**obj, "metadata": stored_metadata(obj)})
    except (TypeError, ValueError) as error:
        raise InternalError(f"object cannot be encoded: {error}") from error


def stored_metadata(obj: Object) -> Object:
    """The metadata as it is stored: in upstream's order, without what is never stored."""
    source = metadata(obj)
    meta = {key: source[key] for key in _METADATA_ORDER if key in source}
    meta |= {key: value for key, value in source.items() if key not in meta and key not in _NEVER_STORED}
    return meta
