"""A budget's status, and pods whose announced eviction never came; pure.

Follows ``k8s.io/kubernetes/pkg/controller/disruption``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from controllers import conditions
from controllers.actions import NORMAL, WARNING, Action, Emit, RequeueAfter, Update
from controllers.disruption.scale import Find, NoScale, Scale, expected_scale
from minikube_py.api.intstr import scaled_value
from minikube_py.api.meta import Object, find_condition, generation_of, is_deleting, key_of, name_of
from minikube_py.api.pods import is_ready, is_terminal
from minikube_py.api.resources import POD_DISRUPTION_BUDGETS, PODS, ResourceTable
from minikube_py.api.selectors import LabelSelector
from minikube_py.api.times import format_time, parse_time

DELETION_TIMEOUT = timedelta(minutes=2)
"""For so long a pod whose eviction was allowed counts as gone before it is being deleted."""
STALE_AFTER = timedelta(minutes=2)
"""After so long a pod that was to be disrupted, and is not being deleted, is said to stay."""
DISRUPTION_ALLOWED = "DisruptionAllowed"
DISRUPTION_TARGET = "DisruptionTarget"
_BY_KUBELET = "TerminationByKubelet"
_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
_UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of "
    "the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please "
    'set ".spec.minAvailable" field of the PDB to an integer value.'
)


@dataclass(frozen=True, slots=True)
class Observation:
    """A budget, the pods that it selects, and where their controllers are found."""

    budget: Object
    pods: tuple[Object, ...]
    find: Find
    table: ResourceTable
    now: datetime


@dataclass(frozen=True, slots=True)
class _Wanted:
    expected: int
    desired_healthy: int
    unmanaged: tuple[str, ...] = ()


def selector(budget: Object) -> LabelSelector:
    """Which pods of its namespace the budget is about; none where it has no selector."""
    return LabelSelector.from_object((budget.get("spec") or {}).get("selector"))


def sync(observation: Observation) -> tuple[Action, ...]:
    """The status to write where it differs, what to tell, and when a pod that was to go will be overdue.

    Where the wanted number of pods cannot be told no disruption is allowed, and the condition says why.
    """
    budget, pods, now = observation.budget, observation.pods, observation.now
    actions: list[Action] = []
    if not pods:
        actions.append(Emit(budget, NORMAL, "NoPods", "No matching pods found"))
    try:
        wanted = _wanted(observation)
    except NoScale as error:
        told = f"Failed to calculate the number of expected pods: {error}"
        actions.append(Emit(budget, WARNING, "CalculateExpectedPodCountFailed", told))
        return (*actions, *_write(budget, _failed(budget, str(error), now)))
    if wanted.unmanaged:
        actions.append(Emit(budget, WARNING, "UnmanagedPods", _UNMANAGED.format(selector(budget))))
    disrupted, overdue = _disrupted(budget, pods, now)
    not_deleted = f"Pod was expected by PDB {key_of(budget)} to be deleted but it wasn't"
    actions += [Emit(pod, WARNING, "NotDeleted", not_deleted) for pod in overdue]
    healthy = sum(is_ready(pod) and not is_deleting(pod) and name_of(pod) not in disrupted for pod in pods)
    actions += _write(budget, _status(budget, wanted, healthy, disrupted, now))
    if disrupted:
        soonest = min(map(parse_time, disrupted.values())) + DELETION_TIMEOUT
        # A second more: overdue is what is past its time, not what has just come to it.
        actions.append(RequeueAfter((soonest - now).total_seconds() + 1))
    return tuple(actions)


def _wanted(observation: Observation) -> _Wanted:
    spec = observation.budget.get("spec") or {}
    at_most, at_least = spec.get("maxUnavailable"), spec.get("minAvailable")
    if at_most is not None:
        scale = _scale(observation)
        unavailable = scaled_value(at_most, scale.expected, round_up=True)
        return _Wanted(scale.expected, max(scale.expected - unavailable, 0), scale.unmanaged)
    if isinstance(at_least, str):
        scale = _scale(observation)
        return _Wanted(scale.expected, scaled_value(at_least, scale.expected, round_up=True), scale.unmanaged)
    return _Wanted(0, 0) if at_least is None else _Wanted(len(observation.pods), at_least)


def _scale(observation: Observation) -> Scale:
    return expected_scale(observation.pods, observation.find, observation.table)


def _disrupted(budget: Object, pods: Iterable[Object], now: datetime) -> tuple[dict[str, str], list[Object]]:
    """Since when pods are to go that are not being deleted yet, by name; and those that should have gone long ago."""
    noted = (budget.get("status") or {}).get("disruptedPods") or {}
    waited_for, overdue = {}, []
    for pod in pods:
        since = noted.get(name_of(pod))
        if since is None or is_deleting(pod):
            continue
        if parse_time(since) + DELETION_TIMEOUT < now:
            overdue.append(pod)
        else:
            waited_for[name_of(pod)] = since
    return waited_for, overdue


def _status(budget: Object, wanted: _Wanted, healthy: int, disrupted: dict[str, str], now: datetime) -> Object:
    # A budget without pods allows nothing, so that its first pods are safe until it has been looked at again.
    allowed = max(healthy - wanted.desired_healthy, 0) if wanted.expected > 0 else 0
    status: Object = {
        "observedGeneration": generation_of(budget),
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": wanted.desired_healthy,
        "expectedPods": wanted.expected,
    }
    if disrupted:
        status["disruptedPods"] = disrupted
    reason = "SufficientPods" if allowed else "InsufficientPods"
    return _with_condition(budget, status, bool(allowed), reason, "", now)


def _failed(budget: Object, message: str, now: datetime) -> Object:
    status = {**dict.fromkeys(_COUNTS, 0), **(budget.get("status") or {}), "disruptionsAllowed": 0}
    return _with_condition(budget, status, False, "SyncFailed", message, now)


def _with_condition(budget: Object, status: Object, allowed: bool, reason: str, message: str, now: datetime) -> Object:
    condition = conditions.condition(DISRUPTION_ALLOWED, str(allowed), reason, message, now)
    if status.get("observedGeneration"):
        condition["observedGeneration"] = status["observedGeneration"]
    present = (budget.get("status") or {}).get("conditions") or []
    return {**status, "conditions": conditions.put(present, condition)}


def _write(budget: Object, status: Object) -> tuple[Update, ...]:
    if status == _comparable(budget.get("status") or {}):
        return ()
    return (Update(POD_DISRUPTION_BUDGETS, {**budget, "status": status}, "status"),)


def _comparable(status: Object) -> Object:
    """The status without what is empty, which says the same as what is absent; the counts are always there."""
    return {name: value for name, value in status.items() if value or name in _COUNTS}


def stale_after(pod: Object, now: datetime) -> float | None:
    """In how many seconds a pod that was to be disrupted is to be said to stay; 0 at once, None where it is not."""
    if is_deleting(pod) or is_terminal(pod):
        return None
    target = find_condition(pod, DISRUPTION_TARGET)
    if target is None or target.get("status") != "True" or target.get("reason") == _BY_KUBELET:
        return None
    return max((parse_time(target["lastTransitionTime"]) + STALE_AFTER - now).total_seconds(), 0.0)


def sync_pod(pod: Object, now: datetime) -> tuple[Update | RequeueAfter, ...]:
    """Takes back that the pod is to be disrupted, when it is time to."""
    seconds = stale_after(pod, now)
    if seconds is None:
        return ()
    if seconds > 0:
        return (RequeueAfter(seconds),)
    stays = {"type": DISRUPTION_TARGET, "status": "False", "lastTransitionTime": format_time(now)}
    status = pod["status"]
    return (
        Update(
            PODS, {**pod, "status": {**status, "conditions": conditions.put(status["conditions"], stays)}}, "status"
        ),
    )
