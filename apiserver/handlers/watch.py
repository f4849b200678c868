"""GET of a collection with ``watch=true``: one JSON line per event."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator

import orjson
from starlette.responses import Response, StreamingResponse

from apiserver.context import RequestContext
from apiserver.negotiation import JSON, Form, negotiate, not_acceptable
from apiserver.reads import (
    FRESH_TIMEOUT_SECONDS,
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
from apiserver.storage.subscription import SlowReader, Subscription
from minikube_py.api.errors import Expired
from minikube_py.api.meta import Object

BOOKMARK_SECONDS = 60.0
"""How long a watch that takes bookmarks is silent before it is told the revision."""
MIN_TIMEOUT_SECONDS = 1800.0
"""The shortest life of a watch that names no ``timeoutSeconds``; the longest is twice that."""


async def watch(ctx: RequestContext) -> Response:
    """Streams events until the client leaves, the time is over, or the revision asked for turns out to be gone."""
    form = negotiate(ctx.header("accept"))
    if form.media_type != JSON:
        raise not_acceptable("application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch")
    selected = selection(ctx)
    options = list_options(ctx, watch=True)
    seconds = ctx.query.integer("timeoutSeconds")
    timeout = float(seconds) if seconds else MIN_TIMEOUT_SECONDS * (1 + ctx.core.random.random())
    cache = ctx.core.caches[ctx.resource]
    try:
        subscription = await _subscribe(ctx, cache, selected, options)
    except RevisionExpired as error:
        return StreamingResponse(_lines([_error_line(error)]), media_type=JSON)
    return StreamingResponse(_Watch(ctx, form, subscription, timeout).lines(), media_type=JSON)


async def _subscribe(ctx: RequestContext, cache: WatchCache, selected: Selection, options: ListOptions) -> Subscription:
    send_initial_events = ctx.query.optional_flag("sendInitialEvents")
    revision = parse_version(options.resource_version)
    if send_initial_events is None:
        initial = revision == 0
        if initial:
            await wait_for_version(cache, options.resource_version)
        else:
            await cache.ready(FRESH_TIMEOUT_SECONDS)
    else:
        initial = send_initial_events
        if initial or revision == 0:
            revision = await wait_for_version(cache, options.resource_version)
        else:
            await cache.ready(FRESH_TIMEOUT_SECONDS)
    return cache.subscribe(
        revision,
        namespace=selected.namespace,
        name=selected.exact_name,
        matches=None if selected.is_everything else selected.matches,
        initial_events=initial,
        initial_events_end=bool(send_initial_events) and ctx.query.flag("allowWatchBookmarks"),
    )


async def _lines(lines: list[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line


def _error_line(error: RevisionExpired) -> bytes:
    return orjson.dumps({"type": "ERROR", "object": Expired(str(error)).status()}) + b"\n"


class _Watch:
    """One client's stream."""

    def __init__(self, ctx: RequestContext, form: Form, subscription: Subscription, timeout: float) -> None:
        self._ctx = ctx
        self._form = form
        self._subscription = subscription
        self._deadline = ctx.core.clock.monotonic() + timeout
        self._bookmarks = ctx.query.flag("allowWatchBookmarks")
        self._columns_sent = False

    async def lines(self) -> AsyncIterator[bytes]:
        """The events, several lines at a time where several are waiting."""
        clock = self._ctx.core.clock
        with self._registered() as subscription:
            while (left := self._deadline - clock.monotonic()) > 0:
                try:
                    deliveries = await subscription.take(min(left, BOOKMARK_SECONDS))
                except SlowReader:
                    return
                except RevisionExpired as error:
                    yield _error_line(error)
                    return
                if deliveries:
                    yield b"".join([self._line(delivery) for delivery in deliveries])
                elif self._bookmarks and (bookmark := subscription.bookmark()) is not None:
                    yield self._line(bookmark)
            if self._bookmarks and (bookmark := subscription.bookmark()) is not None:
                yield self._line(bookmark)

    @contextlib.contextmanager
    def _registered(self) -> Iterator[Subscription]:
        watches = self._ctx.core.watches
        watches.add(self._subscription)
        try:
            with self._subscription as subscription:
                yield subscription
        finally:
            watches.discard(self._subscription)

    def _line(self, delivery: Delivery) -> bytes:
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
