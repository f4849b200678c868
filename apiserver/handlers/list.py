"""GET of a collection."""

from __future__ import annotations

from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.continuation import Continuation, encode_token
from apiserver.listing import render_list
from apiserver.negotiation import negotiate
from apiserver.reads import list_options, select_all, selection


async def list_(ctx: RequestContext) -> Response:
    """One page of the collection, or all of it."""
    form = negotiate(ctx.header("accept"))
    options = list_options(ctx)
    page = await select_all(ctx, selection(ctx), options)
    token = encode_token(Continuation(page.revision, page.next_start)) if page.next_start else ""
    return render_list(ctx, form, page.revision, page.items, token, page.remaining)
