"""Remembers a controller's own writes until its informers have seen them.

A controller that decides on a copy that lacks its own last write does it again: two pods too many, a status put back.
So a key whose writes are not all seen is held back, and let go by the very event that brings the last of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from minikube_py.api.meta import Object, is_deleting, join_key, key_of, resource_version_of, uid_of
from minikube_py.api.resources import Resource
from minikube_py.runtime.clock import Clock, Timer
from minikube_py.runtime.informer import Informer

HOLD_LIMIT_SECONDS = 30.0

log = structlog.get_logger("controller")


@dataclass(slots=True)
class _Unseen:
    """What one key waits for in one informer: written objects by revision, deleted ones by uid."""

    written: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, str] = field(default_factory=dict)

    def drop_seen(self, informer: Informer) -> None:
        if self.written:
            self.written = {
                key: revision
                for key, revision in self.written.items()
                if informer.revision < revision and _revision(informer.get(key)) < revision
            }
        if self.deleted:
            self.deleted = {key: uid for key, uid in self.deleted.items() if _is_alive(informer.get(key), uid)}

    @property
    def empty(self) -> bool:
        return not self.written and not self.deleted


class Writes:
    """Which keys wait for which writes; ``informers`` are those whose copies the controller decides on.

    Writes to a kind that has no informer here are not waited for. No key is held for more than 30 s: by then
    deciding on what is known is better than not deciding.
    """

    def __init__(self, clock: Clock, *informers: Informer) -> None:
        self._clock = clock
        self._informers = {_id(informer.resource): informer for informer in informers}
        self._unseen: dict[tuple[str, str], dict[str, _Unseen]] = {id_: {} for id_ in self._informers}
        self._released: dict[str, tuple[Callable[[], None], Timer]] = {}
        for id_, informer in self._informers.items():
            informer.add_observer(lambda id_=id_: self._observe(id_))  # type: ignore[misc]

    def record(self, key: str, resource: Resource, written: Object) -> None:
        """The work on ``key`` has created or changed ``written``, which is as the server returned it."""
        revision = resource_version_of(written)
        if (unseen := self._of(key, resource)) is not None and revision:
            unseen.written[key_of(written)] = revision

    def record_delete(self, key: str, resource: Resource, deleted: Object) -> None:
        """The work on ``key`` has deleted ``deleted``, given as it was known; seen when it is gone or going."""
        if (unseen := self._of(key, resource)) is not None:
            unseen.deleted[key_of(deleted)] = uid_of(deleted)

    def record_delete_by_name(self, key: str, resource: Resource, namespace: str, name: str, uid: str) -> None:
        """As :meth:`record_delete`, of an object that is not at hand."""
        if (unseen := self._of(key, resource)) is not None:
            unseen.deleted[join_key(namespace, name)] = uid

    def holds(self, key: str) -> bool:
        """Whether a write of the work on ``key`` was not seen yet."""
        held = False
        for id_, waiting in self._unseen.items():
            if (unseen := waiting.get(key)) is not None:
                unseen.drop_seen(self._informers[id_])
                if unseen.empty:
                    del waiting[key]
                else:
                    held = True
        return held

    def when_seen(self, key: str, release: Callable[[], None]) -> None:
        """Calls ``release`` once :meth:`holds` is no longer so, in 30 s at the latest."""
        if key not in self._released:
            timer = self._clock.call_later(HOLD_LIMIT_SECONDS, lambda: self._give_up(key))
            self._released[key] = (release, timer)

    def _of(self, key: str, resource: Resource) -> _Unseen | None:
        waiting = self._unseen.get(_id(resource))
        return None if waiting is None else waiting.setdefault(key, _Unseen())

    def _observe(self, id_: tuple[str, str]) -> None:
        if self._released:
            for key in [key for key in self._unseen[id_] if key in self._released]:
                if not self.holds(key):
                    self._release(key)

    def _give_up(self, key: str) -> None:
        log.warning("Own writes not seen", key=key, seconds=HOLD_LIMIT_SECONDS)
        for waiting in self._unseen.values():
            waiting.pop(key, None)
        self._release(key)

    def _release(self, key: str) -> None:
        release, timer = self._released.pop(key)
        timer.cancel()
        release()


def _id(resource: Resource) -> tuple[str, str]:
    return resource.group, resource.plural


def _revision(obj: Object | None) -> int:
    return 0 if obj is None else resource_version_of(obj)


def _is_alive(obj: Object | None, uid: str) -> bool:
    return obj is not None and uid_of(obj) == uid and not is_deleting(obj)
