"""Reads of collections: from the watch cache where it can answer, from etcd where an older state is asked for.

The meaning of ``resourceVersion``, ``resourceVersionMatch``, ``limit`` and ``continue`` is that of
https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apiserver.context import RequestContext
from apiserver.continuation import LATEST, Continuation, decode_token, encode_token, expired
from apiserver.selection import Selection, parse_selection
from apiserver.storage.cache import WatchCache
from apiserver.storage.cached import Cached
from apiserver.storage.store import Compacted, FutureRevision
from minikube_py.api.errors import (
    BadRequest,
    FieldError,
    field_forbidden,
    field_invalid,
    field_not_supported,
    invalid,
)
from minikube_py.api.meta import join_key

FRESH_TIMEOUT_SECONDS = 10.0
"""How long a linearizable read waits for the cache to reach etcd's revision."""
REVISION_TIMEOUT_SECONDS = 3.0
"""How long a read waits for a revision that this process has not seen, as upstream."""
_EXACT, _NOT_OLDER_THAN = "Exact", "NotOlderThan"
_LARGEST_VERSION = 2**64 - 1
_PAGE = 500
_LARGEST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a list or a watch asks for besides the selection."""

    resource_version: str = ""
    match: str = ""
    limit: int = 0
    continuation: Continuation | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Selected objects, the revision that they are of, and where the next page begins (empty: there is none)."""

    items: Sequence[Cached]
    revision: int
    next_start: str = ""
    remaining: int | None = None


def continue_token(page: Page) -> str:
    """The token that the next page is asked with; empty where there is none."""
    return encode_token(Continuation(page.revision, page.next_start)) if page.next_start else ""


def selection(ctx: RequestContext) -> Selection:
    """The selection that the request's path and query name. Raises BadRequest."""
    namespace, name = ctx.info.namespace if ctx.resource.namespaced else "", ctx.info.name
    fields = ctx.query.get("fieldSelector") or (f"metadata.name={name}" if name else "")
    selected = parse_selection(ctx.resource, namespace, ctx.query.get("labelSelector"), fields)
    if name and selected.exact_name != name:
        raise BadRequest("fieldSelector metadata.name doesn't match requested name")
    return selected


def list_options(ctx: RequestContext, *, watch: bool = False) -> ListOptions:
    """The options of the query. Raises BadRequest, Invalid for combinations that mean nothing."""
    query = ctx.query
    version, match, token = query.get("resourceVersion"), query.get("resourceVersionMatch"), query.get("continue")
    send_initial_events = query.optional_flag("sendInitialEvents")
    check = _watch_errors if watch else _list_errors
    errors = check(version, match, token, send_initial_events)
    if errors:
        raise invalid("meta.k8s.io", "ListOptions", "", errors)
    limit = query.integer("limit") or 0
    if limit < 0:
        raise BadRequest("limit must not be negative")
    if watch or not token:
        return ListOptions(version, match, limit)
    continuation = decode_token(token)
    if version not in ("", "0"):
        raise BadRequest("specifying resource version is not allowed when using continue")
    return ListOptions(version, match, limit, continuation)


def _list_errors(version: str, match: str, token: str, send_initial_events: bool | None) -> list[FieldError]:
    """What is wrong with the options of a list, in upstream's order and words."""
    errors: list[FieldError] = []
    if match:
        if not version:
            detail = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            errors.append(field_forbidden("resourceVersionMatch", detail))
        if token:
            errors.append(_match_and_continue())
        if match not in (_EXACT, _NOT_OLDER_THAN):
            errors.append(field_not_supported("resourceVersionMatch", match, (_EXACT, _NOT_OLDER_THAN, "")))
        if match == _EXACT and version == "0":
            detail = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            errors.append(field_forbidden("resourceVersionMatch", detail))
    if send_initial_events is not None:
        errors.append(field_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    return errors


def _watch_errors(version: str, match: str, token: str, send_initial_events: bool | None) -> list[FieldError]:
    """What is wrong with the options of a watch, in upstream's order and words."""
    errors: list[FieldError] = []
    if send_initial_events is not None and match != _NOT_OLDER_THAN:
        detail = f"sendInitialEvents requires setting resourceVersionMatch to {_NOT_OLDER_THAN}"
        errors.append(field_forbidden("resourceVersionMatch", detail))
    if match:
        if send_initial_events is None:
            detail = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            errors.append(field_forbidden("resourceVersionMatch", detail))
        if match != _NOT_OLDER_THAN:
            errors.append(field_not_supported("resourceVersionMatch", match, (_NOT_OLDER_THAN,)))
        if token:
            errors.append(_match_and_continue())
    return errors


def _match_and_continue() -> FieldError:
    detail = "resourceVersionMatch is forbidden when continue is provided"
    return field_forbidden("resourceVersionMatch", detail)


def parse_version(version: str) -> int:
    """A ``resourceVersion`` as the revision it is; 0 for unset. Raises BadRequest."""
    if not version:
        return 0
    if not (version.isascii() and version.isdigit()):
        raise _bad_version(version, "invalid syntax")
    revision = int(version) if len(version) <= 20 else _LARGEST_VERSION + 1
    if revision > _LARGEST_VERSION:
        raise _bad_version(version, "value out of range")
    return revision


def _bad_version(version: str, what: str) -> BadRequest:
    error = field_invalid("resourceVersion", version, f'strconv.ParseUint: parsing "{version}": {what}')
    return BadRequest(f"invalid resource version: {error}")


async def wait_for_version(cache: WatchCache, version: str) -> int:
    """Waits until the cache may answer for ``version``: unset is linearizable, ``0`` anything, else at least that."""
    revision = parse_version(version)
    if revision:
        return await cache.wait_revision(revision, REVISION_TIMEOUT_SECONDS)
    if version == "0":
        await cache.ready(FRESH_TIMEOUT_SECONDS)
        return cache.revision
    return await cache.wait_fresh(FRESH_TIMEOUT_SECONDS)


async def select_all(ctx: RequestContext, selected: Selection, options: ListOptions) -> Page:
    """One page of the selected objects. Raises Expired, Timeout (a revision not reached), BadRequest."""
    revision = parse_version(options.resource_version)
    if options.continuation is not None:
        return await _from_store(
            ctx, selected, options.continuation.revision, options.continuation.start, options.limit
        )
    if revision and (options.match == _EXACT or (options.limit and not options.match)):
        await ctx.core.caches[ctx.resource].wait_revision(revision, REVISION_TIMEOUT_SECONDS)
        return await _from_store(ctx, selected, revision, "", options.limit)
    return await _from_cache(ctx, selected, options)


async def _from_cache(ctx: RequestContext, selected: Selection, options: ListOptions) -> Page:
    cache = ctx.core.caches[ctx.resource]
    cache.counts.lists_from_cache += 1
    await wait_for_version(cache, options.resource_version)
    if selected.exact_name and (selected.namespace or not ctx.resource.namespaced):
        found = cache.get(join_key(selected.namespace, selected.exact_name))
        return Page([found] if found is not None and selected.matches(found) else [], cache.revision)
    listing = cache.list(selected.namespace)
    # As upstream, a list from whatever the cache holds is given whole.
    limit = 0 if options.resource_version == "0" else options.limit
    if not limit:
        items = listing.items
        return Page(items if selected.is_everything else [i for i in items if selected.matches(i)], listing.revision)
    taken: list[Cached] = []
    for index, item in enumerate(listing.items):
        if selected.is_everything or selected.matches(item):
            taken.append(item)
        if len(taken) == limit and index + 1 < len(listing.items):
            remaining = len(listing.items) - index - 1 if selected.is_everything else None
            return Page(taken, listing.revision, _start_after(item, selected), remaining)
    return Page(taken, listing.revision)


def _start_after(item: Cached, selected: Selection) -> str:
    return (item.name if selected.namespace else item.key) + "\0"


async def _from_store(ctx: RequestContext, selected: Selection, revision: int, start: str, limit: int) -> Page:
    cache = ctx.core.caches[ctx.resource]
    cache.counts.lists_from_store += 1
    prefix = f"{cache.prefix}{selected.namespace}/" if selected.namespace else cache.prefix
    at, start_key = (0 if revision == LATEST else revision), f"{prefix}{start}" if start else ""
    size = limit or _PAGE
    taken: list[Cached] = []
    while True:
        try:
            page = await ctx.core.store.range(prefix, start_key=start_key, limit=size, revision=at)
        except (Compacted, FutureRevision):
            # A token of a revision to come is of a state that a restored etcd has lost, which is as gone as old ones.
            if start:
                raise expired(Continuation(revision, start)) from None
            raise
        at = page.revision
        for index, stored in enumerate(page.items):
            item = cache.cached(stored)
            if selected.is_everything or selected.matches(item):
                taken.append(item)
            more = page.more or index + 1 < len(page.items)
            if limit and len(taken) == limit and more:
                remaining = page.count - index - 1 if selected.is_everything else None
                return Page(taken, at, _start_after(item, selected), remaining)
        if not page.more:
            return Page(taken, at)
        start_key = page.items[-1].key + "\0"
        # A selector that lets little through is not to cost a question for every few keys.
        size = min(size * 2, _LARGEST_PAGE)
