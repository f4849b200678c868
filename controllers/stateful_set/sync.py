"""What a StatefulSet needs next; pure. Follows ``k8s.io/kubernetes/pkg/controller/statefulset``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controllers.actions import Delete, RequeueAfter, Update, delete
from controllers.pod_availability import seconds_until_available
from controllers.revisions import surplus
from controllers.stateful_set import spec
from controllers.stateful_set.pods import conforming, is_healthy, new_pod, revision_of
from controllers.stateful_set.status import compute_status, told
from controllers.stateful_set.volume_claims import Claims, are_stale, being_deleted, claims_of
from minikube_py.api.meta import Object, is_deleting, name_of, uid_of
from minikube_py.api.pods import is_active, is_terminal, phase
from minikube_py.api.resources import CONTROLLER_REVISIONS, STATEFUL_SETS


@dataclass(frozen=True, slots=True)
class Observation:
    """A StatefulSet with its two revisions, the pods that are its own, and its claims by name."""

    stateful_set: Object
    current: Object
    update: Object
    collision_count: int
    pods: tuple[Object, ...]
    claims: Mapping[str, Object]
    now: datetime
    several_unavailable: bool = False
    """Whether ``maxUnavailable`` is heeded; upstream does so since 1.35, and takes it to be 1 before."""


@dataclass(frozen=True, slots=True)
class CreatePod:
    """Create the pod, its claims first."""

    pod: Object
    claims: Claims


@dataclass(frozen=True, slots=True)
class KeepClaims:
    """Create what is missing of the pod's claims, and give the others the owners that they should have."""

    pod: Object
    claims: Claims


@dataclass(frozen=True, slots=True)
class UpdatePod:
    """Store the pod, which has got the labels and volumes of its identity back."""

    pod: Object


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Delete the pod."""

    pod: Object


@dataclass(frozen=True, slots=True)
class Refuse:
    """The pod can't be created, for a reason to be told; once that is gone the set is looked at again."""

    pod: Object
    reason: str


Step = CreatePod | KeepClaims | UpdatePod | DeletePod | Refuse
Stage = tuple[Step, ...]
"""Steps that do not wait for each other; the next stage is for when all have succeeded."""


def sync_pods(observation: Observation) -> tuple[Stage, ...]:
    """The stages of what is to be done now; nothing for a set that is being deleted.

    In order (``OrderedReady``) nothing happens beyond the first replica that is not as it should be; with ``Parallel``
    every replica is taken care of at once. Scaling goes before updating.
    """
    if is_deleting(observation.stateful_set):
        return ()
    return tuple(filter(None, _stages(observation)))


def sync_status(observation: Observation) -> tuple[Update | RequeueAfter, ...]:
    """The status to write where it differs, and when to look again because a pod will have become available."""
    stateful_set, now = observation.stateful_set, observation.now
    status = compute_status(
        stateful_set,
        observation.pods,
        name_of(observation.current),
        name_of(observation.update),
        observation.collision_count,
        now,
    )
    actions: list[Update | RequeueAfter] = []
    if status != told(stateful_set.get("status") or {}):
        actions.append(Update(STATEFUL_SETS, {**stateful_set, "status": status}, "status"))
    waits = [seconds_until_available(pod, spec.min_ready_seconds(stateful_set), now) for pod in observation.pods]
    soonest = min((wait for wait in waits if wait), default=None)
    if soonest is not None:
        actions.append(RequeueAfter(soonest))
    return tuple(actions)


def sync_history(observation: Observation, revisions: Sequence[Object]) -> tuple[Delete, ...]:
    """The revisions that nothing uses and that are more than the history is to hold."""
    live = {name_of(observation.current), name_of(observation.update), *map(revision_of, observation.pods)}
    limit = spec.revision_history_limit(observation.stateful_set)
    return tuple(delete(CONTROLLER_REVISIONS, revision) for revision in surplus(revisions, live, limit))


def _stages(observation: Observation) -> Iterator[Stage]:
    stateful_set, now = observation.stateful_set, observation.now
    by_ordinal = {
        ordinal: pod for pod in observation.pods if (ordinal := spec.ordinal_of(stateful_set, name_of(pod))) is not None
    }
    replicas = {ordinal: by_ordinal.get(ordinal) for ordinal in spec.ordinals(stateful_set)}
    condemned = [
        (ordinal, by_ordinal[ordinal]) for ordinal in sorted(by_ordinal.keys() - replicas.keys(), reverse=True)
    ]
    ordered = spec.is_ordered(stateful_set)
    at_once: list[Step] = []
    for ordinal, pod in replicas.items():
        steps, waits = _keep(observation, ordinal, pod)
        if not ordered:
            at_once += steps
            continue
        yield from ((step,) for step in steps)
        if waits:
            return
    yield tuple(at_once)
    for ordinal, pod in condemned:
        yield _keep_claims(pod, claims_of(stateful_set, ordinal, pod, observation.claims), create=False)
    if not ordered:
        yield tuple(DeletePod(pod) for _, pod in condemned if not is_deleting(pod))
    elif condemned:
        yield _stop_last(observation, condemned)
        return
    if spec.is_rolling_update(stateful_set):
        yield from _replace(observation, [(pod, is_healthy(stateful_set, pod, now)) for pod in replicas.values()])


def _keep(observation: Observation, ordinal: int, pod: Object | None) -> tuple[list[Step], bool]:
    """The steps that a replica needs, and whether the ones after it have to wait."""
    stateful_set, present = observation.stateful_set, observation.claims
    if pod is None:
        return _start(observation, ordinal), True
    if is_terminal(pod):
        # Another of the same name can follow only when this one is gone from the API.
        return [] if is_deleting(pod) else [DeletePod(pod)], True
    if is_deleting(pod):
        return [], True
    healthy = is_healthy(stateful_set, pod, observation.now)
    pending = phase(pod) == "Pending"
    steps: list[Step] = []
    if pending or healthy or not spec.is_ordered(stateful_set):
        claims = claims_of(stateful_set, ordinal, pod, present)
        steps += _keep_claims(pod, claims, create=pending)
    if (healthy or not spec.is_ordered(stateful_set)) and (changed := conforming(stateful_set, pod, ordinal)):
        steps.append(UpdatePod(changed))
    return steps, not healthy


def _start(observation: Observation, ordinal: int) -> list[Step]:
    stateful_set, present = observation.stateful_set, observation.claims
    if are_stale(stateful_set, ordinal, present):
        return []
    stays = spec.is_rolling_update(stateful_set) and ordinal < spec.start(stateful_set) + spec.partition(stateful_set)
    pod = new_pod(stateful_set, observation.current if stays else observation.update, ordinal)
    going = being_deleted(stateful_set, ordinal, present)
    if going:
        return [Refuse(pod, ", ".join(f"pvc {name} is being deleted" for name in going))]
    return [CreatePod(pod, claims_of(stateful_set, ordinal, None, present))]


def _keep_claims(pod: Object, claims: Claims, *, create: bool) -> Stage:
    """A pod that is past ``Pending`` has had its claims, and keeps running without those that are gone."""
    wanted = claims if create else Claims((), claims.update, ())
    return (KeepClaims(pod, wanted),) if wanted.create or wanted.update else ()


def _stop_last(observation: Observation, condemned: Sequence[tuple[int, Object]]) -> Stage:
    """Deletes the highest, unless it is going already, or is unhealthy while one with a lower ordinal is so too."""
    stateful_set, now = observation.stateful_set, observation.now
    highest = condemned[0][1]
    if is_deleting(highest):
        return ()
    unhealthy = [pod for _, pod in reversed(condemned) if not is_healthy(stateful_set, pod, now)]
    if not is_healthy(stateful_set, highest, now) and uid_of(unhealthy[0]) != uid_of(highest):
        return ()
    return (DeletePod(highest),)


def _replace(observation: Observation, replicas: Sequence[tuple[Object | None, bool]]) -> Iterator[Stage]:
    """Deletes pods of other revisions, the highest first, as long as few enough replicas are unavailable."""
    stateful_set = observation.stateful_set
    update = name_of(observation.update)
    candidates = list(reversed(replicas[spec.partition(stateful_set) :]))
    if not observation.several_unavailable:
        for pod, healthy in candidates:
            if pod is not None and revision_of(pod) != update and is_active(pod):
                yield (DeletePod(pod),)
                return
            if not healthy:
                return
        return
    allowed = spec.max_unavailable(stateful_set) - sum(not healthy for _, healthy in replicas)
    outdated = [pod for pod, _ in candidates if pod is not None and revision_of(pod) != update and is_active(pod)]
    yield from ((DeletePod(pod),) for pod in outdated[: max(allowed, 0)])
