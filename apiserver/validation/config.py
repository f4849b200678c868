"""Validation of ConfigMap, Secret and ServiceAccount."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator

from apiserver.validation.meta import immutable, object_meta, object_meta_update
from apiserver.validation.names import are_plain_config_keys, config_key
from minikube_py.api.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_required,
    field_too_long,
)
from minikube_py.api.meta import Object, annotations_of

SIZE_LIMIT_BYTES = 1024 * 1024
_REDACTED = "<secret contents redacted>"
_ACCOUNT_NAME = "kubernetes.io/service-account.name"
_FROZEN = "field is immutable when `immutable` is set"

_REQUIRED_KEYS: dict[str, tuple[str, ...]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def config_map(obj: Object) -> Iterator[FieldError]:
    """A ConfigMap: sound keys, each in one of the two maps, 1 MiB together."""
    yield from object_meta(obj, namespaced=True)
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    total = sum(len(value.encode()) for value in data.values())
    for key in () if not binary and are_plain_config_keys(data) else sorted(data):
        yield from config_key(f"data[{key}]", key)
        if key in binary:
            yield field_invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    for key in sorted(binary):
        yield from config_key(f"binaryData[{key}]", key)
        decoded = _decoded(binary[key])
        if decoded is None:
            yield field_invalid(f"binaryData[{key}]", key, "must be encoded in base64")
        total += len(decoded or b"")
    if total > SIZE_LIMIT_BYTES:
        yield field_too_long("[]", SIZE_LIMIT_BYTES)


def config_map_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ConfigMap; one marked immutable keeps its data and the mark."""
    yield from object_meta_update(new, old)
    yield from _frozen(new, old, ("data", "binaryData"))
    yield from config_map(new)


def secret(obj: Object) -> Iterator[FieldError]:
    """A Secret: sound keys, 1 MiB together, and what its type requires."""
    yield from object_meta(obj, namespaced=True)
    data: dict[str, bytes] = {}
    for key, value in sorted((obj.get("data") or {}).items()):
        yield from config_key(f"data[{key}]", key)
        decoded = _decoded(value or "")
        if decoded is None:
            yield field_invalid(f"data[{key}]", _REDACTED, "must be encoded in base64")
        data[key] = decoded or b""
    if sum(map(len, data.values())) > SIZE_LIMIT_BYTES:
        yield field_too_long("data", SIZE_LIMIT_BYTES)
    yield from _secret_type(obj, data)


def secret_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed Secret, whose type stays; one marked immutable keeps its data and the mark."""
    yield from object_meta_update(new, old)
    yield from immutable("type", new.get("type"), old.get("type"))
    yield from _frozen(new, old, ("data",))
    yield from secret(new)


def service_account(obj: Object) -> Iterator[FieldError]:
    """A ServiceAccount about to be stored."""
    return object_meta(obj, namespaced=True)


def service_account_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ServiceAccount."""
    yield from object_meta_update(new, old)
    yield from service_account(new)


def _frozen(new: Object, old: Object, keys: tuple[str, ...]) -> Iterator[FieldError]:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield field_forbidden("immutable", _FROZEN)
    for key in keys:
        if (new.get(key) or {}) != (old.get(key) or {}):
            yield field_forbidden(key, _FROZEN)


def _decoded(value: str) -> bytes | None:
    try:
        return base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return None


def _secret_type(obj: Object, data: dict[str, bytes]) -> Iterator[FieldError]:
    secret_type = obj.get("type") or ""
    for key in _REQUIRED_KEYS.get(secret_type, ()):
        if key not in data or (key == "ssh-privatekey" and not data[key]):
            yield field_required(f"data[{key}]")
        elif key.startswith(".docker") and (problem := _json_problem(data[key])):
            yield field_invalid(f"data[{key}]", _REDACTED, problem)
    if secret_type == "kubernetes.io/service-account-token" and not annotations_of(obj).get(_ACCOUNT_NAME):
        yield field_required(f"metadata.annotations[{_ACCOUNT_NAME}]")
    if secret_type == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        yield field_required("data[username]")
        yield field_required("data[password]")


def _json_problem(value: bytes) -> str:
    """Why a value is no JSON object, or the empty string."""
    if not value.strip():
        return "unexpected end of JSON input"
    try:
        document = json.loads(value)
    except ValueError as error:
        return f"must be a JSON document: {error}"
    return "" if document is None or isinstance(document, dict) else "must be a JSON object"
