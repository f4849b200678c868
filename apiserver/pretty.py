"""Indented JSON, for people: where ``pretty=true`` asks for it, or the client is a browser, curl or wget."""

from __future__ import annotations

import orjson
from starlette.responses import Response, StreamingResponse

from apiserver.context import RequestContext
from apiserver.negotiation import JSON

_READ_BY_PEOPLE = ("curl", "Wget", "Mozilla/5.0")
_AS_IT_IS = ("/openapi/", "/version")


def wants_pretty(ctx: RequestContext) -> bool:
    """Whether JSON is to be indented, as upstream decides it: the parameter first, then the client's name."""
    asked = ctx.query.get("pretty")
    if asked:
        return asked in ("1", "t", "T", "true", "TRUE", "True")
    return ctx.header("user-agent").startswith(_READ_BY_PEOPLE)


def make_pretty(ctx: RequestContext, response: Response) -> None:
    """Indents the answer if that is wanted; streams and documents that are published as they are stay so."""
    if not wants_pretty(ctx) or isinstance(response, StreamingResponse) or ctx.info.path.startswith(_AS_IT_IS):
        return
    if not response.body or not response.headers.get("content-type", "").startswith(JSON):
        return
    response.body = orjson.dumps(orjson.loads(response.body), option=orjson.OPT_INDENT_2)
    response.headers["Content-Length"] = str(len(response.body))
