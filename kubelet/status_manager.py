"""Writes pods' statuses to the API: the newest one only, when it differs, for as long as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from kubelet.conditions import OWNED
from minikube_py.api.errors import ApiError, Conflict, NotFound
from minikube_py.api.meta import Object, key_of, name_of, namespace_of, resource_version_of, uid_of
from minikube_py.api.resources import PODS
from minikube_py.client.protocol import Client, ConnectionFailed
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.tasks import Tasks

log = structlog.get_logger("kubelet")

MOST_WRITES = 16
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 30.0
_VANISHING = ("reason", "message", "podIP", "startTime")


@dataclass(slots=True)
class _Entry:
    pod: Object
    status: Object
    written: Object | None = None
    revision: int = 0
    """The highest revision that holds what was written."""
    task: asyncio.Task[None] | None = None


class StatusManager:
    """Holds the status of every pod of the node. ``on_written(pod_uid)`` is called when the API has the newest one."""

    def __init__(self, client: Client, clock: Clock, tasks: Tasks, on_written: Callable[[str], None]) -> None:
        self._client = client
        self._clock = clock
        self._tasks = tasks
        self._on_written = on_written
        self._entries: dict[str, _Entry] = {}
        self._writes = asyncio.Semaphore(MOST_WRITES)

    def set(self, pod: Object, status: Object) -> None:
        """Takes a pod's newest status; returns at once."""
        uid = uid_of(pod)
        entry = self._entries.get(uid)
        if entry is None:
            entry = self._entries[uid] = _Entry(pod, status, owned_status(pod.get("status") or {}))
        entry.pod, entry.status = pod, status
        self._write_soon(uid, entry)

    def observe(self, pod: Object) -> None:
        """Takes what the API shows; a status that somebody else has changed is written again."""
        entry = self._entries.get(uid_of(pod))
        # An equal revision is our own write coming back: what the server made of it is not argued with.
        if entry is None or entry.task is not None or resource_version_of(pod) <= entry.revision:
            return
        shown = owned_status(pod.get("status") or {})
        entry.written = entry.status if shows(shown, entry.status) else shown
        entry.revision = resource_version_of(pod)
        self._write_soon(uid_of(pod), entry)

    def is_written(self, pod_uid: str) -> bool:
        """Whether the API has the newest status."""
        entry = self._entries.get(pod_uid)
        return entry is None or (entry.task is None and entry.written == entry.status)

    def forget(self, pod_uid: str) -> None:
        """Drops a pod that is gone."""
        entry = self._entries.pop(pod_uid, None)
        if entry is not None and entry.task is not None:
            entry.task.cancel()

    def _write_soon(self, uid: str, entry: _Entry) -> None:
        if entry.task is None and entry.written != entry.status:
            entry.task = self._tasks.start(f"pod-status-{name_of(entry.pod)}", self._write(uid, entry))

    async def _write(self, uid: str, entry: _Entry) -> None:
        delay = FIRST_RETRY_SECONDS
        while entry.written != entry.status:
            status = entry.status
            try:
                async with self._writes:
                    answer = await self._client.patch(
                        PODS,
                        name_of(entry.pod),
                        status_patch(uid, status, entry.written or {}),
                        namespace=namespace_of(entry.pod),
                        subresource="status",
                    )
            except (NotFound, Conflict):
                entry.written = status
                break
            except (ApiError, ConnectionFailed) as error:
                if not isinstance(error, ConnectionFailed) and not error.retriable:
                    log.error("Pod status was refused", pod=key_of(entry.pod), error=str(error))
                await self._clock.sleep(delay)
                delay = min(delay * 2, LONGEST_RETRY_SECONDS)
                continue
            delay = FIRST_RETRY_SECONDS
            entry.written = status
            entry.revision = resource_version_of(answer)
        entry.task = None
        self._on_written(uid)


def owned_status(status: Object) -> Object:
    """The part of a pod's status in the API that the kubelet writes, in the form in which it writes it."""
    owned = {key: value for key, value in status.items() if key not in ("conditions", "nominatedNodeName")}
    owned["conditions"] = [
        {"lastProbeTime": None, **condition}
        for condition in status.get("conditions") or []
        if condition["type"] in OWNED
    ]
    return owned


def shows(shown: Any, wanted: Any) -> bool:
    """Whether ``shown`` has everything of ``wanted``; nulls and the server's additions do not matter. Pure."""
    if shown is None and not wanted:
        return True
    if isinstance(wanted, dict):
        return isinstance(shown, dict) and all(
            shows(shown.get(key), value) for key, value in wanted.items() if value is not None
        )
    if isinstance(wanted, list):
        return (
            isinstance(shown, list)
            and len(shown) == len(wanted)
            and all(shows(a, b) for a, b in zip(shown, wanted, strict=True))
        )
    return bool(shown == wanted)


def status_patch(uid: str, new: Object, old: Object) -> Object:
    """The strategic merge patch that makes the API show ``new``; it fails for another pod of the same name. Pure."""
    status: dict[str, Any] = {key: value for key, value in new.items() if old.get(key) != value}
    if "conditions" in status:
        status["conditions"] = [{"reason": None, "message": None, **condition} for condition in new["conditions"]]
    for key in _VANISHING:
        if key in old and key not in new:
            status[key] = None
    for key in ("podIPs", "hostIPs"):
        before = {entry["ip"] for entry in old.get(key) or []}
        gone = before - {entry["ip"] for entry in new.get(key) or []}
        if gone:
            status[key] = [{"ip": ip, "$patch": "delete"} for ip in sorted(gone)] + list(new.get(key) or [])
    return {"metadata": {"uid": uid}, "status": status}
