"""What a Deployment needs next; pure.

The plan is in an order in which it can be broken off anywhere: ReplicaSets first, the Deployment's status last.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime

from controllers import conditions
from controllers.actions import Delete, Emit, RequeueAfter, Update, delete
from controllers.deployment import recreate, revisions, rolling, scaling, spec
from controllers.deployment import status as statuses
from controllers.deployment.draft import Draft
from controllers.deployment.replica_sets import (
    POD_TEMPLATE_HASH,
    REVISION,
    cleanable,
    desired,
    find_new,
    revision_of,
    status_count,
)
from minikube_py.api.hashing import pod_template_hash
from minikube_py.api.meta import (
    Object,
    annotations_of,
    controller_reference,
    generation_of,
    is_deleting,
    labels_of,
    metadata,
    name_of,
    namespace_of,
)
from minikube_py.api.resources import DEPLOYMENTS, REPLICA_SETS


@dataclass(frozen=True, slots=True)
class Observation:
    """A Deployment, the ReplicaSets that are its own, and (for Recreate) their pods by the ReplicaSet's uid."""

    deployment: Object
    replica_sets: tuple[Object, ...]
    now: datetime
    pods: Mapping[str, tuple[Object, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreateReplicaSet:
    """Create the new ReplicaSet; if its name is taken by another's, count a collision and name it anew."""

    replica_set: Object


Action = CreateReplicaSet | Update | Delete | Emit | RequeueAfter


def selects_everything(deployment: Object) -> bool:
    """Whether the selector is empty, which upstream refuses to act on."""
    selector = deployment["spec"].get("selector") or {}
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def sync(observation: Observation) -> tuple[Action, ...]:
    """Everything that can be done now."""
    deployment = observation.deployment
    if selects_everything(deployment):
        return _refuse(deployment)
    draft = Draft(
        deployment,
        observation.now,
        {name_of(replica_set): replica_set for replica_set in observation.replica_sets},
        list((deployment.get("status") or {}).get("conditions") or []),
    )
    new = find_new(deployment, observation.replica_sets)
    old = [replica_set for replica_set in observation.replica_sets if replica_set is not new]
    if is_deleting(deployment):
        return _plan(observation, draft, _status(draft, new, old))
    _note_pause(draft)
    if new is not None:
        _renew(draft, new, old)
    if spec.is_paused(deployment) or scaling.is_scaling_event(deployment, list(observation.replica_sets)):
        scaling.scale(draft, new, old)
        if spec.is_paused(deployment):
            _clean_up(draft, old)
        status = _status(draft, new, old)
    elif spec.is_rolling_update(deployment):
        status = _roll(draft, new, old)
    else:
        status = _recreate(draft, new, old, observation.pods)
    return _plan(observation, draft, status)


def _refuse(deployment: Object) -> tuple[Action, ...]:
    message = "This deployment is selecting all pods. A non-empty selector is required."
    actions: list[Action] = [Emit(deployment, "Warning", "SelectingAll", message)]
    if status_count(deployment, "observedGeneration") < generation_of(deployment):
        status = {**(deployment.get("status") or {}), "observedGeneration": generation_of(deployment)}
        actions.append(Update(DEPLOYMENTS, {**deployment, "status": status}, "status"))
    return tuple(actions)


def _roll(draft: Draft, new: Object | None, old: list[Object]) -> Object:
    created = new is None
    if new is None:
        new = _create(draft, old)
    changed = not created and rolling.scale_new(draft, new, old)
    if not changed:
        changed = rolling.scale_old_down(draft, new, old)
    if not changed:
        _clean_up_if_complete(draft, old)
    return _rollout_status(draft, new, old)


def _recreate(draft: Draft, new: Object | None, old: list[Object], pods: Mapping[str, tuple[Object, ...]]) -> Object:
    if recreate.scale_old_to_zero(draft, old) or recreate.old_pods_run(new, old, pods):
        return _rollout_status(draft, new, old)
    if new is None:
        new = _create(draft, old)
    elif desired(*draft.current([new])) != spec.replicas(draft.deployment):
        draft.scale(new, spec.replicas(draft.deployment))
    _clean_up_if_complete(draft, old)
    return _rollout_status(draft, new, old)


def _note_pause(draft: Draft) -> None:
    """Progressing is unknown while paused, so that the deadline starts anew on resuming."""
    if spec.progress_deadline(draft.deployment) is None:
        return
    current = conditions.find(draft.conditions, statuses.PROGRESSING)
    reason = current.get("reason") if current is not None else None
    if reason == statuses.TIMED_OUT or spec.is_paused(draft.deployment) == (reason == statuses.PAUSED):
        return
    if spec.is_paused(draft.deployment):
        told = (statuses.PAUSED, "Deployment is paused")
    else:
        told = (statuses.RESUMED, "Deployment is resumed")
    unknown = statuses.condition(statuses.PROGRESSING, "Unknown", *told, draft.now)
    draft.conditions = statuses.put(draft.conditions, unknown)


def _renew(draft: Draft, new: Object, old: list[Object]) -> None:
    """Gives the ReplicaSet with the Deployment's template the latest revision and the Deployment's annotations."""
    deployment = draft.deployment
    wanted = revisions.of_new_replica_set(deployment, annotations_of(new), revisions.next_revision(old), exists=True)
    changed = new
    if wanted != annotations_of(new):
        changed = {**changed, "metadata": {**metadata(changed), "annotations": wanted}}
    if (new["spec"].get("minReadySeconds") or 0) != spec.min_ready_seconds(deployment):
        new_spec = {**changed["spec"], "minReadySeconds": spec.min_ready_seconds(deployment)}
        changed = {**changed, "spec": new_spec}
    draft.put(changed)
    draft.revision = revision_of(changed)
    if spec.progress_deadline(deployment) is not None and not conditions.find(draft.conditions, statuses.PROGRESSING):
        message = f'Found new replica set "{name_of(new)}"'
        found = statuses.condition(statuses.PROGRESSING, "True", statuses.FOUND_NEW_REPLICA_SET, message, draft.now)
        draft.conditions = statuses.put(draft.conditions, found)


def _create(draft: Draft, old: list[Object]) -> Object:
    """Takes the new ReplicaSet into the draft, with as many pods as there is room for."""
    revision = revisions.next_revision(old)
    empty = new_replica_set(draft.deployment, revision)
    replicas = rolling.new_replicas(draft.deployment, [*draft.current(old), empty], empty)
    new = draft.put({**empty, "spec": {**empty["spec"], "replicas": replicas}})
    draft.created = name_of(new)
    draft.revision = revision
    if replicas:
        draft.tell_scaled(name_of(new), 0, replicas)
    if spec.progress_deadline(draft.deployment) is not None:
        message = f'Created new replica set "{name_of(new)}"'
        created = statuses.condition(statuses.PROGRESSING, "True", statuses.NEW_REPLICA_SET, message, draft.now)
        draft.conditions = statuses.put(draft.conditions, created)
    return new


def new_replica_set(deployment: Object, revision: int) -> Object:
    """The ReplicaSet of the Deployment's template, of no pods, named after the template's hash."""
    template = deepcopy(deployment["spec"]["template"])
    digest = pod_template_hash(deployment["spec"]["template"], (deployment.get("status") or {}).get("collisionCount"))
    labels = {**labels_of(template), POD_TEMPLATE_HASH: digest}
    template["metadata"] = {**metadata(template), "labels": labels}
    selector = deepcopy(deployment["spec"].get("selector") or {})
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), POD_TEMPLATE_HASH: digest}
    replica_set_spec: Object = {"replicas": 0, "selector": selector, "template": template}
    if spec.min_ready_seconds(deployment):
        replica_set_spec["minReadySeconds"] = spec.min_ready_seconds(deployment)
    return {
        "apiVersion": REPLICA_SETS.api_version,
        "kind": REPLICA_SETS.kind,
        "metadata": {
            "name": f"{name_of(deployment)}-{digest}",
            "namespace": namespace_of(deployment),
            "labels": labels,
            "annotations": revisions.of_new_replica_set(deployment, {}, revision, exists=False),
            "ownerReferences": [controller_reference(deployment)],
        },
        "spec": replica_set_spec,
    }


def _clean_up_if_complete(draft: Draft, old: list[Object]) -> None:
    if statuses.is_complete(draft.deployment, draft.deployment.get("status") or {}):
        _clean_up(draft, old)


def _clean_up(draft: Draft, old: list[Object]) -> None:
    """Deletes the oldest empty ReplicaSets beyond the history limit."""
    limit = spec.revision_history_limit(draft.deployment)
    if limit is None:
        return
    candidates = cleanable(draft.current(old))
    for replica_set in candidates[: max(len(candidates) - limit, 0)]:
        unobserved = generation_of(replica_set) > status_count(replica_set, "observedGeneration")
        if not unobserved and not desired(replica_set) and not status_count(replica_set, "replicas"):
            draft.deleted.append(name_of(replica_set))


def _all(draft: Draft, new: Object | None, old: list[Object]) -> tuple[list[Object], Object | None]:
    current_new = draft.replica_sets[name_of(new)] if new is not None else None
    return [*draft.current(old), *([current_new] if current_new is not None else [])], current_new


def _status(draft: Draft, new: Object | None, old: list[Object]) -> Object:
    everything, current_new = _all(draft, new, old)
    return statuses.compute(draft.deployment, everything, current_new, draft.conditions, draft.now)


def _rollout_status(draft: Draft, new: Object | None, old: list[Object]) -> Object:
    everything, current_new = _all(draft, new, old)
    return statuses.compute_rollout(draft.deployment, everything, current_new, draft.conditions, draft.now)


def _plan(observation: Observation, draft: Draft, status: Object) -> tuple[Action, ...]:
    """What turns the observation into the draft, and when to look again."""
    deployment = observation.deployment
    observed = {name_of(replica_set): replica_set for replica_set in observation.replica_sets}
    actions: list[Action] = []
    for name, replica_set in draft.replica_sets.items():
        if name == draft.created:
            actions.append(CreateReplicaSet(replica_set))
        elif name in draft.deleted:
            actions.append(delete(REPLICA_SETS, replica_set))
        elif replica_set != observed[name]:
            actions.append(Update(REPLICA_SETS, replica_set))
    actions += draft.events
    annotations = annotations_of(deployment)
    if draft.revision is not None:
        annotations = {**annotations, REVISION: str(draft.revision)}
    if annotations != annotations_of(deployment) or status != _comparable(deployment.get("status") or {}):
        # A Deployment's status takes its annotations with it, so the revision does not count as a new generation.
        meta = {**metadata(deployment), "annotations": annotations} if annotations else metadata(deployment)
        actions.append(Update(DEPLOYMENTS, {**deployment, "metadata": meta, "status": status}, "status"))
    wait = statuses.seconds_to_deadline(deployment, status, draft.now)
    if wait is not None and not spec.is_paused(deployment) and not is_deleting(deployment):
        actions.append(RequeueAfter(wait))
    return tuple(actions)


def _comparable(status: Object) -> Object:
    """The status without zeros, which say the same as what is absent; a collision count of 0 is one."""
    return {name: value for name, value in status.items() if value or name in ("collisionCount", "conditions")}
