"""One pod's worker: observes, lets :mod:`kubelet.sync` decide, and has the interpreter perform.

A step is one synchronous turn of the event loop, so steps of a pod never overlap. What takes time is an operation: a
task with the key of its action, whose end wakes the worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import structlog

from kubelet import backoff, metrics
from kubelet.backoff import Backoff, BackoffPolicy
from kubelet.container_config import spec_hash
from kubelet.observation import (
    AbandonLaunches,
    Action,
    Cause,
    Failure,
    KillContainer,
    LaunchContainer,
    Observation,
    Plan,
    SetUpVolumes,
    Stop,
)
from kubelet.pod import app_containers, container_named, describe, init_containers, is_sidecar
from kubelet.pod_files import read_termination_log
from kubelet.probes.manager import ProbeTarget
from kubelet.probes.state import Kind, Result
from kubelet.runtime import ContainerState, ContainerStatus, PodSandbox, RuntimeUnavailable, SandboxConfig
from kubelet.services import PodServices
from kubelet.status import pod_status
from kubelet.status_manager import owned_status
from kubelet.sync import sync
from minikube_py.api.meta import Object, key_of, uid_of
from minikube_py.api.times import parse_time
from minikube_py.runtime.clock import Timer

log = structlog.get_logger("kubelet")

Operation = Callable[[], Coroutine[Any, Any, None]]


class Delayed(Exception):
    """An operation has failed in a way that is already told of; it may be tried again at ``retry_at``."""

    def __init__(self, message: str, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class Abandoned(Exception):
    """An operation was given up because something that it waited for did not come."""


class Interpreter(Protocol):
    """Performs actions."""

    async def perform(self, worker: PodWorker, action: Action) -> None:
        """Returns when the action's effect is there. Raises Delayed, Abandoned, RuntimeFailure."""
        ...

    async def refresh_volumes(self, worker: PodWorker) -> None:
        """Writes what changed in the volumes of a running pod."""
        ...

    async def read_last_log(self, worker: PodWorker, container: ContainerStatus) -> None:
        """Takes the end of a dead container's log for its termination message."""
        ...


class SandboxHandle:
    """A sandbox that is there or on its way: its id comes first, its network later."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.id: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ready: asyncio.Future[PodSandbox] = asyncio.get_running_loop().create_future()

    def failed(self) -> None:
        """Those who wait for the sandbox wait in vain."""
        for future in (self.id, self.ready):
            if not future.done():
                future.cancel()


class PodWorker:
    """Everything that this kubelet remembers of one pod."""

    def __init__(self, pod: Object, services: PodServices, interpreter: Interpreter) -> None:
        self.uid = uid_of(pod)
        self.pod = pod
        self.services = services
        self._interpreter = interpreter
        self.in_api = True
        self.stop: Stop | None = None
        self.status: Object = owned_status(pod.get("status") or {})
        self.started_at: datetime | None = (
            parse_time(self.status["startTime"]) if self.status.get("startTime") else None
        )
        self.operations: dict[str, tuple[Action, asyncio.Task[None]]] = {}
        self.delayed: dict[str, datetime] = {}
        self.retries: dict[str, Backoff] = {}
        self.crash_backoffs: dict[str, Backoff] = {}
        self.failures: dict[str, Failure] = {}
        self.termination_messages: dict[str, str] = {}
        self.stopped_sandboxes: frozenset[str] = frozenset()
        self.volume_paths: asyncio.Future[dict[str, Path]] | None = None
        self.volumes_gone = False
        self.volumes_stale = False
        self.sandbox: SandboxHandle | None = None
        self.kills_told: set[str] = set()
        self.finished = False
        self._seen_at = services.clock.monotonic()
        self._scheduled = False
        self._alarm: Timer | None = None
        self._renewal: Timer | None = None
        self._waiting_told: set[tuple[str, int]] = set()
        self._adopted: set[str] = set()

    # -- news -----------------------------------------------------------------------------------------------------

    def update(self, pod: Object) -> None:
        """Takes the pod as the API now has it."""
        self.pod = pod
        self.wake()

    def vanish(self) -> None:
        """The API knows the pod no more."""
        self.in_api = False
        self.wake()

    def end(self, cause: Cause, reason: str, message: str, grace_seconds: int) -> None:
        """Ends the pod by the kubelet's own decision, such as an eviction."""
        if self.stop is None:
            self.stop = Stop(cause, self.services.clock.now(), grace_seconds, reason, message)
            self.wake()

    def references_changed(self) -> None:
        """An object that the pod reads has changed: what waits for it is tried at once."""
        for key in [key for key in self.delayed if key == "volumes" or self._waits_for_configuration(key)]:
            del self.delayed[key]
        self.volumes_stale = True
        self.wake()

    def _waits_for_configuration(self, key: str) -> bool:
        failure = self.failures.get(key.removeprefix("launch/"))
        return failure is not None and failure.reason == "CreateContainerConfigError"

    def wake(self) -> None:
        """Has the worker look again, soon and once."""
        if not self._scheduled and not self.finished:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._step)

    # -- the step -------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        self._scheduled = False
        if self.finished:
            return
        try:
            observation = self.observe()
            plan = sync(observation)
            self._publish(observation, plan)
            self._follow(observation, plan)
        except Exception:
            log.exception("Pod could not be synced", pod=key_of(self.pod))
            self._wake_at(self.services.clock.now() + timedelta(seconds=backoff.RETRY.maximum))

    def observe(self) -> Observation:
        """The pod as it is known now."""
        now = self.services.clock.now()
        if self.started_at is None:
            self.started_at = now.replace(microsecond=0)
        runtime = self.services.cache.pod(self.uid)
        containers = runtime.containers if runtime is not None else ()
        for container in containers:
            self._learn(container)
        # Ephemeral containers are not among them: they have no probes, and nothing of them ever changes.
        by_name = {c["name"]: c for c in (*init_containers(self.pod), *app_containers(self.pod))}
        return Observation(
            pod=self.pod,
            now=now,
            runtime=runtime,
            in_api=self.in_api,
            stop=self.stop,
            under_way={key: action for key, (action, _) in self.operations.items()},
            delayed=dict(self.delayed),
            backoffs=dict(self.crash_backoffs),
            failures=dict(self.failures),
            probes={
                c.id: self.services.probes.results(c.id, by_name[c.name])
                for c in containers
                if c.state is ContainerState.RUNNING and c.name in by_name
            },
            spec_hashes={name: spec_hash(container) for name, container in by_name.items()},
            volumes_ready=self.volume_paths is not None and self.volume_paths.done(),
            volumes_failed=SetUpVolumes.key in self.retries,
            volumes_gone=self.volumes_gone,
            stopped_sandboxes=self.stopped_sandboxes,
            termination_messages=dict(self.termination_messages),
            started_at=self.started_at,
            previous_status=self.status,
            status_written=self.services.statuses.is_written(self.uid),
        )

    def _learn(self, container: ContainerStatus) -> None:
        """Takes over what an earlier kubelet knew, and reads the last words of what has died."""
        if container.state is ContainerState.RUNNING and container.id not in self._adopted:
            self._adopted.add(container.id)
            identity = f"docker://{container.id}"
            for status in (
                *(self.status.get("initContainerStatuses") or []),
                *(self.status.get("containerStatuses") or []),
            ):
                if status.get("containerID") == identity:
                    self.services.probes.adopt(
                        container.id, started=bool(status.get("started")), ready=bool(status.get("ready"))
                    )
        if container.state is ContainerState.EXITED and container.id not in self.termination_messages:
            message = read_termination_log(container.termination_message_host_path)
            self.termination_messages[container.id] = message
            falls_back = container.termination_message_policy == "FallbackToLogsOnError" and container.exit_code != 0
            if falls_back and not message:
                self.operate(f"message/{container.id}", lambda: self._interpreter.read_last_log(self, container))

    def _publish(self, observation: Observation, plan: Plan) -> None:
        self.stop = plan.stop
        if observation.runtime is None:
            return
        status = pod_status(observation, plan, self.services.node.host_ips)
        if status["phase"] == "Running" and self.status.get("phase") in (None, "Pending"):
            metrics.POD_START_DURATION.observe(self.services.clock.monotonic() - self._seen_at)
        if status != self.status:
            self.status = status
        if self.in_api:
            self.services.statuses.set(self.pod, status)
        for waiting in plan.waiting:
            newest = observation.newest(waiting.name)
            told = (waiting.name, newest.attempt if newest is not None else 0)
            if told not in self._waiting_told:
                self._waiting_told.add(told)
                self._tell_back_off(waiting.name)

    def _tell_back_off(self, name: str) -> None:
        container = self.container(name)
        if container is not None:
            message = f"Back-off restarting failed container {name} in pod {describe(self.pod)}"
            self.services.events.container(self.pod, container, "Warning", "BackOff", message)

    def _follow(self, observation: Observation, plan: Plan) -> None:
        self.services.probes.ensure(self.uid, self._probe_targets(observation))
        for action in plan.actions:
            if isinstance(action, LaunchContainer):
                self._advance_crash_backoff(observation, action)
            self._start(action)
        if self.volumes_stale and "volumes" not in self.operations and observation.volumes_ready and plan.stop is None:
            self.volumes_stale = False
            self.operate("refresh", lambda: self._interpreter.refresh_volumes(self))
        self._wake_at(plan.wake_at)

    def _advance_crash_backoff(self, observation: Observation, action: LaunchContainer) -> None:
        newest = observation.newest(action.name)
        if newest is not None and newest.state is ContainerState.EXITED and newest.attempt < action.attempt:
            died = newest.finished_at or observation.now
            self.crash_backoffs[action.name] = backoff.advance(
                self.crash_backoffs.get(action.name), backoff.CRASH_LOOP, died, observation.now
            )

    def _probe_targets(self, observation: Observation) -> dict[tuple[str, Kind], ProbeTarget]:
        targets: dict[tuple[str, Kind], ProbeTarget] = {}
        pod_ip = self.status.get("podIP", "")
        for container in (*init_containers(self.pod), *app_containers(self.pod)):
            current = observation.current(container["name"])
            if current is None or current.state is not ContainerState.RUNNING or current.started_at is None:
                continue
            if f"launch/{container['name']}" in observation.under_way:
                continue
            if container in init_containers(self.pod) and not is_sidecar(container):
                continue
            for kind in self._wanted_probes(observation, current):
                if container.get(kind.value):
                    target = ProbeTarget(self.pod, container, current.id, kind, pod_ip, current.started_at)
                    targets[target.key] = target
        return targets

    def _wanted_probes(self, observation: Observation, current: ContainerStatus) -> tuple[Kind, ...]:
        if self.stop is not None:
            return (Kind.READINESS,)
        if observation.results(current).startup is not Result.SUCCESS:
            return (Kind.STARTUP,)
        return (Kind.READINESS, Kind.LIVENESS)

    def _wake_at(self, when: datetime | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if when is not None:
            seconds = max(0.0, (when - self.services.clock.now()).total_seconds())
            self._alarm = self.services.clock.call_later(seconds, self.wake)

    def renew_volumes_at(self, when: datetime | None) -> None:
        """Has the volumes written anew at that time, because a token in them will end."""
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None
        if when is not None:
            seconds = max(0.0, (when - self.services.clock.now()).total_seconds())
            self._renewal = self.services.clock.call_later(seconds, self.references_changed)

    # -- operations -----------------------------------------------------------------------------------------------

    def _start(self, action: Action) -> None:
        current = self.operations.get(action.key)
        if current is not None and isinstance(action, KillContainer):
            current[1].cancel()
        self.operate(action.key, lambda: self._interpreter.perform(self, action), action)

    def operate(self, key: str, operation: Operation, action: Action | None = None) -> None:
        """Runs an operation under a key; its end wakes the worker, its failure delays the next one of that key."""
        task = self.services.tasks.start(f"{key}-{key_of(self.pod)}", self._guarded(key, operation))
        self.operations[key] = (action if action is not None else AbandonLaunches(), task)

    async def _guarded(self, key: str, operation: Operation) -> None:
        task = asyncio.current_task()
        try:
            await operation()
            self.delayed.pop(key, None)
            self.retries.pop(key, None)
        except Abandoned:
            pass
        except Delayed as delay:
            self.delayed[key] = delay.retry_at
        except RuntimeUnavailable as error:
            log.info("Operation met a runtime that does not answer", pod=key_of(self.pod), key=key, error=str(error))
            self.delayed[key] = self.retry_at(key)
            self.services.runtime_lost()
        except Exception as error:
            self.delayed[key] = self.retry_at(key)
            log.warning(
                "Operation failed", pod=key_of(self.pod), operation=key, error=f"{type(error).__name__}: {error}"
            )
        finally:
            if (current := self.operations.get(key)) is not None and current[1] is task:
                del self.operations[key]
            self.wake()

    def retry_at(self, key: str, policy: BackoffPolicy = backoff.RETRY) -> datetime:
        """When an operation that failed now may be tried again: later after each failure."""
        now = self.services.clock.now()
        self.retries[key] = backoff.advance(self.retries.get(key), policy, now, now)
        return now + timedelta(seconds=self.retries[key].delay)

    async def finished_launch(self, name: str) -> None:
        """Returns when the launch of another container, if one is under way, has ended in whatever way."""
        current = self.operations.get(f"launch/{name}")
        if current is not None:
            await asyncio.wait([current[1]])

    async def cancel_launches(self) -> None:
        """Gives up every launch and returns when they have ended."""
        launches = [task for key, (_, task) in self.operations.items() if key.startswith("launch/")]
        for task in launches:
            task.cancel()
        if launches:
            await asyncio.wait(launches)

    def close(self) -> None:
        """Ends the worker; nothing that runs is touched."""
        self.finished = True
        self._wake_at(None)
        self.renew_volumes_at(None)

    def container(self, name: str) -> Object | None:
        """The container of that name in the spec, or None."""
        return container_named(self.pod, name)
