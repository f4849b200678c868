"""The application: one endpoint for every path, from authentication to the answer.

A request passes audit id → authentication → impersonation → flow control → authorization → handler; whatever is raised
on the way becomes a ``Status``.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from apiserver.authz.impersonation import impersonate
from apiserver.context import ANONYMOUS, Query, RequestContext
from apiserver.dispatch import handler_for
from apiserver.errors import from_store, internal
from apiserver.identifiers import new_uuid
from apiserver.listing import ListResponse
from apiserver.nonresource import NonResource
from apiserver.pretty import make_pretty
from apiserver.response import json_response
from apiserver.routes import request_info
from apiserver.storage.store import StoreError
from apiserver.time_limit import TOOK_TOO_LONG, is_long_running, time_limit
from minikube_py.api.errors import ApiError, Timeout, TooManyRequests, Unauthorized

if TYPE_CHECKING:
    from apiserver.core import Core

GATHER = "minikube_py.gather"
"""The key in an ASGI scope's ``extensions`` of what holds back and releases writes (``server.Gathering``)."""
GATHER_BYTES = 64 * 1024
"""Up to this size an answer's headers and body are sent as one."""
WARNINGS_LENGTH, WARNING_LENGTH = 4096, 256
"""The characters that all warnings of an answer may have, and each one where they have more."""
GZIP_BYTES = 128 * 1024
"""From this size on an answer is compressed where the client takes gzip, as upstream."""
log = structlog.get_logger("apiserver")


class Application:
    """The ASGI application of one server process.

    There is one endpoint for all paths, so there is no table of routes; see ``docs/adr/0005-api-server-speed.md`` for
    what a framework's router and middleware around it cost.
    """

    def __init__(self, core: Core) -> None:
        self._endpoint = Endpoint(core)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        response = await self._endpoint.handle(Request(scope, receive))
        if isinstance(response, StreamingResponse):
            await response(scope, receive, send)
            return
        start = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
        if isinstance(response, ListResponse):
            await send(start)
            async for piece in response.pieces():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        body = response.body
        gathering = scope["extensions"].get(GATHER) if len(body) < GATHER_BYTES else None
        if gathering is None:
            await send(start)
            await send({"type": "http.response.body", "body": body})
            return
        gathering.hold()
        try:
            await send(start)
            await send({"type": "http.response.body", "body": body})
        finally:
            gathering.release()


def make_app(core: Core) -> Application:
    """The ASGI application of one server process."""
    return Application(core)


class Endpoint:
    """Answers every request."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._non_resource = NonResource(core)

    async def handle(self, request: Request) -> Response:
        """Answers one request; never raises but when the client has left."""
        started = time.monotonic()
        ctx = self.context(request)
        metrics = self._core.metrics
        inflight = metrics.inflight(ctx.info.verb)
        inflight.value += 1
        try:
            response = await self._answer(ctx)
        except ClientDisconnect:
            metrics.aborted(ctx.info)
            return Response(status_code=499)
        except Exception as error:
            response = error_response(ctx, error)
        finally:
            inflight.value -= 1
        response = metrics.answered(ctx, finish(ctx, response), started)
        if ctx.audit is not None and self._core.auditor is not None:
            return self._core.auditor.end(ctx.audit, response)
        return response

    def context(self, request: Request) -> RequestContext:
        """The context of a request that nobody has authenticated yet."""
        scope = request.scope
        query = Query(scope.get("query_string", b""))
        info = request_info(scope.get("method", "GET"), scope["path"], query, self._core.table)
        # The first of several headers of one name counts.
        headers = dict(reversed(scope["headers"]))
        audit_id = headers.get(b"audit-id", b"").decode("latin-1")[:64] or new_uuid()
        return RequestContext(self._core, request, info, ANONYMOUS, query, audit_id, headers)

    async def identify(self, ctx: RequestContext) -> None:
        """Finds out who asks, and as whom. Raises Unauthorized, and Forbidden for who may not impersonate."""
        auditor = self._core.auditor
        try:
            user = ctx.user = await self._core.authenticator.authenticate(ctx.request)
        except Unauthorized:
            if auditor is not None:
                ctx.audit = auditor.begin(ctx, ctx.user)
            raise
        ctx.user = impersonate(ctx)
        if auditor is not None:
            ctx.audit = auditor.begin(ctx, user)

    async def admit(self, ctx: RequestContext) -> None:
        """Authenticates and authorizes. Raises Unauthorized, Forbidden."""
        await self.identify(ctx)
        self._core.authorizer.check(ctx)

    async def _answer(self, ctx: RequestContext) -> Response:
        limit = time_limit(ctx, self._core.settings.request_timeout_seconds)
        deadline = asyncio.timeout(limit)
        try:
            async with deadline:
                return await self._handled(ctx)
        except TimeoutError:
            if not deadline.expired():
                raise
            self._core.metrics.terminated(ctx.info, 504)
            log.warning("Request took too long", path=ctx.info.path, verb=ctx.info.verb, seconds=limit)
            raise Timeout(TOOK_TOO_LONG, details={}, retry_after_seconds=1) from None

    async def _handled(self, ctx: RequestContext) -> Response:
        await self.identify(ctx)
        flow_control = self._core.flow_control
        try:
            ctx.flow = flow = None if is_long_running(ctx) else await flow_control.enter(ctx.user, ctx.info)
        except TooManyRequests:
            self._core.metrics.terminated(ctx.info, 429)
            raise
        try:
            self._core.authorizer.check(ctx)
            if ctx.info.is_resource:
                return await handler_for(ctx)(ctx)
            return await self._non_resource.answer(ctx)
        finally:
            if flow is not None:
                flow_control.leave(flow)


def error_response(ctx: RequestContext, error: Exception) -> Response:
    """The ``Status`` of whatever was raised."""
    if isinstance(error, StoreError):
        api_error = from_store(error)
    elif isinstance(error, ApiError):
        api_error = error
    else:
        log.error("Request failed unexpectedly", path=ctx.info.path, verb=ctx.info.verb, exc_info=error)
        api_error = internal(error)
    response = json_response(api_error.status(), api_error.code)
    if api_error.code == 403:
        response.headers["X-Content-Type-Options"] = "nosniff"
    if api_error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(api_error.retry_after_seconds)
    return response


def finish(ctx: RequestContext, response: Response) -> Response:
    """The answer with the headers that every answer has, compressed where the client takes it."""
    make_pretty(ctx, response)
    headers = response.raw_headers
    _compress(ctx, response)
    headers.append((b"audit-id", ctx.audit_id.encode("latin-1", "replace")))
    if not any(name == b"cache-control" for name, _ in headers):
        headers.append((b"cache-control", b"no-cache, private"))
    headers.append((b"date", _date(int(time.time()))))
    if ctx.flow is not None:
        headers.extend(ctx.flow.headers)
    headers.extend((b"warning", _warning(text)) for text in _that_fit(ctx.warnings))
    return response


@lru_cache(maxsize=1)
def _date(now: int) -> bytes:
    return formatdate(now, usegmt=True).encode()


def _that_fit(warnings: list[str]) -> list[str]:
    """All warnings, or where they are too much for a header the beginnings of the first of them, as upstream."""
    if sum(map(len, warnings)) <= WARNINGS_LENGTH:
        return warnings
    return [text[:WARNING_LENGTH] for text in warnings[: WARNINGS_LENGTH // WARNING_LENGTH]]


def _warning(text: str) -> bytes:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    printable = "".join(character if character.isprintable() else " " for character in quoted)
    return f'299 - "{printable}"'.encode()


def _compress(ctx: RequestContext, response: Response) -> None:
    if "gzip" not in ctx.header("accept-encoding") or ctx.request.method != "GET":
        return
    if isinstance(response, StreamingResponse) or "content-encoding" in response.headers:
        return
    if isinstance(response, ListResponse):
        if response.size >= GZIP_BYTES:
            response.compress()
        return
    if len(response.body) < GZIP_BYTES:
        return
    response.body = gzip.compress(bytes(response.body), compresslevel=1, mtime=0)
    response.headers["Content-Length"] = str(len(response.body))
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
