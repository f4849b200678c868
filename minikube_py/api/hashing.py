"""The hash that names a ReplicaSet and its pods after their template."""

from __future__ import annotations

import orjson

from minikube_py.api.meta import Object
from minikube_py.api.names import SUFFIX_ALPHABET

_OFFSET_BASIS = 2166136261
_PRIME = 16777619


def pod_template_hash(template: Object, collision_count: int | None = None) -> str:
    """At most ten characters of :data:`SUFFIX_ALPHABET`, equal for templates that are equal as JSON.

    32-bit FNV-1a over JSON with sorted keys, then ``collision_count`` (None adds nothing) as eight bytes, safely
    encoded as upstream does. The hashes are not those of upstream, whose input is Go's memory layout.
    """
    digest = fnv32a(orjson.dumps(template, option=orjson.OPT_SORT_KEYS))
    if collision_count is not None:
        digest = fnv32a(collision_count.to_bytes(8, "little"), digest)
    return safe_encode(str(digest))


def fnv32a(data: bytes, digest: int = _OFFSET_BASIS) -> int:
    """The 32-bit FNV-1a digest, continued from ``digest``."""
    for byte in data:
        digest = ((digest ^ byte) * _PRIME) & 0xFFFFFFFF
    return digest


def safe_encode(text: str) -> str:
    """``text`` with every byte replaced by one that cannot form a word (``rand.SafeEncodeString``)."""
    return "".join(SUFFIX_ALPHABET[byte % len(SUFFIX_ALPHABET)] for byte in text.encode())
