"""An API server in memory, for tests of controllers, the scheduler, the kubelet and the proxy.

It keeps the promises that :mod:`minikube_py.client.protocol` makes and those parts of a real server's behaviour that
its clients depend on: optimistic locking, the split of ``status`` from the rest, generations, finalizers, graceful
deletion of pods, bindings, watches. It has no admission, defaults, validation, or garbage collection.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal, Protocol

from minikube_py.api import errors, names
from minikube_py.api.meta import (
    Object,
    generation_of,
    is_deleting,
    join_key,
    key_of,
    metadata,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.api.resources import NAMESPACES, NODES, PODS, Resource
from minikube_py.api.times import format_time
from minikube_py.client.fake_deletion import begin_deletion, is_ready_to_go
from minikube_py.client.fake_store import FakeStore, Filter
from minikube_py.client.fake_update import patched, split_update
from minikube_py.client.protocol import ObjectList, PatchType, WatchEvent

if TYPE_CHECKING:
    from datetime import datetime


class Timer(Protocol):
    """What :class:`ClientClock` gives for a callback."""

    def cancel(self) -> None:
        """The callback will not be called."""
        ...


class ClientClock(Protocol):
    """The part of :class:`minikube_py.runtime.clock.Clock` that is used here."""

    def now(self) -> datetime:
        """The time of day."""
        ...

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Calls back when the time has come."""
        ...


@dataclass(frozen=True, slots=True)
class Action:
    """One request that the fake received, successful or not."""

    verb: str
    resource: Resource
    namespace: str
    name: str
    subresource: str = ""
    body: Any = None


Reaction = Callable[[Action], None]
"""Called before the request is served; what it raises is the answer."""


class FakeClient:
    """A :class:`minikube_py.client.protocol.Client` that is its own server.

    Beyond the protocol: :meth:`seed` puts objects there as they are, :meth:`objects` reads without asking,
    :attr:`actions` tells what was asked for, :meth:`react` makes requests fail.
    """

    def __init__(self, clock: ClientClock, *, seed: int = 0) -> None:
        self._clock = clock
        self._store = FakeStore()
        self._random = Random(seed)
        self._uids = itertools.count(1)
        self._reactions: list[tuple[str, Resource | None, Reaction]] = []
        self.actions: list[Action] = []

    # --- for tests ---

    def seed(self, resource: Resource, *objects: Object) -> list[Object]:
        """Creates or replaces the objects as they are, ``status`` included; only what metadata lacks is filled in."""
        stored = []
        for given in objects:
            obj = self._filled_in(resource, deepcopy(given), namespace_of(given))
            stored.append(self._store.commit(resource, self._store.objects(resource).get(key_of(obj)), obj))
        return stored

    def remove(self, resource: Resource, name: str, namespace: str = "") -> None:
        """Removes the object at once, finalizers or not."""
        self._store.commit(resource, self._present(resource, name, namespace), None)

    def objects(self, resource: Resource, namespace: str = "") -> list[Object]:
        """Copies of what is stored, in order of the keys; not recorded as an action."""
        return self._store.select(resource, Filter.parse(namespace, "", ""))

    def object(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        """A copy of the one object, or None."""
        found = self._store.objects(resource).get(join_key(namespace, name))
        return None if found is None else deepcopy(found)

    def writes(self) -> list[Action]:
        """The actions that are not reads."""
        return [action for action in self.actions if action.verb not in ("get", "list", "watch")]

    def react(self, verb: str, resource: Resource | None, reaction: Reaction) -> Callable[[], None]:
        """Calls ``reaction`` before such requests (``*`` and None are any); returns what ends that."""
        entry = (verb, resource, reaction)
        self._reactions.append(entry)
        return lambda: self._reactions.remove(entry)

    def fail_next(self, verb: str, resource: Resource | None, error: Exception) -> None:
        """The next such request raises ``error``."""

        def fail(action: Action) -> None:
            end()
            raise error

        end = self.react(verb, resource, fail)

    def expire_history(self) -> None:
        """Watches from before now raise Expired."""
        self._store.forget_history()

    def send_bookmarks(self) -> None:
        """Every watch gets a bookmark."""
        self._store.send_bookmarks()

    @property
    def revision(self) -> int:
        """The revision of the latest write."""
        return self._store.revision

    # --- the protocol ---

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """One object. Raises NotFound."""
        await self._asked(Action("get", resource, namespace, name))
        return deepcopy(self._present(resource, name, namespace))

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str = "",
        limit: int = 0,
        continue_token: str = "",
    ) -> ObjectList:
        """One page of the collection; a token holds no revision, so later pages are of the present state."""
        await self._asked(Action("list", resource, namespace, ""))
        items = self._store.select(resource, _filter(namespace, label_selector, field_selector))
        start = int(continue_token or 0)
        end = start + limit if limit else len(items)
        token = str(end) if end < len(items) else ""
        return ObjectList(items[start:end], str(self._store.revision), token)

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        timeout_seconds: int = 300,
    ) -> AsyncIterator[WatchEvent]:
        """Events after ``resource_version``; from "" or "0" first everything there is. Raises Expired."""
        await self._asked(Action("watch", resource, namespace, ""))
        wanted = _filter(namespace, label_selector, field_selector)
        revision = int(resource_version or 0)
        if not revision:
            revision = self._store.revision
            for obj in self._store.select(resource, wanted):
                yield WatchEvent("ADDED", obj)
        ended = asyncio.Event()

        def end() -> None:
            ended.set()
            self._store.wake()

        timer = self._clock.call_later(timeout_seconds, end)
        try:
            async for event in self._store.watch(resource, wanted, revision, ended):
                yield event
        finally:
            timer.cancel()

    async def create(self, resource: Resource, obj: Object, *, namespace: str = "") -> Object:
        """The object as stored; its status is dropped, a Node's excepted. Raises AlreadyExists."""
        target = namespace or namespace_of(obj)
        await self._asked(Action("create", resource, target, name_of(obj), body=deepcopy(obj)))
        new = self._filled_in(resource, deepcopy(obj), target)
        if resource.subresource("status") is not None and resource != NODES:
            new.pop("status", None)
        if resource == PODS:
            new["status"] = {"phase": "Pending"}
        elif resource == NAMESPACES:
            new.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
            new["status"] = {"phase": "Active"}
        if key_of(new) in self._store.objects(resource):
            raise errors.already_exists(resource.group, resource.plural, name_of(new))
        return self._store.commit(resource, None, new)

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """The object as stored. Raises NotFound, Conflict."""
        namespace, name = namespace_of(obj), name_of(obj)
        await self._asked(Action("update", resource, namespace, name, subresource, deepcopy(obj)))
        return self._replace(resource, self._present(resource, name, namespace), deepcopy(obj), subresource)

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        *,
        namespace: str = "",
        patch_type: PatchType = PatchType.STRATEGIC,
        subresource: str = "",
    ) -> Object:
        """The object as stored. Raises NotFound, and Conflict where the patch names another resourceVersion."""
        await self._asked(Action("patch", resource, namespace, name, subresource, deepcopy(patch)))
        old = self._present(resource, name, namespace)
        return self._replace(resource, old, patched(resource, old, patch, patch_type), subresource)

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        grace_period_seconds: int | None = None,
        propagation_policy: Literal["", "Background", "Foreground", "Orphan"] = "",
        uid: str = "",
        resource_version: str = "",
    ) -> Object:
        """The object's last state, or how it waits for finalizers or its grace period. Raises NotFound, Conflict."""
        body = {"gracePeriodSeconds": grace_period_seconds, "propagationPolicy": propagation_policy}
        await self._asked(Action("delete", resource, namespace, name, body=body))
        old = self._present(resource, name, namespace)
        for what, expected, found, advice in (
            ("UID", uid, uid_of(old), "deleted and then recreated"),
            ("ResourceVersion", resource_version, metadata(old)["resourceVersion"], "modified"),
        ):
            if expected and expected != found:
                cause = (
                    f"the {what} in the precondition ({expected}) does not match the {what} in record ({found}). "
                    f"The object might have been {advice}"
                )
                raise errors.conflict(resource.group, resource.plural, name, cause)
        new = begin_deletion(resource, old, self._clock.now(), grace_period_seconds, propagation_policy)
        if is_ready_to_go(resource, new):
            return self._store.commit(resource, old, None)
        return deepcopy(old) if new == old else self._store.commit(resource, old, new)

    async def post(
        self, resource: Resource, name: str, subresource: str, body: Object, *, namespace: str = ""
    ) -> Object:
        """Binds or evicts a pod, or makes a token; other subresources are MethodNotAllowed."""
        await self._asked(Action("create", resource, namespace, name, subresource, deepcopy(body)))
        old = self._present(resource, name, namespace)
        match subresource:
            case "binding":
                self._bind(old, body)
            case "eviction":
                new = begin_deletion(resource, old, self._clock.now(), None, "")
                self._store.commit(resource, old, None if is_ready_to_go(resource, new) else new)
            case "token":
                return body | {"status": {"token": f"token-of-{namespace}-{name}"}}
            case _:
                raise errors.method_not_supported(resource.group, f"{resource.plural}/{subresource}", "create")
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}

    async def close(self) -> None:
        """Nothing is open."""

    # --- how ---

    async def _asked(self, action: Action) -> None:
        await asyncio.sleep(0)
        self.actions.append(action)
        for verb, resource, reaction in list(self._reactions):
            if verb in ("*", action.verb) and resource in (None, action.resource):
                reaction(action)

    def _present(self, resource: Resource, name: str, namespace: str) -> Object:
        found = self._store.objects(resource).get(join_key(namespace, name))
        if found is None:
            raise errors.not_found(resource.group, resource.plural, name)
        return found

    def _filled_in(self, resource: Resource, obj: Object, namespace: str) -> Object:
        meta = obj.setdefault("metadata", {})
        if resource.namespaced:
            meta["namespace"] = namespace or "default"
        if not meta.get("name"):
            if not meta.get("generateName"):
                raise errors.invalid(
                    resource.group,
                    resource.kind,
                    "",
                    [errors.field_required("metadata.name", "name or generateName is required")],
                )
            meta["name"] = names.generate_name(meta["generateName"], self._random)
        meta.setdefault("uid", f"00000000-0000-4000-8000-{next(self._uids):012d}")
        meta.setdefault("creationTimestamp", format_time(self._clock.now()))
        if resource.has_generation:
            meta.setdefault("generation", 1)
        obj.setdefault("apiVersion", resource.api_version)
        obj.setdefault("kind", resource.kind)
        return obj

    def _replace(self, resource: Resource, old: Object, given: Object, subresource: str) -> Object:
        name = name_of(old)
        if subresource and resource.subresource(subresource) is None:
            raise errors.method_not_supported(resource.group, f"{resource.plural}/{subresource}", "update")
        if subresource not in ("", "status", "finalize"):
            raise errors.method_not_supported(resource.group, f"{resource.plural}/{subresource}", "update")
        expected = metadata(given).get("resourceVersion")
        if (expected and expected != metadata(old)["resourceVersion"]) or (
            uid_of(given) and uid_of(given) != uid_of(old)
        ):
            raise errors.conflict(resource.group, resource.plural, name)
        new = split_update(resource, old, given, subresource)
        if resource.has_generation and new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = generation_of(old) + 1
        if is_deleting(new) and is_ready_to_go(resource, new):
            return self._store.commit(resource, new, None)
        return deepcopy(old) if new == old else self._store.commit(resource, old, new)

    def _bind(self, old: Object, body: Object) -> None:
        assigned = old["spec"].get("nodeName")
        if assigned or is_deleting(old):
            cause = f'pod {name_of(old)} is already assigned to node "{assigned}"' if assigned else "is being deleted"
            raise errors.conflict("", "pods/binding", name_of(old), cause)
        new = deepcopy(old)
        new["spec"]["nodeName"] = body["target"]["name"]
        conditions = new.setdefault("status", {}).setdefault("conditions", [])
        conditions[:] = [condition for condition in conditions if condition["type"] != "PodScheduled"]
        conditions.append(
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": format_time(self._clock.now())},
        )
        self._store.commit(PODS, old, new)


def _filter(namespace: str, label_selector: str, field_selector: str) -> Filter:
    try:
        return Filter.parse(namespace, label_selector, field_selector)
    except ValueError as error:
        raise errors.BadRequest(str(error)) from error
