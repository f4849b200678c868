"""GET of a collection with ``watch=true``: one JSON line per event."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator

import orjson
import structlog
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from apiserver.context import RequestContext
from apiserver.negotiation import JSON, Form, negotiate, not_acceptable
from apiserver.presentation import presented_delivery
from apiserver.reads import (
    FRESH_TIMEOUT_SECONDS,
    REVISION_TIMEOUT_SECONDS,
    ListOptions,
    list_options,
    parse_version,
    selection,
    wait_for_version,
)
from apiserver.response import partial, table
from apiserver.selection import Selection
from apiserver.storage.cache import WatchCache
from apiserver.storage.cached import Delivery
from apiserver.storage.history import RevisionExpired
from apiserver.storage.store import RevisionNotReached
from apiserver.storage.subscription import SlowReader, Subscription
from apiserver.streaming.upgrade import upgrade_asked
from minikube_py.api.errors import Expired, MethodNotAllowed
from minikube_py.api.meta import Object

BOOKMARK_SECONDS = 60.0
"""How long a watch that takes bookmarks is silent before it is told the revision."""
MIN_TIMEOUT_SECONDS = 1800.0
"""The shortest life of a watch that names no ``timeoutSeconds``; the longest is twice that."""
DROP = "minikube_py.drop"
"""The key in an ASGI scope's ``extensions`` under which the server puts what ends the connection at once."""
PUSH = "minikube_py.push"
"""The key of what sends a chunk of an HTTP/1.1 body at once, if it can: it is told whether it did."""
DROP_SECONDS = 5.0
"""How long a client that is cut off, or whose time is over, is given to take what it was sent."""
log = structlog.get_logger("apiserver")


async def watch(ctx: RequestContext) -> Response:
    """Streams events until the client leaves, the time is over, or the revision asked for turns out to be gone."""
    if ctx.request.method == "HEAD":
        raise MethodNotAllowed("the server does not allow this method on the requested resource", details={})
    stream = await open_watch(ctx)
    if upgrade_asked(ctx) == "websocket":
        from apiserver.handlers.watch_socket import serve_watch

        return serve_watch(ctx, stream)
    stream.push = ctx.request.scope.get("extensions", {}).get(PUSH)
    return _WatchResponse(stream)


class _WatchResponse(StreamingResponse):
    def __init__(self, stream: Watch) -> None:
        super().__init__(stream.lines(), media_type=JSON)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream; ends it also where the client has left before the first of it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stream.close()


async def open_watch(ctx: RequestContext) -> Watch:
    """The stream that a request asks for, whatever it is then sent over. Raises ApiError, StoreError."""
    form = negotiate(ctx.header("accept"))
    if form.media_type != JSON:
        raise not_acceptable("application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch")
    selected = selection(ctx)
    options = list_options(ctx, watch=True)
    seconds = ctx.query.integer("timeoutSeconds")
    timeout = float(seconds) if seconds else MIN_TIMEOUT_SECONDS * (1 + ctx.core.random.random())
    try:
        return Watch(ctx, form, await _subscribe(ctx, selected, options), timeout)
    except RevisionExpired as error:
        # As upstream: a version that can be read but not served is answered for in the stream.
        return Watch(ctx, form, Expired(str(error)), timeout)
    except Expired as error:
        return Watch(ctx, form, error, timeout)


async def _subscribe(ctx: RequestContext, selected: Selection, options: ListOptions) -> Subscription:
    cache = ctx.core.caches[ctx.resource]
    send_initial_events = ctx.query.optional_flag("sendInitialEvents")
    revision = parse_version(options.resource_version)
    initial = revision == 0 if send_initial_events is None else send_initial_events
    if initial or not revision:
        revision = await wait_for_version(cache, options.resource_version)
    else:
        await _wait_for_past(cache, revision)
    return cache.subscribe(
        revision,
        namespace=selected.namespace,
        name=selected.exact_name,
        matches=None if selected.is_everything else selected.matches,
        initial_events=initial,
        initial_events_end=bool(send_initial_events) and ctx.query.flag("allowWatchBookmarks"),
    )


async def _wait_for_past(cache: WatchCache, revision: int) -> None:
    """Waits until ``revision`` is in the past. Raises Expired where the store has not got it.

    It is then of a state that the store has lost (etcd was restored from a snapshot), and a watch from it would be
    silent until other writes have brought the store there.
    """
    await cache.ready(FRESH_TIMEOUT_SECONDS)
    if revision <= cache.revision:
        return
    try:
        await cache.wait_revision(revision, REVISION_TIMEOUT_SECONDS)
    except RevisionNotReached as error:
        if revision > await cache.wait_fresh(FRESH_TIMEOUT_SECONDS):
            raise Expired(str(error)) from None


def _error_line(error: Expired) -> bytes:
    return orjson.dumps({"type": "ERROR", "object": error.status()}) + b"\n"


class Watch:
    """One client's stream; of no event but ``source`` where that is the reason why there is no subscription."""

    def __init__(self, ctx: RequestContext, form: Form, source: Subscription | Expired, timeout: float) -> None:
        self._ctx = ctx
        self._form = form
        self._source = source
        self._timeout = timeout
        self._deadline = ctx.core.clock.monotonic() + timeout
        self._bookmarks = ctx.query.flag("allowWatchBookmarks")
        self._columns_sent = False
        resource = ctx.resource
        self._sizes = ctx.core.metrics.watch_sizes.of(resource.group, resource.version, resource.kind)
        self.push: Callable[[bytes], bool] | None = None
        """Sends a chunk at once beside what reads :meth:`lines`, where both lead to one HTTP/1.1 body."""

    def close(self) -> None:
        """Ends the subscription; may be called more than once."""
        if isinstance(self._source, Subscription):
            self._source.close()

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """The events, several lines at a time where several are waiting."""
        if isinstance(self._source, Expired):
            yield _error_line(self._source)
            return
        clock = self._ctx.core.clock
        with self._registered(self._source) as subscription:
            while (left := self._deadline - clock.monotonic()) > 0:
                try:
                    deliveries = await subscription.take(min(left, BOOKMARK_SECONDS))
                except SlowReader:
                    return
                except RevisionExpired as error:
                    yield _error_line(Expired(str(error)))
                    return
                if deliveries:
                    lines = [self._line(delivery) for delivery in deliveries]
                    for line in lines:
                        self._sizes.observe(len(line))
                    yield b"".join(lines)
                elif self._bookmarks and (bookmark := subscription.bookmark()) is not None:
                    yield self._line(bookmark)
            if self._bookmarks and (bookmark := subscription.bookmark()) is not None:
                yield self._line(bookmark)

    @contextlib.contextmanager
    def _registered(self, subscription: Subscription) -> Iterator[Subscription]:
        watches = self._ctx.core.watches
        drop = _Drop(self._ctx.request.scope.get("extensions", {}).get(DROP))
        drop.after(max(self._timeout, 0.0) + DROP_SECONDS)
        subscription.on_cut_off = lambda: self._cut_off(drop)
        if not self._form.transform:
            subscription.push = self._pusher()
        watches.add(subscription)
        try:
            with subscription:
                yield subscription
        finally:
            watches.discard(subscription)
            drop.cancel()

    def _cut_off(self, drop: _Drop) -> None:
        info, core = self._ctx.info, self._ctx.core
        if not core.stopping:
            core.caches[self._ctx.resource].counts.cut_off += 1
            log.debug("Cut off a watch", resource=info.plural, namespace=info.namespace, user=self._ctx.user.name)
        drop.after(DROP_SECONDS)

    def _pusher(self) -> Callable[[Delivery], bool] | None:
        resource, push, sizes = self._ctx.resource, self.push, self._sizes
        if push is None:
            return None

        def pushed(delivery: Delivery) -> bool:
            shown = presented_delivery(resource, delivery)
            if not push(shown.chunk):
                return False
            sizes.observe(len(shown.chunk))
            return True

        return pushed

    def _line(self, delivery: Delivery) -> bytes:
        delivery = presented_delivery(self._ctx.resource, delivery)
        if not self._form.transform:
            return delivery.line
        if delivery.cached is None:
            return self._transformed_bookmark(delivery)
        obj = delivery.cached.object
        if self._form.transform == "Table":
            document = table(
                self._ctx,
                [obj],
                {"resourceVersion": str(delivery.revision)},
                with_columns=not self._columns_sent,
            )
            self._columns_sent = True
        else:
            document = partial(obj)
        return orjson.dumps({"type": delivery.type, "object": document}) + b"\n"

    def _transformed_bookmark(self, delivery: Delivery) -> bytes:
        event: Object = orjson.loads(delivery.line)
        if self._form.transform == "Table":
            event["object"] = table(self._ctx, [], event["object"]["metadata"], with_columns=False)
        else:
            event["object"] = partial(event["object"])
        return orjson.dumps(event) + b"\n"


class _Drop:
    """Ends the connection of a client that does not take what it is sent: writing to it would never return."""

    def __init__(self, drop: Callable[[], None] | None) -> None:
        self._drop = drop
        self._timer: asyncio.TimerHandle | None = None

    def after(self, seconds: float) -> None:
        """Ends it in ``seconds``, in place of what was said before."""
        self.cancel()
        if self._drop is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._drop)

    def cancel(self) -> None:
        """Leaves it as it is."""
        if self._timer is not None:
            self._timer.cancel()
