"""DELETE of a collection."""

from __future__ import annotations

from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.core import Operation
from apiserver.handlers.delete import delete_object
from apiserver.handlers.options import delete_options
from apiserver.listing import list_response
from apiserver.negotiation import negotiate
from apiserver.presentation import presented_bytes
from apiserver.reads import continue_token, list_options, select_all, selection
from apiserver.response import to_media_type
from apiserver.storage.encoding import item_form
from minikube_py.api.errors import NotFound


async def deletecollection(ctx: RequestContext) -> Response:
    """Deletes every object that the selectors match, and answers with the list of them.

    With a ``limit`` it deletes one page, and the list tells where the next begins. An object that somebody else has
    deleted meanwhile is passed over.
    """
    form = negotiate(ctx.header("accept"), transforms=False)
    options = await delete_options(ctx)
    selected = selection(ctx)
    page = await select_all(ctx, selected, list_options(ctx))
    items: list[bytes] = []
    for cached in page.items:
        operation = Operation(
            ctx.core, ctx.user, ctx.stored, cached.namespace, cached.name, "", options.dry_run, ctx.warn
        )
        try:
            stored = await delete_object(operation, options)
        except NotFound:
            continue
        items.append(item_form(presented_bytes(ctx.resource, stored.served)))
    response = list_response(ctx.resource, page.revision, items, continue_token(page), page.remaining)
    return response if form.is_plain_json else to_media_type(form, response.body)
