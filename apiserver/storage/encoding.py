"""The byte layout of a stored object, and the forms that are made of it without decoding.

A stored value is compact JSON that begins with exactly these three fields, in this order::

    {"kind":"Pod","apiVersion":"v1","metadata":{"name":…},…}

and whose metadata holds no ``resourceVersion``: that is the key's revision in etcd. The *served* form has it spliced
in as the first field of the metadata::

    {"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7","name":…},…}

and the *item* form is the served one without ``kind`` and ``apiVersion``, which upstream omits in the items of a list
of a built-in kind. Kinds and API versions hold no quotation mark, so the first ``"metadata":{`` is the object's own.
"""

from __future__ import annotations

import orjson

from minikube_py.api.meta import Object

_METADATA = b'"metadata":{'
_METADATA_LENGTH = len(_METADATA)
_REVISION_FIELD = b'"metadata":{"resourceVersion":"%d",'
_REVISION_START = len(b'"metadata":{"resourceVersion":"')
_LEADING = ("kind", "apiVersion", "metadata")


def encode_for_storage(obj: Object) -> bytes:
    """The stored value of ``obj``. Raises ValueError where kind, apiVersion or metadata (a name, say) is missing."""
    fields = (
        {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
        if obj.get("metadata")
        else {}
    )
    if not fields or not obj.get("kind") or not obj.get("apiVersion"):
        raise ValueError("an object must have kind, apiVersion and metadata to be stored")
    ordered = {"kind": obj["kind"], "apiVersion": obj["apiVersion"], "metadata": fields}
    ordered.update((key, value) for key, value in obj.items() if key not in _LEADING)
    return orjson.dumps(ordered)


def splice(value: bytes, revision: int) -> bytes:
    """The served form of a stored value: ``resourceVersion`` set to ``revision``."""
    offset = value.index(_METADATA)
    return b"".join((value[:offset], _REVISION_FIELD % revision, value[offset + _METADATA_LENGTH :]))


def take_apart(value: bytes, revision: int) -> tuple[bytes, bytes]:
    """A stored value as what stands before its metadata, and the rest in item form; see :func:`served_form`."""
    offset = value.index(_METADATA)
    return value[:offset], b"".join((b"{", _REVISION_FIELD % revision, value[offset + _METADATA_LENGTH :]))


def served_form(head: bytes, item: bytes) -> bytes:
    """The served form of what :func:`take_apart` gave."""
    return head + item[1:]


def take_apart_served(data: bytes) -> tuple[bytes, bytes]:
    """The reverse of :func:`served_form`."""
    offset = data.index(_METADATA)
    return data[:offset], b"{" + data[offset:]


def resplice(item: bytes, old_revision: int, new_revision: int) -> bytes:
    """The item form with its ``old_revision`` replaced, as a DELETED event shows the last state."""
    start = 1 + _REVISION_START
    return b"".join((item[:start], b"%d" % new_revision, item[start + len(b"%d" % old_revision) :]))


def item_form(data: bytes) -> bytes:
    """The served form ``data`` without ``kind`` and ``apiVersion``."""
    return b"{" + data[data.index(_METADATA) :]


def decode(value: bytes, revision: int) -> Object:
    """A new dictionary of a stored value with ``metadata.resourceVersion`` set; the caller may change it."""
    obj: Object = orjson.loads(value)
    obj["metadata"]["resourceVersion"] = str(revision)
    return obj
