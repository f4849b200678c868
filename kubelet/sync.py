"""What a pod needs next. Pure: an observation goes in, a plan comes out.

Decisions follow upstream's ``computePodActions``, ``computeInitContainerActions`` and the pod worker's phases; the
order of effects is looser than upstream's, so that volumes, sandbox, images and containers are made side by side.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelet import backoff
from kubelet.observation import (
    Action,
    Cause,
    CrashBackoff,
    KillContainer,
    LaunchContainer,
    Observation,
    Plan,
    RemoveContainer,
    RemoveSandbox,
    SetUpVolumes,
    StartSandbox,
    Stop,
)
from kubelet.pod import (
    app_containers,
    describe,
    ephemeral_containers,
    init_containers,
    is_sidecar,
    restart_policy,
    spec_grace_period,
)
from kubelet.probes.state import Result
from kubelet.runtime import ContainerState, ContainerStatus
from kubelet.stopping import decide_stop, stopping
from minikube_py.api.meta import Object

KEPT_ATTEMPTS = 2
"""How many attempts of a container stay: the one that runs and the one whose log ``--previous`` shows."""


class Verdict(enum.Enum):
    """Where a container stands."""

    LAUNCH = "launch"
    LAUNCHING = "launching"
    BACKING_OFF = "backing off"
    RUNNING = "running"
    KILL = "kill"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what it needs: until when to wait, or why to kill and with how much grace."""

    verdict: Verdict
    until: datetime | None = None
    crash_loop: bool = False
    message: str = ""
    grace_seconds: int = 0


def sync(o: Observation) -> Plan:
    """The plan for a pod that is admitted to this node."""
    if o.runtime is None:
        return Plan(stop=o.stop)
    stop = decide_stop(o)
    if stop is None and _is_finished(o):
        stop = Stop(Cause.FINISHED, o.now, spec_grace_period(o.pod))
    if stop is not None:
        return stopping(o, stop)
    return _running(o)


def judge(o: Observation, container: Object) -> Judgement:
    """Where a container of a pod that should run stands."""
    name = container["name"]
    launch_key = f"launch/{name}"
    if launch_key in o.under_way:
        return Judgement(Verdict.LAUNCHING)
    current = o.current(name)
    if current is not None and current.state is ContainerState.RUNNING:
        return _judge_running(o, container, current)
    newest = o.newest(name)
    if newest is not None and newest.state in (ContainerState.EXITED, ContainerState.UNKNOWN):
        if current is not None and not _restarts(o.pod, container, current):
            return Judgement(Verdict.SUCCEEDED if current.exit_code == 0 else Verdict.FAILED)
        until = backoff.ends_at(o.backoffs.get(name), backoff.CRASH_LOOP, newest.finished_at or newest.created_at)
        if until is not None and until > o.now:
            return Judgement(Verdict.BACKING_OFF, until=until, crash_loop=True)
    delayed = o.delayed.get(launch_key)
    if delayed is not None and delayed > o.now:
        return Judgement(Verdict.BACKING_OFF, until=delayed)
    return Judgement(Verdict.LAUNCH)


def _restarts(pod: Object, container: Object, exited: ContainerStatus) -> bool:
    if is_sidecar(container):
        return True
    policy = restart_policy(pod)
    if policy == "Always" and container in app_containers(pod):
        return True
    return policy != "Never" and exited.exit_code != 0


def _judge_running(o: Observation, container: Object, current: ContainerStatus) -> Judgement:
    name = container["name"]
    results = o.results(current)
    grace = spec_grace_period(o.pod)
    will_restart = is_sidecar(container) or restart_policy(o.pod) != "Never"
    suffix = ", will be restarted" if will_restart else ""
    wanted = o.spec_hashes.get(name, "")
    if wanted and current.spec_hash and wanted != current.spec_hash:
        return Judgement(
            Verdict.KILL, message=f"Container {name} definition changed, will be restarted", grace_seconds=grace
        )
    for result, kind in ((results.liveness, "liveness"), (results.startup, "startup")):
        if result is Result.FAILURE:
            override = (container.get(f"{kind}Probe") or {}).get("terminationGracePeriodSeconds")
            return Judgement(
                Verdict.KILL,
                message=f"Container {name} failed {kind} probe{suffix}",
                grace_seconds=grace if override is None else int(override),
            )
    return Judgement(Verdict.RUNNING)


def is_initialized(o: Observation) -> bool:
    """Whether the init containers have been passed in this sandbox: an app container has been made in it."""
    return any(
        (current := o.current(c["name"])) is not None and current.state is not ContainerState.CREATED
        for c in app_containers(o.pod)
    )


def sidecar_started(o: Observation, container: Object) -> bool:
    """Whether a sidecar runs and its startup probe, if any, has succeeded."""
    current = o.current(container["name"])
    return (
        current is not None
        and current.state is ContainerState.RUNNING
        and f"launch/{container['name']}" not in o.under_way
        and o.results(current).startup is Result.SUCCESS
    )


def _is_finished(o: Observation) -> bool:
    """Whether every container is done for good, or an init container has failed for good."""
    if o.previous_status.get("phase") in ("Succeeded", "Failed"):
        return True
    done = (Verdict.SUCCEEDED, Verdict.FAILED)
    if all(judge(o, container).verdict in done for container in app_containers(o.pod)):
        return True
    if is_initialized(o):
        return False
    return any(
        judge(o, container).verdict is Verdict.FAILED
        for container in init_containers(o.pod)
        if not is_sidecar(container)
    )


class _Planner:
    """Gathers a plan's actions and wake-up times."""

    def __init__(self, o: Observation) -> None:
        self.o = o
        self.actions: list[Action] = []
        self.waiting: list[CrashBackoff] = []
        self.wake_at: list[datetime] = []

    def add(self, action: Action) -> bool:
        """Adds an action unless it is under way or has to wait; says whether it will be or is being done."""
        if action.key in self.o.under_way:
            return True
        delayed = self.o.delayed.get(action.key)
        if delayed is not None and delayed > self.o.now:
            self.wake_at.append(delayed)
            return False
        self.actions.append(action)
        return True

    def plan(self) -> Plan:
        return Plan(
            actions=tuple(self.actions),
            waiting=tuple(self.waiting),
            wake_at=min(self.wake_at) if self.wake_at else None,
        )


def _running(o: Observation) -> Plan:
    planner = _Planner(o)
    deadline = o.pod["spec"].get("activeDeadlineSeconds")
    if deadline is not None and o.started_at is not None:
        planner.wake_at.append(o.started_at + timedelta(seconds=int(deadline)))
    _clean(planner)
    volumes = o.volumes_ready or (planner.add(SetUpVolumes()) and not o.volumes_failed)
    sandbox = _sandbox(planner)
    if volumes and sandbox:
        _ephemeral_containers(planner)
        _containers(planner)
    elif not sandbox:
        _kill_strays(planner)
    return planner.plan()


def _sandbox(planner: _Planner) -> bool:
    """Whether a sandbox is there or on its way."""
    o = planner.o
    newest = o.sandbox
    if newest is not None and newest.ready:
        return True
    if StartSandbox.key in o.under_way:
        return True
    if o.running():
        return False
    if newest is None:
        return planner.add(StartSandbox(attempt=0))
    changed = o.runtime is not None and any(c.sandbox_id == newest.id for c in o.runtime.containers)
    return planner.add(StartSandbox(attempt=newest.attempt + 1, changed=changed))


def _kill_strays(planner: _Planner) -> None:
    """The sandbox has died under its containers: they go before a new one comes."""
    grace = timedelta(seconds=spec_grace_period(planner.o.pod))
    for container in planner.o.running():
        planner.add(KillContainer(container.id, container.name, planner.o.now + grace))


def _ephemeral_containers(planner: _Planner) -> None:
    """Each is launched once, whatever the other containers do; one that has run, or may have, is left alone."""
    o = planner.o
    known = {s["name"] for s in o.previous_status.get("ephemeralContainerStatuses") or [] if s.get("containerID")}
    for container in ephemeral_containers(o.pod):
        name = container["name"]
        newest = o.newest(name)
        if name not in known and (newest is None or newest.state is ContainerState.CREATED):
            planner.add(LaunchContainer(name, 0))


def _containers(planner: _Planner) -> None:
    o = planner.o
    initialized = is_initialized(o)
    if initialized:
        for container in init_containers(o.pod):
            if is_sidecar(container):
                _tend(planner, container)
    elif not _initialize(planner):
        return
    previous = ""
    for container in app_containers(o.pod):
        if _tend(planner, container, after=previous) in (Verdict.LAUNCH, Verdict.LAUNCHING):
            previous = container["name"]


def _initialize(planner: _Planner) -> bool:
    """Goes through the init containers in order; whether all of them have been passed."""
    o = planner.o
    for container in init_containers(o.pod):
        verdict = _tend(planner, container)
        if is_sidecar(container):
            if verdict is not Verdict.RUNNING or not sidecar_started(o, container):
                return False
        elif verdict is not Verdict.SUCCEEDED:
            return False
    return True


def _tend(planner: _Planner, container: Object, after: str = "") -> Verdict:
    """Adds what one container needs now."""
    o = planner.o
    name = container["name"]
    judgement = judge(o, container)
    match judgement.verdict:
        case Verdict.LAUNCH:
            planner.add(LaunchContainer(name, next_attempt(o, name), after))
        case Verdict.KILL:
            current = o.current(name)
            if current is not None:
                deadline = o.now + timedelta(seconds=judgement.grace_seconds)
                planner.add(KillContainer(current.id, name, deadline, judgement.message))
        case Verdict.BACKING_OFF:
            if judgement.until is not None:
                planner.wake_at.append(judgement.until)
            if judgement.crash_loop:
                delay = backoff.go_duration(o.backoffs[name].delay)
                message = f"back-off {delay} restarting failed container={name} pod={describe(o.pod)}"
                planner.waiting.append(CrashBackoff(name, message))
    return judgement.verdict


def next_attempt(o: Observation, name: str) -> int:
    """The attempt of the next launch; a container that was made but never started is made again as it was."""
    newest = o.newest(name)
    if newest is not None:
        return newest.attempt if newest.state is ContainerState.CREATED else newest.attempt + 1
    statuses = [
        *(o.previous_status.get("initContainerStatuses") or []),
        *(o.previous_status.get("containerStatuses") or []),
    ]
    known = next((s for s in statuses if s["name"] == name and s.get("containerID")), None)
    return int(known["restartCount"]) + 1 if known is not None else 0


def _clean(planner: _Planner) -> None:
    """Old attempts go, and old sandboxes that nothing kept belongs to."""
    o = planner.o
    if o.runtime is None:
        return
    seen: dict[str, int] = {}
    needed: set[str] = set()
    for container in o.runtime.containers:
        seen[container.name] = seen.get(container.name, 0) + 1
        if seen[container.name] <= KEPT_ATTEMPTS or container.state is ContainerState.RUNNING:
            needed.add(container.sandbox_id)
        elif container.state is ContainerState.EXITED:
            planner.add(RemoveContainer(container.id))
    for sandbox in o.runtime.sandboxes[1:]:
        if sandbox.id not in needed:
            planner.add(RemoveSandbox(sandbox.id))
