"""Which pods a Job needs made or deleted next; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from controllers.job.pods import (
    all_failures,
    backoff_seconds,
    completion_index,
    failure_count,
    finish_time,
    is_failed,
    is_indexed,
    new_indexed_pod,
    new_pod,
    replaces_only_failed,
)
from controllers.job.policies import match_failure_policy
from controllers.job.standing import Standing, is_suspended
from controllers.replica_set.ranking import pods_to_delete
from minikube_py.api.meta import Object, is_deleting, uid_of
from minikube_py.api.pods import is_terminal, phase

MOST_PODS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PodsPlan:
    """Pods to create, in batches that grow while they succeed, or to delete; ``again`` is when to look next."""

    create: tuple[Object, ...] = ()
    delete: tuple[Object, ...] = ()
    uncounted: bool = False
    """Whether the deleted pods are no failures: they then cease to be tracked before they are deleted."""
    again: float | None = None


def sync_pods(standing: Standing) -> PodsPlan:
    """Deletions come first; what is missing is created once they are seen."""
    job = standing.job
    if is_deleting(job):
        return PodsPlan()
    if standing.verdict is not None:
        return PodsPlan(delete=standing.active)
    if is_suspended(job):
        return PodsPlan(delete=standing.active[:MOST_PODS_AT_ONCE], uncounted=True)
    wanted = _wanted(standing)
    surplus = _surplus(standing, len(standing.active) - wanted)
    if surplus:
        return PodsPlan(delete=surplus[:MOST_PODS_AT_ONCE], uncounted=True)
    missing = wanted - len(standing.active)
    if replaces_only_failed(job):
        missing -= standing.terminating
    if missing <= 0:
        return PodsPlan()
    missing = min(missing, MOST_PODS_AT_ONCE)
    if standing.failed_indexes is not None:
        return _create_by_index(standing, missing)
    wait = _backoff(standing)
    if wait > 0:
        return PodsPlan(again=wait)
    if not is_indexed(job):
        return PodsPlan(create=tuple(new_pod(job) for _ in range(missing)))
    pending = _pending_indexes(standing, missing)
    return PodsPlan(create=tuple(new_indexed_pod(job, index, None) for index in pending))


def _wanted(standing: Standing) -> int:
    spec = standing.job["spec"]
    parallelism, completions = spec.get("parallelism"), spec.get("completions")
    parallelism = 1 if parallelism is None else int(parallelism)
    if completions is None:
        # A work queue: once one pod has succeeded there is no work left to start on.
        return len(standing.active) if standing.succeeded else parallelism
    remaining = int(completions) - standing.succeeded - len(standing.failed_indexes or ())
    return max(min(remaining, parallelism), 0)


def _surplus(standing: Standing, count: int) -> tuple[Object, ...]:
    """Pods whose index is another's too, is none or is done already; then as many as there are too many."""
    needless: list[Object] = []
    kept = list(standing.active)
    if is_indexed(standing.job):
        completions = standing.job["spec"].get("completions") or 0
        done = standing.succeeded_indexes | (standing.failed_indexes or frozenset())
        by_index = Counter(completion_index(pod) for pod in standing.active)
        ranked = pods_to_delete(standing.active, (), len(standing.active), standing.observation.now)
        for pod in ranked:
            index = completion_index(pod)
            if index is None or index >= completions or index in done or by_index[index] > 1:
                by_index[index] -= 1
                needless.append(pod)
        gone = {uid_of(pod) for pod in needless}
        kept = [pod for pod in standing.active if uid_of(pod) not in gone]
    more = count - len(needless)
    return (*needless, *(pods_to_delete(kept, (), more, standing.observation.now) if more > 0 else ()))


def _pending_indexes(standing: Standing, count: int) -> list[int]:
    busy = set(standing.succeeded_indexes | (standing.failed_indexes or frozenset()))
    busy.update(index for pod in standing.active if (index := completion_index(pod)) is not None)
    if replaces_only_failed(standing.job):
        busy.update(
            index
            for pod in standing.observation.pods
            if is_deleting(pod) and not is_terminal(pod) and (index := completion_index(pod)) is not None
        )
    pending: list[int] = []
    for index in range(standing.job["spec"].get("completions") or 0):
        if len(pending) == count:
            break
        if index not in busy:
            pending.append(index)
    return pending


def _create_by_index(standing: Standing, missing: int) -> PodsPlan:
    """Every index waits for itself; those that wait do not keep others from being started."""
    job, now = standing.job, standing.observation.now
    waits: dict[int, float] = {}
    for index, pod in standing.last_failures.items():
        since = (now - finish_time(pod, now)).total_seconds()
        waits[index] = backoff_seconds(all_failures(pod) + 1) - since
    candidates = _pending_indexes(standing, job["spec"].get("completions") or 0)
    due = [index for index in candidates if waits.get(index, 0.0) <= 0][:missing]
    create = tuple(new_indexed_pod(job, index, _failures(standing, index)) for index in due)
    later = [wait for index in candidates if (wait := waits.get(index, 0.0)) > 0]
    return PodsPlan(create=create, again=min(later) if later and len(due) < missing else None)


def _failures(standing: Standing, index: int) -> tuple[int, int]:
    """How often the index failed so far: what counts, and what is ignored."""
    last = standing.last_failures.get(index)
    if last is None:
        return 0, 0
    counted, ignored = failure_count(last), all_failures(last) - failure_count(last)
    return (counted + 1, ignored) if match_failure_policy(standing.job, last).counts else (counted, ignored + 1)


def _backoff(standing: Standing) -> float:
    """The seconds that the failures since the last success make the next pod wait."""
    now = standing.observation.now
    pods: Sequence[Object] = standing.observation.pods
    last_success = max((finish_time(pod, now) for pod in pods if phase(pod) == "Succeeded"), default=None)
    failures = [finish_time(pod, now) for pod in pods if is_failed(pod, standing.job)]
    recent = [ended for ended in failures if last_success is None or ended > last_success]
    return backoff_seconds(len(recent)) - (now - max(recent)).total_seconds() if recent else 0.0
