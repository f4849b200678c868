"""Compare-and-swap writes: the loop that every change of a stored object goes through.

An attempt starts from the watch cache, which may be behind; whatever then fails, or would change nothing, is tried
again from the store before it is believed. So a change costs one round trip to etcd where nobody else writes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from apiserver.core import Operation
from apiserver.objects import encode, stored_metadata
from apiserver.storage.encoding import decode, splice
from apiserver.storage.store import RevisionMismatch
from minikube_py.api.errors import ApiError, conflict, not_found
from minikube_py.api.meta import Object, join_key, metadata

MAX_ATTEMPTS = 100
"""Attempts of a change that does not name the version it is based on."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was written, or would have been (dry run); ``deleted`` tells that it is gone now."""

    value: bytes
    revision: int
    deleted: bool = False

    @property
    def served(self) -> bytes:
        """The JSON that clients see; without a resourceVersion where nothing was ever stored (a dry run's create)."""
        return splice(self.value, self.revision) if self.revision else self.value

    def object(self) -> Object:
        """A new dictionary of what clients see."""
        obj = decode(self.value, self.revision)
        if not self.revision:
            del obj["metadata"]["resourceVersion"]
        return obj


Transform = Callable[[Object], Awaitable[Object]]
"""Makes the new object of the stored one, which it must not change; may be called several times."""


@dataclass(frozen=True, slots=True)
class _Found:
    obj: Object
    revision: int
    stale: bool = False


async def current(operation: Operation) -> Object:
    """The object as the store has it now, with its resourceVersion. Raises NotFound."""
    return (await _current(operation)).obj


async def _current(operation: Operation) -> _Found:
    found = await operation.core.store.get(operation.key)
    if found is None:
        raise missing(operation)
    return _Found(decode(found.value, found.revision), found.revision, found.stale)


def missing(operation: Operation) -> ApiError:
    """``pods "x" not found``."""
    return not_found(operation.resource.group, operation.qualified_plural, operation.name)


def is_finished(operation: Operation, obj: Object) -> bool:
    """Whether a deleted object has nothing left that keeps it: no finalizer, no grace period running."""
    meta = metadata(obj)
    return (
        bool(meta.get("deletionTimestamp"))
        and not meta.get("finalizers")
        and not meta.get("deletionGracePeriodSeconds")
        and not operation.strategy.blocks_removal(obj)
    )


async def guaranteed_update(
    operation: Operation, transform: Transform, *, max_attempts: int = MAX_ATTEMPTS, may_remove: bool = True
) -> Stored:
    """Changes a stored object, trying again when somebody else wrote in between; a change of nothing writes nothing.

    An object whose deletion has begun is removed when ``transform`` takes away the last thing that kept it.
    Raises NotFound, Conflict after ``max_attempts``, and what ``transform`` raises.
    """
    cached = operation.core.caches[operation.resource].latest(join_key(operation.namespace, operation.name))
    is_current = cached is None
    found = await _current(operation) if cached is None else _Found(cached.object, cached.revision)
    for _ in range(max_attempts):
        try:
            new = await transform(found.obj)
        except ApiError as error:
            await operation.take_back(error)
            if is_current:
                raise
            found, is_current = await _current(operation), True
            continue
        if is_same(new, found.obj) and not found.stale:
            if is_current:
                return Stored(encode(found.obj), found.revision)
            found, is_current = await _current(operation), True
            continue
        remove = may_remove and is_finished(operation, new)
        try:
            return await _write(operation, new, found, remove=remove)
        except RevisionMismatch as mismatch:
            await operation.take_back(mismatch)
            if mismatch.current is None:
                raise missing(operation) from None
            revision = mismatch.current.revision
            found = _Found(decode(mismatch.current.value, revision), revision, mismatch.current.stale)
            is_current = True
        except BaseException as error:
            await operation.take_back(error)
            raise
    raise conflict(operation.resource.group, operation.resource.plural, operation.name)


def is_same(new: Object, old: Object) -> bool:
    """Whether storing ``new`` in place of ``old`` would change nothing but the revision."""
    return {**new, "metadata": stored_metadata(new)} == {**old, "metadata": stored_metadata(old)}


async def _write(operation: Operation, new: Object, found: _Found, *, remove: bool) -> Stored:
    core = operation.core
    if operation.dry_run:
        shown = None if remove else await core.allocation.reserve(operation, new, found.obj)
        return Stored(encode(new if shown is None else shown.obj), found.revision, deleted=remove)
    if remove:
        revision = await core.store.delete(operation.key, expected_revision=found.revision)
        await core.allocation.released(operation.resource, found.obj)
        return Stored(encode(new), revision, deleted=True)
    reservation = await core.allocation.reserve(operation, new, found.obj)
    value = encode(new if reservation is None else reservation.obj)
    try:
        revision = await core.store.update(
            operation.key, value, expected_revision=found.revision, ttl_seconds=operation.strategy.ttl_seconds
        )
    except Exception as error:
        if reservation is not None:
            await reservation.undo(error)
        raise
    if reservation is not None:
        await reservation.commit()
    note(operation, value, revision)
    return Stored(value, revision)


def note(operation: Operation, value: bytes, revision: int) -> None:
    """Lets this process go on from what it has just written, before the watch on the store tells it."""
    cache = operation.core.caches[operation.resource]
    cache.written(join_key(operation.namespace, operation.name), value, revision)
