"""The scheduler at work: hears of pods and nodes, tries pending pods one after the other, binds beside that."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from random import Random

import structlog

from minikube_py.api import pods
from minikube_py.api.meta import Object, is_deleting, labels_of, name_of, uid_of
from minikube_py.api.resources import NAMESPACES, NODES, PODS
from minikube_py.client.protocol import Client
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.events import EventRecorder
from minikube_py.runtime.informer import Informers
from minikube_py.runtime.tasks import Tasks
from scheduler import metrics
from scheduler.binding import SCHEDULER_ERROR, UNSCHEDULABLE, Binder, Outcome
from scheduler.cycle import Scheduled, Unschedulable, schedule
from scheduler.plugins.plugin import Change, ClusterEvent, Plugin
from scheduler.pod_info import DEFAULT_SCHEDULER, PodInfo
from scheduler.queue import INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS, QueuedPod, SchedulingQueue
from scheduler.snapshot import Cache

MAX_CONCURRENT_WRITES = 100

log = structlog.get_logger("scheduler")


class Scheduler:
    """Schedules the pods whose ``schedulerName`` is ``name``; :meth:`run` only while this process leads."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        informers: Informers,
        recorder: EventRecorder,
        plugins: Sequence[Plugin],
        *,
        name: str = DEFAULT_SCHEDULER,
        random: Random | None = None,
        initial_backoff: float = INITIAL_BACKOFF_SECONDS,
        max_backoff: float = MAX_BACKOFF_SECONDS,
    ) -> None:
        self.name = name
        self._clock = clock
        self._recorder = recorder
        self._plugins = tuple(plugins)
        self._random = random or Random()
        self._binder = Binder(client, clock, self._random)
        self._cache = Cache()
        self._known: dict[str, PodInfo] = {}
        self._queue = SchedulingQueue(clock, self._helps, initial_backoff=initial_backoff, max_backoff=max_backoff)
        self._writes = asyncio.Semaphore(MAX_CONCURRENT_WRITES)
        metrics.present_at_zero(name)
        informers.informer(NODES).add_handler(self._on_node)
        informers.informer(NAMESPACES).add_handler(self._on_namespace)
        informers.informer(PODS).add_handler(self._on_pod)

    @property
    def queue(self) -> SchedulingQueue:
        """The pending pods."""
        return self._queue

    async def run(self) -> None:
        """Schedules until it is cancelled, which also ends bindings under way."""
        tasks = Tasks()
        try:
            while True:
                await self._writes.acquire()
                try:
                    queued = await self._queue.pop()
                except asyncio.CancelledError:
                    self._writes.release()
                    raise
                self._try(queued, tasks)
                # Scheduling itself never waits: let informers and bindings have their turn.
                await asyncio.sleep(0)
        finally:
            await tasks.cancel_all()

    # --- one pod ---

    def _try(self, queued: QueuedPod, tasks: Tasks) -> None:
        """Decides for one pod, and starts the write that follows; that releases the semaphore."""
        pod = queued.pod
        try:
            outcome = schedule(pod, self._cache.snapshot(), self._plugins, self._random.randrange)
        except Exception as error:
            # One pod that a plugin can't cope with must not keep the others from being scheduled.
            log.exception("Scheduling failed", pod=pod.key)
            self._attempted(queued, "error")
            self._queue.fail(queued, None)
            tasks.start(f"tell {pod.key}", self._tell(pod, SCHEDULER_ERROR, str(error)))
            return
        metrics.ALGORITHM_DURATION.observe(self._clock.monotonic() - queued.popped_at)
        if isinstance(outcome, Scheduled):
            assumed = dataclasses.replace(pod, node_name=outcome.node_name)
            self._cache.assume(assumed)
            tasks.start(f"bind {pod.key}", self._bind(queued, assumed, outcome))
        else:
            self._unschedulable(queued, outcome, tasks)

    def _unschedulable(self, queued: QueuedPod, outcome: Unschedulable, tasks: Tasks) -> None:
        pod = queued.pod
        log.info("Pod unschedulable", pod=pod.key, message=outcome.message, attempts=queued.attempts)
        self._attempted(queued, "unschedulable")
        self._queue.fail(queued, outcome.rejected_by)
        self._recorder.event(pod.pod, "Warning", "FailedScheduling", outcome.message)
        tasks.start(f"tell {pod.key}", self._tell(pod, UNSCHEDULABLE, outcome.message))

    async def _tell(self, pod: PodInfo, reason: str, message: str) -> None:
        try:
            await self._binder.tell_unscheduled(pod.pod, pod.namespace, reason, message)
        finally:
            self._writes.release()

    async def _bind(self, queued: QueuedPod, assumed: PodInfo, chosen: Scheduled) -> None:
        try:
            outcome, cause = await self._binder.bind(assumed)
        except asyncio.CancelledError:
            # Whoever leads next starts from what the API server says.
            self._cache.forget(assumed.uid)
            self._queue.fail(queued, None)
            raise
        finally:
            self._writes.release()
        if outcome is Outcome.BOUND:
            self._bound(queued, assumed, chosen)
            return
        self._cache.forget(assumed.uid)
        if outcome is Outcome.GONE:
            self._queue.done(queued)
        else:
            log.warning("Binding failed", pod=assumed.key, node=assumed.node_name, error=cause)
            self._attempted(queued, "error")
            self._recorder.event(assumed.pod, "Warning", "FailedScheduling", f"running Bind plugin: {cause}")
            self._queue.fail(queued, None)
        self._queue.happened(ClusterEvent(Change.POD_DELETED, old_pod=assumed))

    def _bound(self, queued: QueuedPod, assumed: PodInfo, chosen: Scheduled) -> None:
        log.info(
            "Pod bound",
            pod=assumed.key,
            node=assumed.node_name,
            evaluated_nodes=chosen.evaluated_nodes,
            feasible_nodes=chosen.feasible_nodes,
        )
        self._attempted(queued, "scheduled")
        metrics.POD_ATTEMPTS.observe(queued.attempts)
        attempts = str(queued.attempts) if queued.attempts < 16 else "16+"
        metrics.POD_SLI_DURATION.labels(attempts).observe(self._clock.monotonic() - queued.added_at)
        self._recorder.event(
            assumed.pod, "Normal", "Scheduled", f"Successfully assigned {assumed.key} to {assumed.node_name}"
        )
        self._queue.done(queued)

    def _attempted(self, queued: QueuedPod, result: str) -> None:
        metrics.SCHEDULE_ATTEMPTS.labels(result, self.name).inc()
        seconds = self._clock.monotonic() - queued.popped_at
        metrics.ATTEMPT_DURATION.labels(result, self.name).observe(seconds)

    def _helps(self, pod: PodInfo, rejected_by: frozenset[str], event: ClusterEvent) -> bool:
        if not rejected_by:
            return True
        return any(plugin.helps(pod, event) for plugin in self._plugins if plugin.name in rejected_by)

    # --- what the informers tell ---

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._cache.remove_node(name_of(old or {}))
            change = Change.NODE_DELETED
        else:
            self._cache.set_node(new)
            change = Change.NODE_ADDED if old is None else Change.NODE_UPDATED
        metrics.CACHE_SIZE.labels("nodes").set(self._cache.node_count)
        self._queue.happened(ClusterEvent(change, old_node=old, new_node=new))

    def _on_namespace(self, old: Object | None, new: Object | None) -> None:
        self._cache.set_namespace(name_of(new or old or {}), labels_of(new) if new is not None else None)

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid_of(old) != uid_of(new)):
            self._pod_gone(old)
        if new is None:
            return
        before = self._known.get(uid_of(new))
        if pods.is_terminal(new):
            self._pod_gone(new)
        elif pods.node_name(new):
            self._pod_bound(before, PodInfo.of(new))
        else:
            self._pod_pending(before, PodInfo.of(new))
        metrics.CACHE_SIZE.labels("pods").set(self._cache.pod_count)
        metrics.CACHE_SIZE.labels("assumed_pods").set(self._cache.assumed_count)

    def _pod_gone(self, pod: Object) -> None:
        known = self._known.pop(uid_of(pod), None)
        if known is None:
            return
        self._queue.delete(known.key)
        was_here = known.node_name or self._cache.is_assumed(known.uid)
        self._cache.remove_pod(known.uid)
        if was_here:
            self._queue.happened(ClusterEvent(Change.POD_DELETED, old_pod=known))

    def _pod_bound(self, before: PodInfo | None, pod: PodInfo) -> None:
        self._known[pod.uid] = pod
        self._cache.set_pod(pod)
        if before is None or not before.node_name:
            self._queue.delete(pod.key)
            self._queue.happened(ClusterEvent(Change.POD_ADDED, new_pod=pod))
        elif before.labels != pod.labels or before.requests != pod.requests:
            self._queue.happened(ClusterEvent(Change.POD_UPDATED, old_pod=before, new_pod=pod))

    def _pod_pending(self, before: PodInfo | None, pod: PodInfo) -> None:
        self._known[pod.uid] = pod
        if pod.spec.get("schedulerName", DEFAULT_SCHEDULER) != self.name:
            return
        if is_deleting(pod.pod):
            self._queue.delete(pod.key)
        elif before is None:
            self._queue.add(pod)
        elif not self._cache.is_assumed(pod.uid):
            self._queue.update(before, pod)
