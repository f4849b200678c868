"""Create it, or put it right: the one way in which bootstrap writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from apiserver.context import UserInfo
from apiserver.core import Core, Operation
from apiserver.handlers.create import create_object
from apiserver.handlers.update import prepare
from apiserver.writes import guaranteed_update
from minikube_py.api.errors import AlreadyExists
from minikube_py.api.meta import Object, join_key, name_of, namespace_of
from minikube_py.api.resources import Resource

SERVER = UserInfo("system:apiserver", groups=("system:masters", "system:authenticated"))
"""Who the server is where it writes for itself."""


AT_ONCE = 16
"""How many objects are written at the same time."""


async def ensure_all(writes: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Does them all, sixteen at a time. Raises what the first that fails raises."""
    waiting = iter(writes)

    async def work() -> None:
        for write in waiting:
            await write

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(AT_ONCE):
                group.create_task(work(), name=f"bootstrap-{number}")
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def ensure(core: Core, resource: Resource, obj: Object, merge: Callable[[Object], Object] | None = None) -> None:
    """Creates ``obj`` if there is none; else stores what ``merge`` makes of the present one (None: leaves it).

    Safe with several servers at once. Raises ApiError, StoreError.
    """
    operation = Operation(core, SERVER, resource, namespace_of(obj), name_of(obj))
    present = core.caches[resource].get(join_key(operation.namespace, operation.name))
    if present is None:
        try:
            await create_object(operation, obj)
            return
        except AlreadyExists:
            pass
    if merge is None:
        return
    change = merge

    async def transform(old: Object) -> Object:
        new = change(old)
        return old if new == old else await prepare(operation, new, old)

    await guaranteed_update(operation, transform)
