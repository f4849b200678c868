"""Events: what happened to an object, for people to read; sent without anybody waiting for it."""

from __future__ import annotations

import asyncio
from typing import Literal

import structlog

from minikube_py.api.errors import ApiError, NotFound, has_no_namespace
from minikube_py.api.meta import Object, metadata
from minikube_py.api.resources import EVENTS
from minikube_py.api.times import format_time
from minikube_py.client.protocol import Client, ConnectionFailed, PatchType
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.correlator import Correlator, Occurrence, Sent
from minikube_py.runtime.tasks import Tasks

MAX_QUEUED = 1000
MAX_TRIES = 12
RETRY_SECONDS = 10.0
DEFAULT_NAMESPACE = "default"

log = structlog.get_logger("events")


class EventRecorder:
    """Sends ``v1`` Events from one component, repeated and similar ones merged as client-go does.

    At most 1000 wait to be sent; further ones are dropped and counted in the log. While the server can't be reached an
    event is tried 12 times, 10 s apart; one that the server refuses is dropped.
    """

    def __init__(self, client: Client, component: str, clock: Clock, host: str = "") -> None:
        self._client = client
        self._component = component
        self._clock = clock
        self._host = host
        self._correlator = Correlator()
        self._queue: asyncio.Queue[Occurrence] = asyncio.Queue(MAX_QUEUED)
        self._dropped = 0
        self._last_stamp = 0

    def start(self, tasks: Tasks) -> None:
        """Begins to send."""
        tasks.start(f"{self._component} events", self._run(), critical=True)

    def event(self, obj: Object, event_type: Literal["Normal", "Warning"] | str, reason: str, message: str) -> None:
        """Queues an event about ``obj``: an object with ``apiVersion`` and ``kind``, or a reference to one.

        A ``fieldPath`` beside an object's metadata names the part that it is about.
        """
        if event_type not in ("Normal", "Warning"):
            raise ValueError(f"unknown event type {event_type!r}")
        try:
            self._queue.put_nowait(Occurrence(_reference(obj), event_type, reason, message))
        except asyncio.QueueFull:
            self._dropped += 1

    async def drain(self, timeout: float) -> None:
        """Returns when everything queued was sent or given up, or after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._queue.join()
        except TimeoutError:
            log.warning("Events not sent", events=self._queue.qsize())

    async def _run(self) -> None:
        while True:
            occurrence = await self._queue.get()
            try:
                if self._dropped:
                    log.warning("Events dropped", events=self._dropped)
                    self._dropped = 0
                merged = self._correlator.correlate(occurrence, self._clock.monotonic())
                if merged is not None:
                    await self._send_with_retries(merged)
            finally:
                self._queue.task_done()

    async def _send_with_retries(self, occurrence: Occurrence) -> None:
        for attempt in range(MAX_TRIES):
            if attempt:
                await self._clock.sleep(RETRY_SECONDS)
            try:
                await self._send(occurrence)
                return
            except ConnectionFailed as error:
                log.debug("Event not sent, trying again", reason=occurrence.reason, error=str(error))
            except ApiError as error:
                if has_no_namespace(error):
                    log.debug("Event has no namespace", reason=occurrence.reason, error=str(error))
                    return
                if not error.retriable:
                    log.warning("Event refused", reason=occurrence.reason, error=str(error))
                    return
        log.warning("Event not sent", reason=occurrence.reason, tries=MAX_TRIES)

    async def _send(self, occurrence: Occurrence) -> None:
        now = format_time(self._clock.now())
        sent = self._correlator.sent(occurrence)
        if sent is not None:
            patch = {"count": sent.count + 1, "lastTimestamp": now, "message": occurrence.message}
            try:
                await self._client.patch(
                    EVENTS, sent.name, patch, namespace=sent.namespace, patch_type=PatchType.STRATEGIC
                )
            except NotFound:
                self._correlator.forget(occurrence)
            else:
                sent.count += 1
                return
        about = occurrence.about
        namespace = about.get("namespace") or DEFAULT_NAMESPACE
        name = f"{about.get('name', '')}.{self._stamp():x}"
        source = {"component": self._component}
        if self._host:
            source["host"] = self._host
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": about,
            "reason": occurrence.reason,
            "message": occurrence.message,
            "source": source,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": occurrence.type,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }
        await self._client.create(EVENTS, event, namespace=namespace)
        self._correlator.remember(occurrence, Sent(name, namespace, now, 1))

    def _stamp(self) -> int:
        """Nanoseconds of the time of day, later than any given before, so that names differ."""
        self._last_stamp = max(int(self._clock.now().timestamp() * 1_000_000) * 1000, self._last_stamp + 1)
        return self._last_stamp


_REFERENCE_FIELDS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


def _reference(obj: Object) -> tuple[tuple[str, str], ...]:
    fields = dict(obj)
    if "metadata" in obj:
        fields |= {name: metadata(obj).get(name) for name in ("namespace", "name", "uid", "resourceVersion")}
    return tuple((name, fields[name]) for name in _REFERENCE_FIELDS if fields.get(name))
