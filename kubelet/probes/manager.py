"""Probes running containers and keeps what is believed of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from kubelet.observation import ProbeResults
from kubelet.pod import resolved_port
from kubelet.pod_events import PodEvents
from kubelet.probes import tcp
from kubelet.probes.answer import Answer, Outcome
from kubelet.probes.http import HttpProber, http_request
from kubelet.probes.state import INITIAL, Kind, ProbeState, Result, is_final, observe, probe_spec
from kubelet.runtime import ContainerRuntime, ExecTimeout, RuntimeFailure, RuntimeUnavailable
from minikube_py.api.meta import Object, uid_of
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.tasks import Tasks

log = structlog.get_logger("kubelet")

USER_AGENT = "kube-probe/1.32"
EARLY_SECONDS = 1.0
"""Upstream notices a started container within this time; until then a probe that fails is neither counted nor told."""
EARLY_PROBES_AT = (0.0, 0.1, 0.3)
MOST_TRIES = 3
_LONGEST_OUTPUT = 10 * 1024


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """One probe of one running container."""

    pod: Object
    container: Object
    container_id: str
    kind: Kind
    pod_ip: str
    started_at: datetime

    @property
    def key(self) -> tuple[str, Kind]:
        """Each probe of a container runs once."""
        return self.container_id, self.kind


class ProbeManager:
    """Runs exactly the probes that are wanted. ``on_result(pod_uid)`` is called when a belief changes."""

    def __init__(
        self,
        runtime: ContainerRuntime,
        http: HttpProber,
        events: PodEvents,
        clock: Clock,
        tasks: Tasks,
        on_result: Callable[[str], None],
    ) -> None:
        self._runtime = runtime
        self._http = http
        self._events = events
        self._clock = clock
        self._tasks = tasks
        self._on_result = on_result
        self._states: dict[tuple[str, Kind], ProbeState] = {}
        self._running: dict[str, dict[tuple[str, Kind], asyncio.Task[None]]] = {}

    def results(self, container_id: str, container: Object) -> ProbeResults:
        """What is believed of a container; what has no probe is a success."""
        return ProbeResults(
            **{kind.title.lower(): self._believed(container_id, kind) for kind in Kind if container.get(kind.value)}
        )

    def adopt(self, container_id: str, *, started: bool, ready: bool) -> None:
        """Takes over what the API says of a container that an earlier kubelet started."""
        if started:
            self._states.setdefault((container_id, Kind.STARTUP), ProbeState(Result.SUCCESS))
        if ready:
            self._states.setdefault((container_id, Kind.READINESS), ProbeState(Result.SUCCESS))

    def ensure(self, pod_uid: str, targets: Mapping[tuple[str, Kind], ProbeTarget]) -> None:
        """Starts the probes that are wanted and do not run, and stops those that are not wanted."""
        running = self._running.setdefault(pod_uid, {})
        for key in [key for key in running if key not in targets]:
            running.pop(key).cancel()
        for key, target in targets.items():
            state = self._states.get(key)
            if key in running or (state is not None and is_final(target.kind, state)):
                continue
            name = f"probe-{target.kind.title.lower()}-{target.container_id[:12]}"
            running[key] = self._tasks.start(name, self._probe_for_ever(target))
        if not running:
            del self._running[pod_uid]

    def forget_container(self, container_id: str) -> None:
        """Drops what is believed of a container that is gone."""
        for kind in Kind:
            self._states.pop((container_id, kind), None)

    def forget(self, pod_uid: str) -> None:
        """Stops every probe of a pod and drops its states."""
        for (container_id, _), task in self._running.pop(pod_uid, {}).items():
            task.cancel()
            self.forget_container(container_id)

    def _believed(self, container_id: str, kind: Kind) -> Result:
        state = self._states.get((container_id, kind))
        return state.believed if state is not None else INITIAL[kind]

    async def _probe_for_ever(self, target: ProbeTarget) -> None:
        spec = probe_spec(target.container[target.kind.value])
        since_start = (self._clock.now() - target.started_at).total_seconds()
        if spec.initial_delay > since_start:
            await self._clock.sleep(spec.initial_delay - since_start)
        elif since_start < EARLY_SECONDS and spec.initial_delay == 0:
            await self._probe_early(target, spec.timeout)
        state = self._states.get(target.key) or ProbeState(INITIAL[target.kind])
        next_tick = self._clock.monotonic()
        while not is_final(target.kind, state):
            answer = await self._probe(target, spec.timeout)
            result = self._report(target, answer)
            if result is not None:
                before, state = state, observe(state, spec, result)
                self._states[target.key] = state
                if state.believed is not before.believed:
                    self._on_result(uid_of(target.pod))
            next_tick = max(next_tick + spec.period, self._clock.monotonic())
            await self._clock.sleep(next_tick - self._clock.monotonic())

    async def _probe_early(self, target: ProbeTarget, timeout: float) -> None:
        """Waits through the first second, but not longer than until a readiness or startup probe succeeds."""
        if target.kind is not Kind.LIVENESS:
            for at in EARLY_PROBES_AT:
                await self._sleep_until_age(target, at)
                answer = await self._probe(target, timeout)
                if answer.outcome in (Outcome.SUCCESS, Outcome.WARNING):
                    return
        await self._sleep_until_age(target, EARLY_SECONDS)

    async def _sleep_until_age(self, target: ProbeTarget, seconds: float) -> None:
        left = seconds - (self._clock.now() - target.started_at).total_seconds()
        if left > 0:
            await self._clock.sleep(left)

    def _report(self, target: ProbeTarget, answer: Answer) -> Result | None:
        title = target.kind.title
        output = answer.output[:_LONGEST_OUTPUT]
        match answer.outcome:
            case Outcome.SUCCESS:
                return Result.SUCCESS
            case Outcome.WARNING:
                self._event(target, "ProbeWarning", f"{title} probe warning: {output}")
                return Result.SUCCESS
            case Outcome.FAILURE:
                self._event(target, "Unhealthy", f"{title} probe failed: {output}")
                return Result.FAILURE
        self._event(target, "Unhealthy", f"{title} probe errored: {output}")
        return None

    def _event(self, target: ProbeTarget, reason: str, message: str) -> None:
        self._events.container(target.pod, target.container, "Warning", reason, message)

    async def _probe(self, target: ProbeTarget, timeout: float) -> Answer:
        answer = Answer(Outcome.ERROR)
        for _ in range(MOST_TRIES):
            try:
                answer = await self._probe_once(target, timeout)
            except (RuntimeFailure, ValueError) as error:
                answer = Answer(Outcome.ERROR, str(error))
            if answer.outcome is not Outcome.ERROR:
                break
        return answer

    async def _probe_once(self, target: ProbeTarget, timeout: float) -> Answer:
        probe = target.container[target.kind.value]
        if probe.get("exec"):
            return await self._exec(target.container_id, probe["exec"].get("command") or [], timeout)
        if probe.get("httpGet"):
            action = probe["httpGet"]
            port = resolved_port(target.container, action["port"])
            return await self._http.probe(http_request(action, port, target.pod_ip, USER_AGENT), timeout)
        if probe.get("tcpSocket"):
            action = probe["tcpSocket"]
            port = resolved_port(target.container, action["port"])
            return await tcp.probe(action.get("host") or target.pod_ip, port, timeout)
        if probe.get("grpc"):
            from kubelet.probes import grpc

            action = probe["grpc"]
            port, service = int(action["port"]), action.get("service") or ""
            return await grpc.probe(target.pod_ip, port, service, timeout, USER_AGENT)
        return Answer(Outcome.ERROR, "missing probe handler")

    async def _exec(self, container_id: str, command: list[str], timeout: float) -> Answer:
        try:
            result = await self._runtime.exec_sync(container_id, command, timeout)
        except ExecTimeout:
            return Answer(Outcome.FAILURE, f'command timed out: "{" ".join(command)}" timed out after {timeout:g}s')
        except RuntimeUnavailable as error:
            return Answer(Outcome.ERROR, str(error))
        output = (result.stdout + result.stderr).decode(errors="replace")
        return Answer(Outcome.SUCCESS if result.exit_code == 0 else Outcome.FAILURE, output)
