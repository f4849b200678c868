"""GET of an object."""

from __future__ import annotations

from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.negotiation import negotiate
from apiserver.presentation import presented_cached
from apiserver.reads import wait_for_version
from apiserver.response import json_response, render_objects
from minikube_py.api.errors import not_found
from minikube_py.api.meta import join_key


async def get(ctx: RequestContext) -> Response:
    """The object, as fresh as ``resourceVersion`` asks: unset is linearizable, ``0`` whatever the cache holds."""
    resource, info = ctx.resource, ctx.info
    form = negotiate(ctx.header("accept"))
    cache = ctx.core.caches[resource]
    await wait_for_version(cache, ctx.query.get("resourceVersion"))
    cached = cache.get(join_key(info.namespace if resource.namespaced else "", info.name))
    if cached is None:
        raise not_found(ctx.stored.group, resource.plural, info.name)
    cached = presented_cached(resource, cached)
    if form.is_plain_json:
        return json_response(cached.data)
    return render_objects(ctx, form, [cached.object])
