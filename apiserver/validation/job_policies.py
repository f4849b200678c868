"""Validation of the policies of a Job: when failed pods fail it, when it has succeeded, when pods are replaced."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.job_indexes import count_indexes
from apiserver.validation.names import non_negative, qualified_name
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_invalid,
    field_not_supported,
    field_required,
    field_too_long,
    field_too_many,
)
from minikube_py.api.meta import Object

_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_REPLACEMENTS = ("Failed", "TerminatingOrFailed")
_MAX_RULES = 20
_MAX_EXIT_CODES = 255
_MAX_PATTERNS = 20
_MAX_INDEXES_BYTES = 64 * 1024


def invalid_without_value(path: str, detail: str) -> FieldError:
    """``Invalid value: detail``, where the value at fault is no single one."""
    return FieldError(path, "FieldValueInvalid", f"Invalid value: {detail}")


def pod_failure_policy(path: str, spec: Object) -> Iterator[FieldError]:
    """The rules by which failed pods are counted, ignored, or fail the Job."""
    rules = spec["podFailurePolicy"].get("rules") or []
    if len(rules) > _MAX_RULES:
        yield field_too_many(f"{path}.rules", len(rules), _MAX_RULES)
    pod = (spec.get("template") or {}).get("spec") or {}
    containers = [*(pod.get("containers") or []), *(pod.get("initContainers") or [])]
    names = {container.get("name") for container in containers}
    for index, rule in enumerate(rules):
        yield from _failure_rule(f"{path}.rules[{index}]", rule, spec, names)


def pod_replacement_policy(path: str, spec: Object) -> Iterator[FieldError]:
    """When a pod that ends is replaced; beside a failure policy only after it has failed."""
    policy = spec.get("podReplacementPolicy")
    supported = ("Failed",) if spec.get("podFailurePolicy") is not None else _REPLACEMENTS
    if policy is not None and policy not in supported:
        yield field_not_supported(path, policy, supported)


def success_policy(path: str, spec: Object) -> Iterator[FieldError]:
    """The rules by which an Indexed Job has succeeded before all its indexes have."""
    rules = spec["successPolicy"].get("rules") or []
    if not rules:
        yield field_required(
            f"{path}.rules", "at least one rules must be specified when the successPolicy is specified"
        )
    if len(rules) > _MAX_RULES:
        yield field_too_many(f"{path}.rules", len(rules), _MAX_RULES)
    for index, rule in enumerate(rules):
        yield from _success_rule(f"{path}.rules[{index}]", rule, spec.get("completions") or 0)


def _one_of(path: str, value: str, supported: tuple[str, ...]) -> Iterator[FieldError]:
    if not value:
        listed = " ".join(f'"{item}"' for item in supported)
        yield field_required(path, f"valid values: [{listed}]")
    elif value not in supported:
        yield field_not_supported(path, value, supported)


def _failure_rule(path: str, rule: Object, spec: Object, names: set[str | None]) -> Iterator[FieldError]:
    action, codes, patterns = rule.get("action") or "", rule.get("onExitCodes"), rule.get("onPodConditions") or []
    if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        yield field_invalid(f"{path}.action", action, "requires the backoffLimitPerIndex to be set")
    yield from _one_of(f"{path}.action", action, _ACTIONS)
    if codes is not None:
        yield from _exit_codes(f"{path}.onExitCodes", codes, names)
    if len(patterns) > _MAX_PATTERNS:
        yield field_too_many(f"{path}.onPodConditions", len(patterns), _MAX_PATTERNS)
    for index, pattern in enumerate(patterns):
        here = f"{path}.onPodConditions[{index}]"
        yield from qualified_name(f"{here}.type", pattern.get("type") or "")
        yield from _one_of(f"{here}.status", pattern.get("status") or "", _STATUSES)
    if codes is not None and patterns:
        yield invalid_without_value(path, "specifying both OnExitCodes and OnPodConditions is not supported")
    if codes is None and not patterns:
        yield invalid_without_value(path, "specifying one of OnExitCodes and OnPodConditions is required")


def _exit_codes(path: str, requirement: Object, names: set[str | None]) -> Iterator[FieldError]:
    operator, values = requirement.get("operator") or "", requirement.get("values") or []
    yield from _one_of(f"{path}.operator", operator, _OPERATORS)
    container = requirement.get("containerName")
    if container is not None and container not in names:
        detail = "must be one of the container or initContainer names in the pod template"
        yield field_invalid(f"{path}.containerName", container, detail)
    if not values:
        yield field_invalid(f"{path}.values", values, "at least one value is required")
    elif len(values) > _MAX_EXIT_CODES:
        yield field_too_many(f"{path}.values", len(values), _MAX_EXIT_CODES)
    seen: set[int] = set()
    for index, value in enumerate(values):
        if operator == "In" and value == 0:
            yield field_invalid(f"{path}.values[{index}]", value, "must not be 0 for the In operator")
        if value in seen:
            yield field_duplicate(f"{path}.values[{index}]", value)
        seen.add(value)
    if values != sorted(values):
        yield field_invalid(f"{path}.values", values, "must be ordered")


def _success_rule(path: str, rule: Object, completions: int) -> Iterator[FieldError]:
    count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and indexes is None:
        yield field_required(path, "at least one of succeededCount or succeededIndexes must be specified")
    total = 0
    if indexes is not None:
        if len(indexes) > _MAX_INDEXES_BYTES:
            yield field_too_long(f"{path}.succeededIndexes", _MAX_INDEXES_BYTES)
        try:
            total = count_indexes(indexes, completions)
        except ValueError as error:
            yield field_invalid(f"{path}.succeededIndexes", indexes, f"error parsing succeededIndexes: {error}")
    if count is None:
        return
    yield from non_negative(f"{path}.succeededCount", count)
    if count > completions:
        detail = f"must be less than or equal to {completions} (the number of specified completions)"
        yield field_invalid(f"{path}.succeededCount", count, detail)
    if indexes is not None and count > total:
        detail = (
            f"must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
        )
        yield field_invalid(f"{path}.succeededCount", count, detail)
