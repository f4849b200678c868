"""Answers: bytes where they can be sent as stored, and the other forms that a client may ask for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson
from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.conversion import to_presented, to_stored
from apiserver.negotiation import JSON, Form, negotiate
from apiserver.presentation import presented_bytes
from apiserver.writes import Stored
from minikube_py.api.errors import BadRequest
from minikube_py.api.meta import Object, metadata
from minikube_py.api.resources import Resource
from minikube_py.api.schema import Schemas

_META_V1 = "meta.k8s.io/v1"


def json_response(body: bytes | Object, status: int = 200) -> Response:
    """A JSON answer; bytes are sent as they are."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(content, status, media_type=JSON)


def text_response(text: str, status: int = 200) -> Response:
    """A plain-text answer, as health checks give."""
    return Response(text, status, {"X-Content-Type-Options": "nosniff"}, media_type="text/plain")


def success_status(resource: Resource, name: str, uid: str) -> Object:
    """The ``Status`` of a DELETE that removed an object."""
    details: Object = {"name": name}
    if resource.group:
        details["group"] = resource.group
    details |= {"kind": resource.plural, "uid": uid}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def to_media_type(form: Form, body: Object | bytes, status: int = 200) -> Response:
    """A JSON document in the media type asked for."""
    if form.media_type == JSON:
        return json_response(body, status)
    import yaml

    document = orjson.loads(body) if isinstance(body, bytes) else body
    text = yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=True, default_flow_style=False, allow_unicode=True)
    return Response(text, status, media_type=form.media_type)


def render_stored(ctx: RequestContext, stored: Stored, status: int = 200) -> Response:
    """The object of a write, in the form asked for."""
    form = negotiate(ctx.header("accept"))
    if ctx.resource.kind and form.is_plain_json:
        return json_response(presented_bytes(ctx.resource, stored.served), status)
    return render_objects(ctx, form, [to_presented(ctx.resource, stored.object())], status=status)


def render_document(ctx: RequestContext, document: Object, status: int = 200) -> Response:
    """An object that has no Table form (a review, a Binding), as JSON or YAML."""
    return to_media_type(negotiate(ctx.header("accept"), transforms=False), document, status)


def render_objects(
    ctx: RequestContext, form: Form, objects: list[Object], *, status: int = 200, shown_as: Resource | None = None
) -> Response:
    """One object in a form other than stored bytes; ``shown_as`` is its kind where that is not the path's."""
    if form.transform == "Table":
        revision = metadata(objects[0]).get("resourceVersion", "")
        return to_media_type(form, table(ctx, objects, {"resourceVersion": revision}, shown_as=shown_as), status)
    if form.transform == "PartialObjectMetadata":
        return to_media_type(form, partial(objects[0]), status)
    if form.transform:
        raise BadRequest("PartialObjectMetadataList is a form of a list, and this is a single object")
    return to_media_type(form, objects[0], status)


def partial(obj: Object) -> Object:
    """An object as ``PartialObjectMetadata``."""
    return {"kind": "PartialObjectMetadata", "apiVersion": _META_V1, "metadata": metadata(obj)}


def table(
    ctx: RequestContext,
    objects: Iterable[Object],
    list_metadata: Object,
    *,
    with_columns: bool = True,
    shown_as: Resource | None = None,
) -> Object:
    """Objects as a ``Table``; ``includeObject`` says how much of each object comes with its row.

    ``shown_as`` is the kind of the objects where that is not the path's.
    """
    from apiserver.table import conditions, row

    include = ctx.query.get("includeObject") or "Metadata"
    if include not in ("None", "Metadata", "Object"):
        raise BadRequest(f'unrecognized includeObject value: "{include}"')
    resource, now = shown_as or ctx.stored, ctx.core.clock.now()
    rows: list[Object] = []
    for obj in objects:
        stored = to_stored(ctx.resource, obj) if shown_as is None else obj
        entry: Object = {"cells": row(resource, stored, now)}
        row_conditions = conditions(resource, stored)
        if row_conditions:
            entry["conditions"] = row_conditions
        entry["object"] = None if include == "None" else obj if include == "Object" else partial(obj)
        rows.append(entry)
    return {
        "kind": "Table",
        "apiVersion": _META_V1,
        "metadata": list_metadata,
        "columnDefinitions": list(_columns(resource, ctx.core.schemas)) if with_columns else [],
        "rows": rows,
    }


@lru_cache(maxsize=128)
def _columns(resource: Resource, schemas: Schemas) -> tuple[Any, ...]:
    from apiserver.table import columns

    def describe(definition: str, field: str) -> str:
        found = schemas.definition(definition).get("properties", {}).get(field, {})
        return str(found.get("description", ""))

    return tuple(columns(resource, describe))
