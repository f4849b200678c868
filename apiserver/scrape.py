"""The metrics that are read off the server's parts when ``/metrics`` is asked for, and counted nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from apiserver.series import family
from apiserver.storage.store import StoreError

if TYPE_CHECKING:
    from apiserver.core import Core
    from apiserver.storage.cache import WatchCache
    from minikube_py.api.meta import Object

STATUS_SECONDS = 1.0
"""How long etcd is given to say how large it is."""


async def scraped(core: Core, version: Object) -> list[str]:
    """The lines of every such metric; etcd's size is left out where it does not answer. ``version`` is ``/version``."""
    lines = [
        *_build_info(version),
        *_etcd_requests(core),
        *_watch_events(core),
        *_authentications(core),
        *_caches(core),
    ]
    try:
        async with asyncio.timeout(STATUS_SECONDS):
            status = await core.store.status()
    except (StoreError, TimeoutError):
        return lines
    size = [(("etcd-0",), status.database_size)]
    return [
        *lines,
        *family("apiserver_storage_size_bytes", "gauge", "Bytes of etcd's database file.", _CLUSTER, size),
    ]


_CLUSTER = ("storage_cluster_id",)
_VERSION_LABELS = {
    "major": "major",
    "minor": "minor",
    "git_version": "gitVersion",
    "git_commit": "gitCommit",
    "git_tree_state": "gitTreeState",
    "build_date": "buildDate",
    "go_version": "goVersion",
    "compiler": "compiler",
    "platform": "platform",
}


def _build_info(version: Object) -> Iterator[str]:
    values = [str(version[key]) for key in _VERSION_LABELS.values()]
    return family("kubernetes_build_info", "gauge", "Always 1; the labels say it.", [*_VERSION_LABELS], [(values, 1)])


def _etcd_requests(core: Core) -> Iterator[str]:
    rows = ((values, tally.total) for values, tally in core.metrics.etcd.items())
    return family("etcd_requests_total", "counter", "Operations on etcd.", ("operation", "type"), rows)


def _watch_events(core: Core) -> Iterator[str]:
    rows = ((values, tally.total) for values, tally in core.metrics.watch_sizes.items())
    labels = ("group", "version", "kind")
    return family("apiserver_watch_events_total", "counter", "Events sent to watchers.", labels, rows)


def _authentications(core: Core) -> Iterator[str]:
    rows = ((values, tally.total) for values, tally in core.metrics.authentications.items())
    return family("authentication_attempts", "counter", "Requests whose sender was looked for.", ("result",), rows)


def _caches(core: Core) -> Iterator[str]:
    # Several presentations share one cache, which counts for the kind that is stored.
    caches = {cache.resource.qualified: cache for cache in core.caches.values()}
    by_resource: tuple[tuple[str, str, str, Callable[[WatchCache], int]], ...] = (
        ("apiserver_storage_objects", "gauge", "Objects that are stored.", lambda cache: cache.size),
        ("apiserver_storage_events_received_total", "counter", "Events of etcd.", lambda cache: cache.counts.received),
        ("apiserver_init_events_total", "counter", "Objects caches were filled with.", lambda c: c.counts.initial),
        (
            "apiserver_watch_cache_events_received_total",
            "counter",
            "Events that the watch cache took.",
            lambda cache: cache.counts.received,
        ),
        (
            "apiserver_watch_cache_events_dispatched_total",
            "counter",
            "Events that the watch cache passed on.",
            lambda cache: cache.counts.dispatched,
        ),
        (
            "apiserver_watch_cache_initializations_total",
            "counter",
            "How often the watch cache was filled.",
            lambda cache: cache.counts.fillings,
        ),
        (
            "apiserver_watch_cache_resource_version",
            "gauge",
            "Revision that the watch cache shows.",
            lambda cache: cache.revision,
        ),
        (
            "apiserver_terminated_watchers_total",
            "counter",
            "Watchers that were cut off because they read too slowly.",
            lambda cache: cache.counts.cut_off,
        ),
        ("apiserver_storage_list_total", "counter", "Lists served by etcd.", lambda c: c.counts.lists_from_store),
    )
    for name, kind, documentation, value in by_resource:
        rows = (((qualified,), value(cache)) for qualified, cache in caches.items())
        yield from family(name, "gauge" if kind == "gauge" else "counter", documentation, ("resource",), rows)
    lists = (((cache.prefix.rstrip("/"), ""), cache.counts.lists_from_cache) for cache in caches.values())
    labels = ("resource_prefix", "index")
    yield from family("apiserver_cache_list_total", "counter", "Lists served by the watch cache.", labels, lists)
