"""The documents of collections: lists of bytes, and lists in other forms."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.negotiation import Form
from apiserver.presentation import presented_cached
from apiserver.response import json_response, partial, table, to_media_type
from apiserver.storage.cached import Cached
from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource


def list_metadata(revision: int, continue_token: str = "", remaining: int | None = None) -> Object:
    """The ``metadata`` of a list."""
    meta: Object = {"resourceVersion": str(revision)}
    if continue_token:
        meta["continue"] = continue_token
    if remaining:
        meta["remainingItemCount"] = remaining
    return meta


def list_document(
    resource: Resource, revision: int, items: Sequence[bytes], continue_token: str = "", remaining: int | None = None
) -> bytes:
    """A list of items that are already encoded."""
    head = orjson.dumps(
        {
            "kind": resource.list_kind,
            "apiVersion": resource.api_version,
            "metadata": list_metadata(revision, continue_token, remaining),
        }
    )
    return b"".join((head[:-1], b',"items":[', b",".join(items), b"]}"))


def render_list(
    ctx: RequestContext,
    form: Form,
    revision: int,
    items: Sequence[Cached],
    continue_token: str = "",
    remaining: int | None = None,
) -> Response:
    """A page of a collection in the form asked for."""
    if ctx.resource.stored_as:
        items = [presented_cached(ctx.resource, item) for item in items]
    if not form.transform:
        encoded = [item.item for item in items]
        document = list_document(ctx.resource, revision, encoded, continue_token, remaining)
        return json_response(document) if form.is_plain_json else to_media_type(form, document)
    meta = list_metadata(revision, continue_token, remaining)
    objects = (item.object for item in items)
    if form.transform == "Table":
        return to_media_type(form, table(ctx, objects, meta))
    document_of_partials = {
        "kind": "PartialObjectMetadataList",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "items": [partial(obj) for obj in objects],
    }
    return to_media_type(form, document_of_partials)
