from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from minikube_py.api.meta import Object, is_deleting
from minikube_py.api.resources import EVENTS, JOBS, PODS

TRACKING = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"


def a_job(name: str = "work", **spec: Any) -> Object:
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 6,
            "completionMode": "NonIndexed",
            "suspend": False,
            "podReplacementPolicy": "TerminatingOrFailed",
            "selector": {"matchLabels": {"job": name}},
            "template": {
                "metadata": {"labels": {"job": name}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "c"}]},
            },
            **spec,
        },
    }


@pytest.fixture
async def jobs(harness):
    await harness.start("job-controller")
    return harness


async def made(harness, **spec: Any) -> None:
    await harness.client.create(JOBS, a_job(**spec))
    await harness.settle()


def stored(harness, name: str = "work") -> Object:
    found = harness.client.object(JOBS, name, "default")
    assert found is not None
    return found


def status(harness) -> Object:
    return stored(harness).get("status") or {}


def pods(harness, *, active: bool = True) -> list[Object]:
    found = harness.client.objects(PODS)
    return [
        p for p in found if not active or (p["status"].get("phase") in ("Pending", "Running") and not is_deleting(p))
    ]


def told(harness) -> list[tuple[str, str, str]]:
    return [(c["type"], c["status"], c["reason"]) for c in status(harness).get("conditions") or []]


def events(harness, reason: str) -> list[str]:
    return sorted(event["message"] for event in harness.client.objects(EVENTS) if event["reason"] == reason)


def index_of(pod: Object) -> str:
    return pod["metadata"]["annotations"][INDEX]


def end(harness, pod: Object, phase: str, *, code: int = 0, **more: Any) -> None:
    pod = deepcopy(harness.client.object(PODS, pod["metadata"]["name"], "default"))
    finished = harness.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    terminated = {"exitCode": code, "finishedAt": finished}
    pod["status"] = {
        "phase": phase,
        "containerStatuses": [{"name": "c", "restartCount": 0, "state": {"terminated": terminated}}],
        **more,
    }
    harness.client.seed(PODS, pod)


async def ended(harness, pod: Object, phase: str, **more: Any) -> None:
    end(harness, pod, phase, **more)
    await harness.settle()


COMPLETE = [
    ("SuccessCriteriaMet", "True", "CompletionsReached"),
    ("Complete", "True", "CompletionsReached"),
]


def failed(reason: str) -> list[tuple[str, str, str]]:
    return [("FailureTarget", "True", reason), ("Failed", "True", reason)]


async def test_a_job_runs_as_many_pods_at_once_as_it_may_until_enough_succeeded(jobs):
    await made(jobs, parallelism=2, completions=3)
    first, second = pods(jobs)
    assert first["metadata"]["finalizers"] == [TRACKING]
    assert status(jobs)["active"] == 2
    assert status(jobs)["startTime"]
    await ended(jobs, first, "Succeeded")
    assert status(jobs)["succeeded"] == 1
    assert len(pods(jobs)) == 2
    await ended(jobs, second, "Succeeded")
    (last,) = pods(jobs)
    await ended(jobs, last, "Succeeded")
    assert told(jobs) == COMPLETE
    assert (status(jobs)["succeeded"], status(jobs).get("active"), status(jobs).get("failed")) == (3, None, None)
    assert status(jobs)["completionTime"]
    assert status(jobs)["uncountedTerminatedPods"] == {}
    assert not any(p["metadata"].get("finalizers") for p in jobs.client.objects(PODS))
    assert events(jobs, "Completed") == ["Job completed"]
    assert len(events(jobs, "SuccessfulCreate")) == 3


async def test_a_work_queue_starts_nothing_new_once_one_has_succeeded(jobs):
    await made(jobs, parallelism=3, completions=None)
    first, second, third = pods(jobs)
    await ended(jobs, first, "Succeeded")
    assert len(pods(jobs)) == 2
    await ended(jobs, second, "Failed")
    await ended(jobs, third, "Succeeded")
    assert told(jobs) == COMPLETE
    assert (status(jobs)["succeeded"], status(jobs)["failed"]) == (2, 1)


async def test_indexes_are_told_to_pods_and_done_once_each(jobs):
    await made(jobs, name="work", parallelism=3, completions=4, completionMode="Indexed")
    running = sorted(pods(jobs), key=index_of)
    assert [index_of(p) for p in running] == ["0", "1", "2"]
    pod = running[1]
    assert pod["metadata"]["name"].startswith("work-1-")
    assert pod["metadata"]["labels"][INDEX] == "1"
    assert pod["spec"]["hostname"] == "work-1"
    (variable,) = pod["spec"]["containers"][0]["env"]
    assert variable["name"] == "JOB_COMPLETION_INDEX"
    assert variable["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.annotations['{INDEX}']"
    for done in running:
        end(jobs, done, "Succeeded")
    await jobs.settle()
    assert status(jobs)["completedIndexes"] == "0-2"
    (last,) = pods(jobs)
    assert index_of(last) == "3"
    await ended(jobs, last, "Succeeded")
    assert told(jobs) == COMPLETE
    assert (status(jobs)["completedIndexes"], status(jobs)["succeeded"]) == ("0-3", 4)


async def test_failed_pods_are_replaced_after_delays_that_double_until_the_limit(jobs):
    await made(jobs, backoffLimit=2)
    for failures, wait in ((1, 10), (2, 20)):
        await ended(jobs, pods(jobs)[0], "Failed")
        assert status(jobs)["failed"] == failures
        assert pods(jobs) == []
        await jobs.advance(wait - 2)
        assert pods(jobs) == []
        await jobs.advance(3)
        assert len(pods(jobs)) == 1
    await ended(jobs, pods(jobs)[0], "Failed")
    assert told(jobs) == failed("BackoffLimitExceeded")
    assert status(jobs)["failed"] == 3
    assert events(jobs, "BackoffLimitExceeded") == ["Job has reached the specified backoff limit"]


async def test_what_is_still_running_of_a_failed_job_is_deleted_and_counted(jobs):
    await made(jobs, parallelism=2, completions=4, backoffLimit=0)
    await jobs.run_pods()
    await ended(jobs, pods(jobs)[0], "Failed")
    # The other one has its grace period: the Job is to fail, and has not yet.
    assert told(jobs) == failed("BackoffLimitExceeded")[:1]
    assert status(jobs)["terminating"] == 1
    jobs.step_pods()
    await jobs.settle()
    assert told(jobs) == failed("BackoffLimitExceeded")
    assert (status(jobs)["failed"], status(jobs).get("active")) == (2, None)


async def test_a_job_that_is_active_for_too_long_fails(jobs):
    await made(jobs, activeDeadlineSeconds=30)
    await jobs.advance(29)
    assert told(jobs) == []
    await jobs.advance(2)
    await jobs.run_pods()
    assert told(jobs) == failed("DeadlineExceeded")


async def test_suspending_deletes_the_pods_and_resuming_starts_the_clock_again(jobs):
    await made(jobs, parallelism=2, completions=2)
    await jobs.run_pods()
    started = status(jobs)["startTime"]
    await jobs.client.patch(JOBS, "work", {"spec": {"suspend": True}}, namespace="default")
    await jobs.run_pods()
    assert jobs.client.objects(PODS) == []
    assert told(jobs) == [("Suspended", "True", "JobSuspended")]
    assert (status(jobs).get("active"), status(jobs).get("failed")) == (None, None)
    await jobs.advance(60)
    await jobs.client.patch(JOBS, "work", {"spec": {"suspend": False}}, namespace="default")
    await jobs.settle()
    assert len(pods(jobs)) == 2
    assert told(jobs) == [("Suspended", "False", "JobResumed")]
    assert status(jobs)["startTime"] > started
    assert events(jobs, "Suspended") == ["Job suspended"]
    assert events(jobs, "Resumed") == ["Job resumed"]


async def test_fewer_pods_at_once_deletes_some_that_are_no_failures(jobs):
    await made(jobs, parallelism=3, completions=5)
    await jobs.client.patch(JOBS, "work", {"spec": {"parallelism": 1}}, namespace="default")
    await jobs.run_pods()
    assert len(jobs.client.objects(PODS)) == 1
    assert (status(jobs)["active"], status(jobs).get("failed")) == (1, None)
    assert len(events(jobs, "SuccessfulDelete")) == 2


@pytest.mark.parametrize(
    ("rule", "pod", "conditions", "counted"),
    [
        pytest.param(
            {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}},
            {"code": 42},
            failed("PodFailurePolicy"),
            1,
            id="an exit code that fails the job",
        ),
        pytest.param(
            {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [42]}},
            {"code": 42},
            [],
            1,
            id="an exit code that is excepted",
        ),
        pytest.param(
            {"action": "FailJob", "onExitCodes": {"containerName": "d", "operator": "In", "values": [42]}},
            {"code": 42},
            [],
            1,
            id="another container's exit code",
        ),
        pytest.param(
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"conditions": [{"type": "DisruptionTarget", "status": "True"}]},
            [],
            None,
            id="a disruption that is ignored",
        ),
        pytest.param(
            {"action": "Count", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"conditions": [{"type": "DisruptionTarget", "status": "True"}]},
            [],
            1,
            id="a disruption that counts",
        ),
    ],
)
async def test_the_pod_failure_policy_decides_by_its_first_matching_rule(jobs, rule, pod, conditions, counted):
    await made(jobs, podFailurePolicy={"rules": [rule]}, podReplacementPolicy="Failed")
    await ended(jobs, pods(jobs)[0], "Failed", **pod)
    assert told(jobs) == conditions
    assert status(jobs).get("failed") == counted


async def test_a_failing_rule_says_which_container_and_rule(jobs):
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    await made(jobs, podFailurePolicy={"rules": [rule]}, podReplacementPolicy="Failed")
    (pod,) = pods(jobs)
    await ended(jobs, pod, "Failed", code=42)
    container = f"Container c for pod default/{pod['metadata']['name']}"
    expected = f"{container} failed with exit code 42 matching FailJob rule at index 0"
    assert status(jobs)["conditions"][-1]["message"] == expected


async def test_each_index_has_its_own_limit_of_failures(jobs):
    await made(
        jobs, parallelism=2, completions=2, completionMode="Indexed", backoffLimitPerIndex=1, backoffLimit=2**31 - 1
    )
    first, second = sorted(pods(jobs), key=index_of)
    await ended(jobs, first, "Failed")
    assert first["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"] == "0"
    # It is kept, and not counted, until its index has another pod.
    assert status(jobs).get("failed") is None
    await jobs.advance(11)
    (again,) = [p for p in pods(jobs) if index_of(p) == "0"]
    assert again["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"] == "1"
    assert status(jobs)["failed"] == 1
    await ended(jobs, again, "Failed")
    assert (status(jobs)["failedIndexes"], told(jobs)) == ("0", [])
    await ended(jobs, second, "Succeeded")
    assert told(jobs) == failed("FailedIndexes")
    assert (status(jobs)["completedIndexes"], status(jobs)["failed"], status(jobs)["succeeded"]) == ("1", 2, 1)


async def test_more_failed_indexes_than_allowed_end_the_job(jobs):
    await made(
        jobs,
        parallelism=3,
        completions=3,
        completionMode="Indexed",
        backoffLimitPerIndex=0,
        maxFailedIndexes=0,
        backoffLimit=2**31 - 1,
    )
    await ended(jobs, sorted(pods(jobs), key=index_of)[1], "Failed")
    await jobs.run_pods()
    assert told(jobs) == failed("MaxFailedIndexesExceeded")
    assert status(jobs)["failedIndexes"] == "1"


async def test_a_rule_may_fail_an_index_at_once(jobs):
    rule = {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [42]}}
    await made(
        jobs,
        completions=2,
        parallelism=2,
        completionMode="Indexed",
        backoffLimitPerIndex=5,
        backoffLimit=2**31 - 1,
        podFailurePolicy={"rules": [rule]},
        podReplacementPolicy="Failed",
    )
    await ended(jobs, min(pods(jobs), key=index_of), "Failed", code=42)
    assert status(jobs)["failedIndexes"] == "0"


async def test_the_success_policy_ends_the_job_before_all_indexes_are_done(jobs):
    policy = {"rules": [{"succeededIndexes": "1-2", "succeededCount": 1}]}
    await made(jobs, parallelism=3, completions=3, completionMode="Indexed", successPolicy=policy)
    await ended(jobs, sorted(pods(jobs), key=index_of)[1], "Succeeded")
    await jobs.run_pods()
    assert told(jobs) == [("SuccessCriteriaMet", "True", "SuccessPolicy"), ("Complete", "True", "SuccessPolicy")]
    assert status(jobs)["conditions"][0]["message"] == "Matched rules at index 0"
    assert (status(jobs)["completedIndexes"], status(jobs).get("failed")) == ("1", None)


async def test_pods_killed_because_the_job_has_succeeded_are_no_failures_however_they_end(jobs):
    policy = {"rules": [{"succeededIndexes": "1"}]}
    await made(jobs, parallelism=2, completions=2, completionMode="Indexed", successPolicy=policy)
    await jobs.run_pods()
    other, done = sorted(pods(jobs), key=index_of)
    end(jobs, done, "Succeeded")
    # The kubelet is quicker than the next look at the Job.
    jobs.client.react("update", JOBS, lambda action: end_what_is_deleted(jobs, other))
    await jobs.settle()
    await jobs.run_pods()
    assert told(jobs)[-1] == ("Complete", "True", "SuccessPolicy")
    assert status(jobs).get("failed") is None


def end_what_is_deleted(harness, pod: Object) -> None:
    found = harness.client.object(PODS, pod["metadata"]["name"], "default")
    if found is not None and is_deleting(found):
        end(harness, pod, "Failed", code=143)


@pytest.mark.parametrize(("policy", "before"), [("TerminatingOrFailed", 1), ("Failed", 0)])
async def test_a_pod_that_is_being_deleted_is_replaced_by_policy(jobs, policy, before):
    await made(jobs, podReplacementPolicy=policy)
    await jobs.run_pods()
    (pod,) = pods(jobs)
    await jobs.client.delete(PODS, pod["metadata"]["name"], "default")
    await jobs.advance(12)
    assert len(pods(jobs)) == before
    end(jobs, pod, "Failed") if jobs.client.object(PODS, pod["metadata"]["name"], "default") else None
    await jobs.advance(12)
    assert len(pods(jobs)) == 1
    assert status(jobs)["failed"] == 1


async def test_orphans_are_adopted_and_strangers_released_with_the_finalizer(jobs):
    await made(jobs, parallelism=2, completions=2)
    first, second = pods(jobs)
    orphan = {**first, "metadata": {**first["metadata"], "ownerReferences": [], "finalizers": []}}
    jobs.client.seed(PODS, orphan)
    await jobs.client.patch(
        PODS, second["metadata"]["name"], {"metadata": {"labels": {"job": "other"}}}, namespace="default"
    )
    await jobs.settle()
    adopted = jobs.client.object(PODS, first["metadata"]["name"], "default")
    released = jobs.client.object(PODS, second["metadata"]["name"], "default")
    assert adopted["metadata"]["ownerReferences"][0]["name"] == "work"
    assert adopted["metadata"]["finalizers"] == [TRACKING]
    assert not released["metadata"].get("ownerReferences")
    assert not released["metadata"].get("finalizers")


async def test_pods_of_a_job_that_is_gone_are_let_go(jobs):
    await made(jobs, parallelism=2, completions=2)
    jobs.client.remove(JOBS, "work", "default")
    await jobs.settle()
    assert [p["metadata"].get("finalizers") or [] for p in jobs.client.objects(PODS)] == [[], []]


async def test_a_job_that_another_controller_manages_is_left_alone(jobs):
    await made(jobs, managedBy="example.com/queue")
    assert pods(jobs) == []
    assert status(jobs) == {}


async def test_restarts_within_pods_use_up_the_limit(jobs):
    job = a_job(backoffLimit=2)
    job["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure"
    await jobs.client.create(JOBS, job)
    await jobs.run_pods()
    (pod,) = pods(jobs)
    pod["status"]["containerStatuses"] = [{"name": "c", "restartCount": 2, "state": {"running": {}}}]
    jobs.client.seed(PODS, pod)
    await jobs.run_pods()
    assert told(jobs) == failed("BackoffLimitExceeded")
