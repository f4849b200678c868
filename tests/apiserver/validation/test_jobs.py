from __future__ import annotations

import copy
from typing import Any

import pytest

from apiserver.strategies import StrategyContext, strategy_for
from apiserver.validation.job_indexes import count_indexes, first_overlap
from minikube_py.api.resources import JOBS

STRATEGY = strategy_for(JOBS)
NOT_INDEXED = "requires indexed completion mode"


def a_job(**spec: Any) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}
    job = {"metadata": {"name": "j", "namespace": "d", "uid": "u"}, "spec": {"template": template, **spec}}
    return STRATEGY.prepare_for_create(STRATEGY.default(job), StrategyContext(None, None))  # type: ignore[arg-type]


def with_template(**spec: Any) -> dict[str, Any]:
    return a_job(template={"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never", **spec}})


def indexed(**spec: Any) -> dict[str, Any]:
    return a_job(completionMode="Indexed", completions=3, **spec)


def errors_of(job: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate(job)]


def with_rule(**rule: Any) -> dict[str, Any]:
    return a_job(podFailurePolicy={"rules": [{"action": "FailJob", **rule}]})


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(a_job(), id="the smallest"),
        pytest.param(indexed(backoffLimitPerIndex=1, maxFailedIndexes=2), id="an indexed one"),
        pytest.param(
            indexed(successPolicy={"rules": [{"succeededIndexes": "0,2", "succeededCount": 1}]}), id="success"
        ),
        pytest.param(
            with_rule(onExitCodes={"operator": "In", "values": [1, 2], "containerName": "c"}), id="exit codes"
        ),
        pytest.param(with_rule(onPodConditions=[{"type": "DisruptionTarget"}]), id="a pod condition"),
        pytest.param(a_job(managedBy="acme.io/queue"), id="managed by another"),
    ],
)
def test_a_good_job_has_no_errors(job: dict[str, Any]) -> None:
    assert errors_of(job) == []


@pytest.mark.parametrize(
    ("job", "error"),
    [
        pytest.param(
            with_template(restartPolicy="Always"),
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
            id="restarted for ever",
        ),
        pytest.param(
            a_job(backoffLimit=-1),
            "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0",
            id="negative backoff",
        ),
        pytest.param(
            a_job(completionMode="Some"),
            'spec.completionMode: Unsupported value: "Some": supported values: "Indexed", "NonIndexed"',
            id="completion mode",
        ),
        pytest.param(
            a_job(completionMode="Indexed", parallelism=1),
            "spec.completions: Required value: when completion mode is Indexed",
            id="indexes without a number",
        ),
        pytest.param(
            a_job(backoffLimitPerIndex=1),
            f"spec.backoffLimitPerIndex: Invalid value: 1: {NOT_INDEXED}",
            id="backoff of indexes that are not there",
        ),
        pytest.param(
            indexed(maxFailedIndexes=1),
            "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
            id="failed indexes without a limit each",
        ),
        pytest.param(
            indexed(maxFailedIndexes=4, backoffLimitPerIndex=1),
            "spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions",
            id="more failures than indexes",
        ),
        pytest.param(
            indexed(parallelism=100_001),
            "spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is "
            "Indexed",
            id="too much at once",
        ),
        pytest.param(
            a_job(podReplacementPolicy="Never"),
            'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"',
            id="replacement policy",
        ),
        pytest.param(
            a_job(podFailurePolicy={"rules": []}, podReplacementPolicy="TerminatingOrFailed"),
            'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
            id="replacement beside a failure policy",
        ),
        pytest.param(
            a_job(managedBy="me"),
            'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")',
            id="manager",
        ),
        pytest.param(
            with_rule(),
            "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is "
            "required",
            id="a rule about nothing",
        ),
        pytest.param(
            with_rule(onExitCodes={"operator": "In", "values": [0]}),
            "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator",
            id="success as a failure",
        ),
        pytest.param(
            with_rule(onExitCodes={"operator": "NotIn", "values": [2, 1]}),
            "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1]: must be ordered",
            id="exit codes out of order",
        ),
        pytest.param(
            with_rule(onExitCodes={"operator": "NotIn", "values": [1], "containerName": "x"}),
            'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "x": must be one of the '
            "container or initContainer names in the pod template",
            id="exit codes of no container",
        ),
        pytest.param(
            with_rule(action="FailIndex", onPodConditions=[{"type": "x"}]),
            'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to '
            "be set",
            id="a failed index that is not there",
        ),
        pytest.param(
            a_job(successPolicy={"rules": [{"succeededCount": 1}]}),
            f'spec.successPolicy: Invalid value: {{"rules":[{{"succeededCount":1}}]}}: {NOT_INDEXED}',
            id="success policy of indexes that are not there",
        ),
        pytest.param(
            indexed(successPolicy={"rules": [{}]}),
            "spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be "
            "specified",
            id="success of nothing",
        ),
        pytest.param(
            indexed(successPolicy={"rules": [{"succeededIndexes": "1-7"}]}),
            'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "1-7": error parsing succeededIndexes: too '
            'large index: "7"',
            id="success of an index that is not there",
        ),
        pytest.param(
            a_job(selector={"matchLabels": {"batch.kubernetes.io/controller-uid": "other"}}),
            'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"other"}}: `selector` '
            "not auto-generated",
            id="somebody else's selector",
        ),
        pytest.param(
            a_job(manualSelector=True),
            "spec.selector: Required value",
            id="no selector of its own",
        ),
    ],
)
def test_one_error(job: dict[str, Any], error: str) -> None:
    assert error in errors_of(job)


def changed(job: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {**job, "spec": {**copy.deepcopy(job["spec"]), **spec}}


def update_errors(new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate_update(new, old)]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        pytest.param({"completions": 2}, "spec.completions", id="completions"),
        pytest.param({"completionMode": "Indexed"}, "spec.completionMode", id="completion mode"),
        pytest.param({"managedBy": "a.b/c"}, "spec.managedBy", id="manager"),
        pytest.param({"podFailurePolicy": {"rules": []}}, "spec.podFailurePolicy", id="failure policy"),
    ],
)
def test_what_may_not_change(spec: dict[str, Any], field: str) -> None:
    assert any(
        found.startswith(f"{field}: Invalid value") and found.endswith("field is immutable")
        for found in update_errors(changed(a_job(), **spec), a_job())
    )


def test_parallelism_and_deadline_may_change() -> None:
    assert update_errors(changed(a_job(), parallelism=3, activeDeadlineSeconds=5, suspend=True), a_job()) == []


def test_an_indexed_job_grows_together_with_its_parallelism() -> None:
    old = indexed(parallelism=3)
    assert update_errors(changed(old, completions=5, parallelism=5), old) == []
    assert update_errors(changed(old, completions=5), old) == [
        "spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism"
    ]


def test_where_pods_are_scheduled_may_change_before_the_first_start_only() -> None:
    suspended = a_job(suspend=True)
    new = copy.deepcopy(suspended)
    new["spec"]["template"]["spec"]["nodeSelector"] = {"a": "b"}
    new["spec"]["template"]["metadata"]["annotations"] = {"a": "b"}
    assert update_errors(new, suspended) == []
    assert update_errors(new, suspended | {"status": {"startTime": "2026-01-01T00:00:00Z"}})
    running = a_job()
    assert update_errors({**new, "spec": {**new["spec"], "suspend": False}}, running)


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("1", 1), ("0-2", 3), ("0,2-4", 4)], ids=["nothing", "one", "a range", "a list"]
)
def test_indexes_are_counted(text: str, count: int) -> None:
    assert count_indexes(text, 10) == count


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", 'cannot convert string to integer for index: "x"'),
        ("10", 'too large index: "10"'),
        ("3-1", "non-increasing order, previous: 3, current: 1"),
        ("2,1", "non-increasing order, previous: 2, current: 1"),
        ("1-2-3", "the fragment"),
    ],
)
def test_what_is_no_list_of_indexes(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        count_indexes(text, 10)


def test_where_two_lists_of_indexes_meet() -> None:
    assert first_overlap("0-2,7", "3-5,7-8", 10) == 7
    assert first_overlap("0-2", "3", 10) is None
    assert first_overlap("x,4", "4", 10) == 4
