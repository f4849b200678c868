"""What the fake API server remembers: objects, the revision, and the changes that watches follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from minikube_py.api.errors import Expired
from minikube_py.api.meta import Object, key_of, labels_of, namespace_of
from minikube_py.api.resources import Resource
from minikube_py.api.selectors import FieldSelector, LabelSelector
from minikube_py.client.protocol import WatchEvent

HISTORY = 100_000


@dataclass(frozen=True, slots=True)
class Filter:
    """What a LIST or WATCH asks for."""

    namespace: str
    labels: LabelSelector
    fields: FieldSelector

    @classmethod
    def parse(cls, namespace: str, label_selector: str, field_selector: str) -> Filter:
        """From the request's parameters. Raises ValueError."""
        return cls(namespace, LabelSelector.parse(label_selector), FieldSelector.parse(field_selector))

    def matches(self, obj: Object | None) -> bool:
        """Whether the object is there and asked for."""
        return (
            obj is not None
            and (not self.namespace or namespace_of(obj) == self.namespace)
            and self.labels.matches(labels_of(obj))
            and self.fields.matches(lambda path: field_text(obj, path))
        )


def field_text(obj: Object, path: str) -> str:
    """The text of a field by its dotted path, empty where it is absent; any field can be selected on here."""
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class Change:
    """One write: what was there before it and after it."""

    revision: int
    resource: Resource
    old: Object | None
    new: Object | None


class FakeStore:
    """Objects by kind and key, one revision for all, and the history that watches read."""

    def __init__(self) -> None:
        self.revision = 1
        self._oldest = 1
        self._objects: dict[tuple[str, str], dict[str, Object]] = {}
        self._history: list[Change] = []
        self._woken = asyncio.Event()
        self._bookmarks = 0

    def objects(self, resource: Resource) -> dict[str, Object]:
        """The kind's objects by key."""
        return self._objects.setdefault((resource.group, resource.plural), {})

    def select(self, resource: Resource, wanted: Filter) -> list[Object]:
        """Copies of the objects asked for, in order of their keys."""
        objects = self.objects(resource)
        return [deepcopy(objects[key]) for key in sorted(objects) if wanted.matches(objects[key])]

    def commit(self, resource: Resource, old: Object | None, new: Object | None) -> Object:
        """Writes: creates, replaces, or (``new`` is None) removes; returns a copy of what was stored or removed."""
        last = new if new is not None else old
        assert last is not None
        self.revision += 1
        stored = deepcopy(last)
        stored["metadata"]["resourceVersion"] = str(self.revision)
        if new is None:
            del self.objects(resource)[key_of(stored)]
            self._record(Change(self.revision, resource, stored, None))
        else:
            self.objects(resource)[key_of(stored)] = stored
            self._record(Change(self.revision, resource, old, stored))
        return deepcopy(stored)

    def forget_history(self) -> None:
        """A watch from any revision before the present one is Expired."""
        self._history.clear()
        self._oldest = self.revision
        self.wake()

    def send_bookmarks(self) -> None:
        """Every watch sends a bookmark."""
        self._bookmarks += 1
        self.wake()

    def wake(self) -> None:
        """Lets every watch look again."""
        self._woken.set()
        self._woken = asyncio.Event()

    async def watch(
        self, resource: Resource, wanted: Filter, revision: int, ended: asyncio.Event
    ) -> AsyncIterator[WatchEvent]:
        """Events after ``revision``; once ``ended`` is set, a bookmark and the end. Raises Expired."""
        bookmarks = self._bookmarks
        while True:
            woken = self._woken
            if revision < self._oldest:
                raise Expired(f"too old resource version: {revision} ({self._oldest})")
            changes = self._history[revision - self._oldest :]
            for change in changes:
                revision = change.revision
                event = _event(change, resource, wanted)
                if event is not None:
                    yield event
            if changes:
                continue
            if bookmarks != self._bookmarks or ended.is_set():
                bookmarks = self._bookmarks
                yield WatchEvent("BOOKMARK", _bookmark(resource, revision))
            if ended.is_set():
                return
            await woken.wait()

    def _record(self, change: Change) -> None:
        self._history.append(change)
        if len(self._history) > HISTORY:
            dropped = len(self._history) // 2
            self._oldest = self._history[dropped - 1].revision
            del self._history[:dropped]
        self.wake()


def _event(change: Change, resource: Resource, wanted: Filter) -> WatchEvent | None:
    """The change as this watch sees it: an object that comes to match is ADDED, one that ceases to is DELETED."""
    if change.resource.group != resource.group or change.resource.plural != resource.plural:
        return None
    before, after = wanted.matches(change.old), wanted.matches(change.new)
    if after:
        assert change.new is not None
        return WatchEvent("MODIFIED" if before else "ADDED", deepcopy(change.new))
    if not before:
        return None
    assert change.old is not None
    gone = deepcopy(change.old)
    gone["metadata"]["resourceVersion"] = str(change.revision)
    return WatchEvent("DELETED", gone)


def _bookmark(resource: Resource, revision: int) -> Object:
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"resourceVersion": str(revision), "creationTimestamp": None},
    }
