"""What the watch cache holds and hands out: objects and events, as bytes that are encoded once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, cast

import orjson

from apiserver.storage.encoding import resplice, served_form
from minikube_py.api.meta import Object

EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
FieldsOf = Callable[[Object], Mapping[str, str]]
"""A kind's selectable fields beyond ``metadata.name`` and ``metadata.namespace`` (``Strategy.fields``)."""


def no_fields(obj: Object) -> Mapping[str, str]:
    """For kinds that have no selectable field of their own."""
    return {}


class Cached:
    """One object at one revision; never changes.

    ``item`` is its JSON as a list holds it, with ``resourceVersion`` and without ``kind`` and ``apiVersion``; ``head``
    is the text of those two, one object for all of a kind. Labels and selectable fields are read from it when first
    asked for, and kept; the object itself is decoded anew each time.
    """

    __slots__ = ("_fields", "_fields_of", "_labels", "_presentations", "head", "item", "name", "namespace", "revision")

    def __init__(self, namespace: str, name: str, revision: int, head: bytes, item: bytes, fields_of: FieldsOf) -> None:
        self.namespace = namespace
        self.name = name
        self.revision = revision
        self.head = head
        self.item = item
        self._fields_of = fields_of
        self._labels: Mapping[str, str] | None = None
        self._fields: Mapping[str, str] | None = None
        self._presentations: dict[str, Cached] | None = None

    @property
    def key(self) -> str:
        """``namespace/name``, or ``name`` for a cluster-scoped object."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def labels(self) -> Mapping[str, str]:
        """``metadata.labels``; to be treated as frozen."""
        if self._labels is None:
            self._parse()
        return cast(Mapping[str, str], self._labels)

    @property
    def fields(self) -> Mapping[str, str]:
        """The selectable fields, ``metadata.name`` and ``metadata.namespace`` among them; to be treated as frozen."""
        if self._fields is None:
            self._parse()
        return cast(Mapping[str, str], self._fields)

    @property
    def data(self) -> bytes:
        """The object's JSON with ``kind`` and ``apiVersion``, ready to be sent."""
        return served_form(self.head, self.item)

    @property
    def object(self) -> Object:
        """A new dictionary at each access, which the caller may change."""
        return cast(Object, orjson.loads(self.data))

    def presentation(self, api_version: str) -> Cached | None:
        """The same state as another version presents it, if :meth:`present` was called for that version."""
        return self._presentations.get(api_version) if self._presentations is not None else None

    def present(self, api_version: str, head: bytes, item: bytes) -> Cached:
        """Keeps and returns the same state in another version's form; labels and fields stay the stored form's."""
        shown = Cached(self.namespace, self.name, self.revision, head, item, self._fields_of)
        shown._labels, shown._fields = self.labels, self.fields
        if self._presentations is None:
            self._presentations = {}
        self._presentations[api_version] = shown
        return shown

    def at_revision(self, revision: int) -> Cached:
        """The same state with another ``resourceVersion``, as a DELETED event shows it."""
        item = resplice(self.item, self.revision, revision)
        moved = Cached(self.namespace, self.name, revision, self.head, item, self._fields_of)
        moved._labels, moved._fields = self._labels, self._fields
        return moved

    def _parse(self) -> None:
        obj = self.object
        self._labels = obj["metadata"].get("labels") or {}
        self._fields = {
            **self._fields_of(obj),
            "metadata.name": self.name,
            "metadata.namespace": self.namespace,
        }


class Delivery:
    """One event as a watcher is told it; shared by all watchers that are told the same.

    ``cached`` is the object as the event shows it; None for a BOOKMARK.
    """

    __slots__ = ("_chunk", "_line", "_presentations", "cached", "revision", "type")

    def __init__(self, event_type: EventType, revision: int, cached: Cached | None, line: bytes | None = None) -> None:
        self.type: EventType = event_type
        self.revision = revision
        self.cached = cached
        self._line = line
        self._chunk: bytes | None = None
        self._presentations: dict[str, Delivery] | None = None

    @property
    def presentations(self) -> dict[str, Delivery]:
        """The same event as other versions present it, by ``apiVersion``; what is put there is kept."""
        if self._presentations is None:
            self._presentations = {}
        return self._presentations

    @property
    def size(self) -> int:
        """Bytes that the event keeps in memory, about."""
        return len(self.cached.item) if self.cached is not None else 0

    @property
    def line(self) -> bytes:
        """The event's line of a JSON watch, newline included; encoded once."""
        if self._line is None:
            self._line = b"".join(self._parts())
        return self._line

    @property
    def chunk(self) -> bytes:
        """:attr:`line` as a chunk of an HTTP/1.1 body; encoded once until :meth:`forget_chunk`."""
        if self._chunk is None:
            parts = self._parts() if self._line is None else (self._line,)
            self._chunk = b"".join((b"%x\r\n" % sum(map(len, parts)), *parts, b"\r\n"))
        return self._chunk

    def forget_chunk(self) -> None:
        """Frees what the watchers of the moment have shared; whoever comes later encodes it anew."""
        self._chunk = None
        for presentation in (self._presentations or {}).values():
            presentation.forget_chunk()

    def _parts(self) -> tuple[bytes | memoryview, ...]:
        shown = cast(Cached, self.cached)
        opening = b'{"type":"%s","object":' % self.type.encode()
        return opening, shown.head, memoryview(shown.item)[1:], b"}\n"


class CacheEvent:
    """One write to one object: the state before and after it, either of which may be None, and its revision."""

    __slots__ = ("_deliveries", "after", "before", "revision")

    def __init__(self, before: Cached | None, after: Cached | None, revision: int) -> None:
        self.before = before
        self.after = after
        self.revision = revision
        self._deliveries: dict[EventType, Delivery] = {}

    @property
    def namespace(self) -> str:
        """The object's namespace."""
        return cast(Cached, self.after or self.before).namespace

    @property
    def name(self) -> str:
        """The object's name."""
        return cast(Cached, self.after or self.before).name

    @property
    def size(self) -> int:
        """Bytes that the event keeps in memory, about."""
        return len(cast(Cached, self.after or self.before).item)

    def delivery(self, matches: Callable[[Cached], bool] | None) -> Delivery | None:
        """What a watcher with that selector is told; None where neither state is selected.

        An object that comes to be selected is ADDED, one that ceases to be is DELETED with its former state and this
        event's revision, as upstream's cacher does.
        """
        before, after = self.before, self.after
        was = before is not None and (matches is None or matches(before))
        now = after is not None and (matches is None or matches(after))
        if now:
            return self._shared("MODIFIED" if was else "ADDED")
        return self._shared("DELETED") if was else None

    def forget_chunks(self) -> None:
        """Frees what its deliveries have encoded for the watchers of the moment."""
        for delivery in self._deliveries.values():
            delivery.forget_chunk()

    def _shared(self, event_type: EventType) -> Delivery:
        delivery = self._deliveries.get(event_type)
        if delivery is None:
            shown = cast(Cached, self.before).at_revision(self.revision) if event_type == "DELETED" else self.after
            delivery = self._deliveries[event_type] = Delivery(event_type, self.revision, shown)
        return delivery
