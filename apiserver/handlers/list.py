"""GET of a collection."""

from __future__ import annotations

from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.listing import render_list
from apiserver.negotiation import negotiate
from apiserver.reads import continue_token, list_options, select_all, selection


async def list_(ctx: RequestContext) -> Response:
    """One page of the collection, or all of it."""
    form = negotiate(ctx.header("accept"))
    options = list_options(ctx)
    page = await select_all(ctx, selection(ctx), options)
    return render_list(ctx, form, page.revision, page.items, continue_token(page), page.remaining)
