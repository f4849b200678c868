"""How a pod ends: when it must, and in which order. Pure; the second half of :mod:`kubelet.sync`."""

from __future__ import annotations

from datetime import timedelta

from kubelet.observation import (
    AbandonLaunches,
    Action,
    Cause,
    FinishDeletion,
    Forget,
    KillContainer,
    Observation,
    Plan,
    RemoveContainer,
    RemoveSandbox,
    Stop,
    StopSandbox,
    TearDownVolumes,
)
from kubelet.pod import deletion_grace_period, init_containers, is_sidecar
from minikube_py.api.meta import is_deleting

SHORTEST_GRACE_SECONDS = 1
DEADLINE_EXCEEDED = ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")


def decide_stop(o: Observation) -> Stop | None:
    """The reason to stop the pod, as urgent as it has become, or None. ``FINISHED`` is the caller's to find."""
    stop = o.stop
    if is_deleting(o.pod) or not o.in_api:
        grace = max(SHORTEST_GRACE_SECONDS, deletion_grace_period(o.pod))
        cause = Cause.DELETED if o.in_api else Cause.GONE
        if stop is None:
            return Stop(cause, o.now, grace)
        if stop.cause in (Cause.DELETED, Cause.GONE):
            return Stop(cause, stop.since, min(stop.grace_seconds, grace), stop.reason, stop.message)
        left = max(SHORTEST_GRACE_SECONDS, stop.grace_seconds - int((o.now - stop.since).total_seconds()))
        return Stop(cause, o.now, min(left, grace), stop.reason, stop.message)
    if stop is not None:
        return stop
    deadline = o.pod["spec"].get("activeDeadlineSeconds")
    if deadline is not None and o.started_at is not None:
        ends = o.started_at + timedelta(seconds=int(deadline))
        if o.now >= ends:
            reason, message = DEADLINE_EXCEEDED
            return Stop(Cause.FAILED, o.now, deletion_grace_period(o.pod), reason, message)
    return None


def stopping(o: Observation, stop: Stop) -> Plan:
    """Launches are abandoned, app containers get their grace, then sidecars in reverse order, then the sandbox goes."""
    launches = [key for key in o.under_way if key.startswith("launch/")]
    if launches:
        actions: list[Action] = [] if AbandonLaunches.key in o.under_way else [AbandonLaunches()]
        return Plan(tuple(actions + _kills(o, stop)), stop)
    kills = _kills(o, stop)
    if o.running():
        return _plan(o, stop, kills)
    if "sandbox" in o.under_way or "volumes" in o.under_way:
        return Plan(stop=stop)
    if stop.cause in (Cause.FAILED, Cause.FINISHED):
        return _plan(o, stop, _settle(o))
    return _plan(o, stop, _remove(o, stop))


def _kills(o: Observation, stop: Stop) -> list[Action]:
    deadline = stop.since + timedelta(seconds=stop.grace_seconds)
    order = [c["name"] for c in init_containers(o.pod) if is_sidecar(c)]
    running = o.running()
    chosen = [c for c in running if c.name not in order]
    if not chosen and running:
        last = max(running, key=lambda c: order.index(c.name))
        chosen = [last]
    actions: list[Action] = []
    for container in chosen:
        action = KillContainer(container.id, container.name, deadline)
        current = o.under_way.get(action.key)
        if not isinstance(current, KillContainer) or current.deadline > deadline:
            actions.append(action)
    return actions


def _settle(o: Observation) -> list[Action]:
    """The dead containers stay for their logs; network and volumes go."""
    assert o.runtime is not None
    actions: list[Action] = [StopSandbox(s.id) for s in o.runtime.sandboxes if s.id not in o.stopped_sandboxes]
    if not actions and not o.volumes_gone:
        actions.append(TearDownVolumes())
    return actions


def _remove(o: Observation, stop: Stop) -> list[Action]:
    assert o.runtime is not None
    actions: list[Action] = [RemoveSandbox(s.id) for s in o.runtime.sandboxes]
    known = {s.id for s in o.runtime.sandboxes}
    actions.extend(RemoveContainer(c.id) for c in o.runtime.containers if c.sandbox_id not in known)
    if actions:
        return actions
    if not o.volumes_gone:
        return [TearDownVolumes()]
    if stop.cause is Cause.GONE:
        return [Forget()]
    return [FinishDeletion()] if o.status_written else []


def _plan(o: Observation, stop: Stop, actions: list[Action]) -> Plan:
    ready: list[Action] = []
    waits = []
    for action in actions:
        current = o.under_way.get(action.key)
        if current == action:
            continue
        if current is not None and not isinstance(action, KillContainer):
            continue
        delayed = o.delayed.get(action.key)
        if delayed is not None and delayed > o.now:
            waits.append(delayed)
        else:
            ready.append(action)
    return Plan(tuple(ready), stop, wake_at=min(waits) if waits else None)
