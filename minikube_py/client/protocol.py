"""The client protocol that every component is written against.

Two implementations stand under one contract test: :mod:`minikube_py.client.http` and
:mod:`minikube_py.client.fake`. Every method raises :class:`minikube_py.api.errors.ApiError` for an answer
that is not a success and :class:`ConnectionFailed` where there was no answer at all.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource


class ConnectionFailed(Exception):
    """The API server could not be reached or the connection broke; the same request may be tried again."""


class PatchType(enum.Enum):
    """The content types of a patch."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A LIST's items, each with ``apiVersion`` and ``kind`` filled in, and the revision they are from."""

    items: list[Object]
    resource_version: str
    continue_token: str = ""


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One line of a watch; an ERROR line is raised as the ApiError that it tells of, never yielded."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Object


class Client(Protocol):
    """Reads and writes through the API server's public HTTP API.

    An empty ``namespace`` means all namespaces for list and watch; for a write it means the namespace in the
    object's metadata. Objects returned always carry ``apiVersion`` and ``kind``.
    """

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """One object, linearizable. Raises NotFound."""
        ...

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
        """One page of the collection; without ``resource_version`` it is linearizable, with "0" from the cache."""
        ...

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        timeout_seconds: int = 300,
    ) -> AsyncIterator[WatchEvent]:
        """Events after ``resource_version``, bookmarks included; ends without error when the server closes it.

        Raises Expired where that revision is gone: list again.
        """
        ...

    async def create(self, resource: Resource, obj: Object, *, namespace: str = "") -> Object:
        """The object as stored. Raises AlreadyExists, Invalid, Forbidden."""
        ...

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """The object as stored; compare-and-swap on ``metadata.resourceVersion`` where it is set. Raises Conflict."""
        ...

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
        """The object as stored."""
        ...

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
        """Deletes, or begins to; ``uid`` and ``resource_version`` are preconditions. Raises NotFound, Conflict."""
        ...

    async def post(
        self, resource: Resource, name: str, subresource: str, body: Object, *, namespace: str = ""
    ) -> Object:
        """POSTs ``body`` to a subresource (``binding``, ``token``, ``eviction``)."""
        ...

    async def close(self) -> None:
        """Ends every connection."""
        ...
