"""A Job's pods: how they are made, and how they are read; pure."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta

from controllers.replica_set.sync import pod_from_template
from minikube_py.api.meta import Object, annotations_of, find_condition, is_deleting, metadata, name_of
from minikube_py.api.pods import phase
from minikube_py.api.times import parse_time

TRACKING = "batch.kubernetes.io/job-tracking"
"""The finalizer that keeps a pod until its Job has counted it."""
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
FAILURE_COUNT = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURE_COUNT = "batch.kubernetes.io/job-index-ignored-failure-count"
INDEX_VARIABLE = "JOB_COMPLETION_INDEX"
LONGEST_GENERATED_BASE = 58
FIRST_BACKOFF_SECONDS = 10.0
LONGEST_BACKOFF_SECONDS = 600.0


def is_indexed(job: Object) -> bool:
    """Whether each pod of the Job has a completion index."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def is_tracked(pod: Object) -> bool:
    """Whether the pod still waits for being counted."""
    return TRACKING in (metadata(pod).get("finalizers") or ())


def replaces_only_failed(job: Object) -> bool:
    """Whether a pod is replaced only once it has ended, not as soon as it is being deleted."""
    return bool(job["spec"].get("podReplacementPolicy") == "Failed")


def is_failed(pod: Object, job: Object) -> bool:
    """Whether the pod is to be counted as failed: ended so or, by the replacement policy, being deleted."""
    if phase(pod) == "Failed":
        return True
    return is_deleting(pod) and phase(pod) != "Succeeded" and not replaces_only_failed(job)


def completion_index(pod: Object) -> int | None:
    """The pod's completion index; None where it has none that is a number."""
    text = annotations_of(pod).get(COMPLETION_INDEX, "")
    return int(text) if text.isascii() and text.isdigit() else None


def failure_count(pod: Object) -> int:
    """How often the pod's index had failed when the pod was made, ignored failures left out."""
    return _count(pod, FAILURE_COUNT)


def all_failures(pod: Object) -> int:
    """How often the pod's index had failed when the pod was made, ignored failures included."""
    return failure_count(pod) + _count(pod, IGNORED_FAILURE_COUNT)


def _count(pod: Object, annotation: str) -> int:
    text = annotations_of(pod).get(annotation, "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def finish_time(pod: Object, now: datetime) -> datetime:
    """When the last container ended; else when it became unready, was to be deleted, or was made."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    ends = [(status.get("state") or {}).get("terminated") for status in statuses]
    times = [end["finishedAt"] for end in ends if end and end.get("finishedAt")]
    if times and len(times) == len(statuses):
        return max(map(parse_time, times))
    unready = find_condition(pod, "Ready")
    if unready is not None and unready.get("status") == "False" and unready.get("lastTransitionTime"):
        return parse_time(unready["lastTransitionTime"])
    meta = metadata(pod)
    if meta.get("deletionTimestamp"):
        return parse_time(meta["deletionTimestamp"]) - timedelta(seconds=meta.get("deletionGracePeriodSeconds") or 0)
    return parse_time(meta["creationTimestamp"]) if meta.get("creationTimestamp") else now


def backoff_seconds(failures: int) -> float:
    """How long after that many failures in a row the next pod waits: 10 s, doubling up to 10 min."""
    if failures <= 0:
        return 0.0
    return float(min(FIRST_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 10), LONGEST_BACKOFF_SECONDS))


def new_pod(job: Object) -> Object:
    """A pod to create for a Job whose pods have no index."""
    pod = pod_from_template(job["spec"]["template"], job)
    _track(pod)
    return pod


def new_indexed_pod(job: Object, index: int, failures: tuple[int, int] | None) -> Object:
    """A pod to create for an index; ``failures`` (counted, ignored) are told where the Job limits them by index."""
    pod = new_pod(job)
    meta, spec = pod["metadata"], pod["spec"]
    annotations = meta.setdefault("annotations", {})
    annotations[COMPLETION_INDEX] = str(index)
    meta.setdefault("labels", {})[COMPLETION_INDEX] = str(index)
    if failures is not None:
        counted, ignored = failures
        annotations[FAILURE_COUNT] = str(counted)
        if ignored:
            annotations[IGNORED_FAILURE_COUNT] = str(ignored)
    suffix = f"-{index}"
    meta["generateName"] = f"{name_of(job)[: LONGEST_GENERATED_BASE - len(suffix) - 1]}{suffix}-"
    spec["hostname"] = f"{name_of(job)}{suffix}"
    variable = {
        "name": INDEX_VARIABLE,
        "valueFrom": {"fieldRef": {"fieldPath": f"metadata.annotations['{COMPLETION_INDEX}']"}},
    }
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        present = container.get("env") or []
        if all(entry.get("name") != INDEX_VARIABLE for entry in present):
            container["env"] = [*present, deepcopy(variable)]
    return pod


def _track(pod: Object) -> None:
    finalizers = pod["metadata"].setdefault("finalizers", [])
    if TRACKING not in finalizers:
        finalizers.append(TRACKING)
