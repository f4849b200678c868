"""The ``continue`` token of a list: base64 of ``{"v":"meta.k8s.io/v1","rv":…,"start":…}``, as upstream's."""

from __future__ import annotations

import base64
import binascii
import posixpath
from dataclasses import dataclass

import orjson

from minikube_py.api.errors import BadRequest, Expired

_VERSION = "meta.k8s.io/v1"
LATEST = -1
"""The revision of a token that goes on in whatever state the store is in."""

TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where a list goes on: the revision it is of, and the first key, without the collection's prefix."""

    revision: int
    start: str


def encode_token(continuation: Continuation) -> str:
    """The token of a continuation."""
    body = {"v": _VERSION, "rv": continuation.revision, "start": continuation.start}
    return base64.urlsafe_b64encode(orjson.dumps(body)).rstrip(b"=").decode()


def decode_token(token: str) -> Continuation:
    """The continuation of a token. Raises BadRequest."""
    try:
        body = orjson.loads(base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise _invalid("continue key is not valid: illegal base64 data or JSON") from None
    if not isinstance(body, dict):
        raise _invalid("continue key is not valid: not a JSON object")
    if body.get("v") != _VERSION:
        raise _invalid(f"continue key is not valid: server does not recognize this encoded version {body.get('v', '')}")
    revision, start = body.get("rv"), body.get("start")
    if not isinstance(revision, int) or isinstance(revision, bool) or not revision or abs(revision) >= 2**63:
        raise _invalid("continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
    if not isinstance(start, str) or not start:
        raise _invalid("continue key is not valid: encoded start key empty (version meta.k8s.io/v1)")
    # The key may not lead out of the collection: it is to be the path that it says.
    absolute = start if start.startswith("/") else f"/{start}"
    if posixpath.normpath(absolute) != absolute:
        raise _invalid(f"continue key is not valid: {start}")
    return Continuation(max(revision, LATEST), absolute[1:])


def _invalid(cause: str) -> BadRequest:
    return BadRequest(f"invalid continue token: {cause}")


def expired(continuation: Continuation) -> Expired:
    """The 410 for a token whose revision is gone, with one that goes on inconsistently."""
    return Expired(TOO_OLD, metadata={"continue": encode_token(Continuation(LATEST, continuation.start))})
