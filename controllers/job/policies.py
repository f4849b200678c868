"""What a Job's pod failure policy says of a failed pod, and its success policy of the indexes that succeeded; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from controllers.job.indexes import parse_indexes
from controllers.job.pods import failure_count, is_failed
from minikube_py.api.meta import Object, name_of, namespace_of


@dataclass(frozen=True, slots=True)
class Match:
    """The action of the first rule that a pod matches; empty where none does. ``message`` tells why the Job fails."""

    action: str = ""
    message: str = ""

    @property
    def counts(self) -> bool:
        """Whether the failure counts towards the limits."""
        return self.action != "Ignore"


def match_failure_policy(job: Object, pod: Object) -> Match:
    """The first rule that the failed pod matches."""
    policy = job["spec"].get("podFailurePolicy") or {}
    for position, rule in enumerate(policy.get("rules") or ()):
        action, because = rule.get("action", ""), ""
        if (requirement := rule.get("onExitCodes")) is not None:
            container = next(_matching_containers(pod, requirement), None)
            if container is None:
                continue
            code = container["state"]["terminated"]["exitCode"]
            because = (
                f"Container {container['name']} for pod {namespace_of(pod)}/{name_of(pod)} failed with exit code {code}"
            )
        else:
            condition = _matching_condition(pod, rule.get("onPodConditions") or ())
            if condition is None:
                continue
            because = f"Pod {namespace_of(pod)}/{name_of(pod)} has condition {condition}"
        return Match(action, f"{because} matching {action} rule at index {position}" if action == "FailJob" else "")
    return Match()


def _matching_containers(pod: Object, requirement: Object) -> Iterator[Object]:
    status = pod.get("status") or {}
    values, wanted = requirement.get("values") or (), requirement.get("containerName")
    for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        terminated = (container.get("state") or {}).get("terminated")
        if terminated is None or wanted not in (None, container.get("name")):
            continue
        code = terminated.get("exitCode", 0)
        if code and (code in values) == (requirement.get("operator") == "In"):
            yield container


def _matching_condition(pod: Object, patterns: Sequence[Object]) -> str | None:
    for condition in (pod.get("status") or {}).get("conditions") or ():
        for pattern in patterns:
            if (condition.get("type"), condition.get("status")) == (
                pattern.get("type"),
                pattern.get("status") or "True",
            ):
                return str(condition["type"])
    return None


def index_has_failed(job: Object, pod: Object) -> bool:
    """Whether this failed pod is the end of its index: by rule, or by the limit of failures per index."""
    if not is_failed(pod, job):
        return False
    match = match_failure_policy(job, pod)
    if match.action == "FailIndex":
        return True
    return match.counts and failure_count(pod) >= int(job["spec"]["backoffLimitPerIndex"])


def match_success_policy(job: Object, succeeded: frozenset[int]) -> str | None:
    """The message of the first rule that the succeeded indexes meet; None where none is met, or there is no policy."""
    policy = job["spec"].get("successPolicy") or {}
    completions = job["spec"].get("completions") or 0
    for position, rule in enumerate(policy.get("rules") or ()):
        wanted = rule.get("succeededIndexes")
        count = rule.get("succeededCount")
        among = succeeded if wanted is None else succeeded & parse_indexes(wanted, completions)
        needed = len(parse_indexes(wanted, completions)) if count is None and wanted is not None else count
        if needed is not None and len(among) >= needed:
            return f"Matched rules at index {position}"
    return None
