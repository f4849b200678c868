"""Jobs and CronJobs on real pods. The schedules run while the Jobs are tested: a minute is waited for only once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness import Cluster, eventually
from rest import MERGE_PATCH, Rest
from workloads import CONDITION, IMAGE, changed

INDEX = "batch.kubernetes.io/job-completion-index"
SLEEP = "trap 'exit 143' TERM; sleep 600 & wait"
BEGINNING = [("allow", "Allow"), ("forbid", "Forbid"), ("replace", "Replace"), ("suspended", "Allow")]


def template(script: str, *, restart: str = "Never", **more: Any) -> dict[str, Any]:
    container = {"name": "c", "image": IMAGE, "command": ["sh", "-c", script], **more.pop("container", {})}
    spec = {"restartPolicy": restart, "terminationGracePeriodSeconds": 1, "containers": [container], **more}
    return {"metadata": {"labels": {"made-by": "test"}}, "spec": spec}


class Batch:
    """The Jobs and CronJobs of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.rest, self.namespace = cluster, Rest(cluster), namespace
        self.jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self.cron_jobs = f"/apis/batch/v1/namespaces/{namespace}/cronjobs"
        self.all_pods = f"/api/v1/namespaces/{namespace}/pods"

    def job(self, name: str, script: str, template_options: dict[str, Any] | None = None, **spec: Any) -> Any:
        body = {"metadata": {"name": name}, "spec": {"template": template(script, **(template_options or {})), **spec}}
        return self.rest.ok("POST", self.jobs, body)

    def read(self, name: str) -> dict[str, Any]:
        return dict(self.rest.ok("GET", f"{self.jobs}/{name}"))

    def pods(self, name: str) -> list[dict[str, Any]]:
        found = self.rest.ok("GET", f"{self.all_pods}?labelSelector=batch.kubernetes.io%2Fjob-name%3D{name}")
        return list(found["items"])

    def running(self, name: str, count: int) -> list[dict[str, Any]]:
        def enough() -> list[dict[str, Any]] | None:
            pods = [
                pod
                for pod in self.pods(name)
                if pod["status"].get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")
            ]
            return pods if len(pods) == count else None

        return eventually(enough, f"{count} pods of {name} run") or []

    def ended(self, name: str, condition: str = "Complete") -> dict[str, Any]:
        def told() -> dict[str, Any] | None:
            job = self.read(name)
            conditions = (job.get("status") or {}).get("conditions") or []
            return job if any(c["type"] == condition and c["status"] == "True" for c in conditions) else None

        return eventually(told, f"{name} is {condition}") or {}

    def active(self, name: str) -> list[str]:
        found = self.rest.ok("GET", f"{self.cron_jobs}/{name}").get("status") or {}
        return [reference["name"] for reference in found.get("active") or []]

    def scheduled(self, name: str) -> list[str]:
        found = self.rest.ok("GET", self.jobs)["items"]
        owners = ((job["metadata"]["name"], job["metadata"].get("ownerReferences") or []) for job in found)
        return [job for job, references in owners if any(owner["name"] == name for owner in references)]


@pytest.fixture(scope="module")
def batch(cluster: Cluster) -> Iterator[Batch]:
    """The CronJobs have missed their last minute, so that each begins at once and comes again with the next."""
    with cluster.namespace("batch") as name:
        batch = Batch(cluster, name)
        missed = (datetime.now(UTC) - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for cron_job, policy in BEGINNING:
            spec = {
                "schedule": "*/1 * * * *",
                "concurrencyPolicy": policy,
                "suspend": True,
                "jobTemplate": {"spec": {"template": template(SLEEP)}},
            }
            batch.rest.ok("POST", batch.cron_jobs, {"metadata": {"name": cron_job}, "spec": spec})
            batch.rest.patch(f"{batch.cron_jobs}/{cron_job}/status", {"status": {"lastScheduleTime": missed}})
            if cron_job != "suspended":
                batch.rest.patch(f"{batch.cron_jobs}/{cron_job}", {"spec": {"suspend": False}})
        yield batch


class TestJobs:
    @pytest.mark.conformance("Jobs, completion after task failure")
    def test_tasks_that_fail_at_first_are_restarted_in_place(self, batch: Batch) -> None:
        script = "if test -f /data/failed; then exit 0; fi; touch /data/failed; exit 1"
        kept = {
            "volumes": [{"name": "data", "emptyDir": {}}],
            "container": {"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
        }
        batch.job("restarted", script, {"restart": "OnFailure", **kept}, parallelism=2, completions=2)
        status = batch.ended("restarted")["status"]
        assert status["succeeded"] == 2
        assert not status.get("failed")

    @pytest.mark.conformance("Ensure Pods of an Indexed Job get a unique index.")
    def test_indexes_are_known_to_the_pods_by_annotation_variable_and_host_name(self, batch: Batch) -> None:
        script = "echo $JOB_COMPLETION_INDEX $(hostname)"
        batch.job("indexed", script, completionMode="Indexed", parallelism=2, completions=4)
        status = batch.ended("indexed")["status"]
        assert (status["completedIndexes"], status["succeeded"]) == ("0-3", 4)
        pods = batch.pods("indexed")
        assert sorted(pod["metadata"]["annotations"][INDEX] for pod in pods) == ["0", "1", "2", "3"]
        for pod in pods:
            index = pod["metadata"]["annotations"][INDEX]
            log = batch.rest("GET", f"{batch.all_pods}/{pod['metadata']['name']}/log", accept="*/*").text
            assert log.split() == [index, f"indexed-{index}"]
            assert not pod["metadata"].get("finalizers")

    @pytest.mark.conformance("Jobs, active pods, graceful termination")
    def test_a_deleted_job_takes_its_pods_with_it(self, batch: Batch) -> None:
        batch.job("deleted", SLEEP, parallelism=2, completions=4)
        batch.running("deleted", 2)
        eventually(lambda: batch.read("deleted")["status"].get("active") == 2, "two pods are active")
        options = {"propagationPolicy": "Foreground"}
        batch.rest.ok("DELETE", f"{batch.jobs}/deleted", options)
        batch.rest.gone(f"{batch.jobs}/deleted")
        assert batch.pods("deleted") == []

    @pytest.mark.conformance("Jobs, orphan pods, re-adoption")
    def test_an_orphan_is_adopted_again_and_a_pod_of_other_labels_released(self, batch: Batch) -> None:
        batch.job("adopting", SLEEP, parallelism=2, completions=4)
        orphan, stranger = batch.running("adopting", 2)
        path = f"{batch.all_pods}/{orphan['metadata']['name']}"
        batch.rest.patch(path, {"metadata": {"ownerReferences": None}})

        def owners(path: str) -> list[str]:
            references = batch.rest.ok("GET", path)["metadata"].get("ownerReferences") or []
            return [reference["name"] for reference in references]

        eventually(lambda: owners(path) == ["adopting"], "the orphan is adopted")
        path = f"{batch.all_pods}/{stranger['metadata']['name']}"
        labels = dict.fromkeys(stranger["metadata"]["labels"])
        batch.rest.patch(path, {"metadata": {"labels": labels}})
        eventually(lambda: owners(path) == [], "the stranger is released")
        released = batch.rest.ok("GET", path)
        assert not released["metadata"].get("finalizers")
        batch.rest.ok("DELETE", path)

    @pytest.mark.conformance("Verify Pod Failure policy allows to fail job early on exit code.")
    def test_an_exit_code_may_fail_the_job_at_once(self, batch: Batch) -> None:
        rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
        script = f'test "$JOB_COMPLETION_INDEX" = 0 && exit 42; {SLEEP}'
        policy = {"rules": [rule]}
        batch.job("early", script, completionMode="Indexed", parallelism=2, completions=2, podFailurePolicy=policy)
        conditions = batch.ended("early", "Failed")["status"]["conditions"]
        assert [c["type"] for c in conditions] == ["FailureTarget", "Failed"]
        assert {c["reason"] for c in conditions} == {"PodFailurePolicy"}
        assert "failed with exit code 42 matching FailJob rule at index 0" in conditions[-1]["message"]

    @pytest.mark.conformance(
        "Ensure pod failure policy allows to ignore failure matching on the DisruptionTarget condition"
    )
    def test_evictions_may_be_no_failures(self, batch: Batch, tmp_path: Path) -> None:
        rules = [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [0]}},
        ]
        mark = "/data/$JOB_COMPLETION_INDEX"
        script = f"if test -f {mark}; then exit 0; fi; touch {mark}; {SLEEP}"
        kept = {
            "volumes": [{"name": "data", "hostPath": {"path": str(tmp_path)}}],
            "container": {"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
        }
        spec = {"completionMode": "Indexed", "parallelism": 2, "completions": 2, "backoffLimit": 0}
        batch.job("evicted", script, kept, podFailurePolicy={"rules": rules}, **spec)
        pods = batch.running("evicted", 2)
        eventually(lambda: len(list(tmp_path.iterdir())) == 2, "both have left their marks")
        for pod in pods:
            name = pod["metadata"]["name"]
            eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
            batch.rest.ok("POST", f"{batch.all_pods}/{name}/eviction", eviction)
        status = batch.ended("evicted")["status"]
        assert (status["succeeded"], status.get("failed", 0)) == (2, 0)

    @pytest.mark.conformance("Jobs, apply changes to status")
    def test_the_status_is_patched_replaced_and_read(self, batch: Batch) -> None:
        batch.job("told", SLEEP, parallelism=2, completions=4)
        batch.running("told", 2)
        path = f"{batch.jobs}/told/status"
        note = {"metadata": {"annotations": {"patched": "yes"}}, "status": {"conditions": [CONDITION]}}
        answer = batch.rest("PATCH", path, note, content_type=MERGE_PATCH)
        assert answer.status_code == 200, answer.text
        assert answer.json()["metadata"]["annotations"]["patched"] == "yes"

        def tell(job: dict[str, Any]) -> None:
            job["status"].setdefault("conditions", []).append({**CONDITION, "type": "Updated"})

        changed(batch.rest, path, tell)
        assert "Updated" in [c["type"] for c in batch.rest.ok("GET", path)["status"]["conditions"]]
        batch.rest.ok("DELETE", f"{batch.jobs}/told", {"propagationPolicy": "Background"})

    @pytest.mark.conformance("Jobs, manage lifecycle")
    def test_a_suspended_job_is_patched_replaced_listed_and_deleted_with_its_like(self, batch: Batch) -> None:
        batch.job("managed", "exit 0", parallelism=2, completions=4, suspend=True)
        path = f"{batch.jobs}/managed"
        labelled = batch.rest.patch(path, {"metadata": {"labels": {"managed": "yes"}}})
        assert labelled["metadata"]["labels"]["managed"] == "yes"
        changed(batch.rest, path, lambda job: job["metadata"].update(annotations={"updated": "true"}))
        assert batch.read("managed")["metadata"]["annotations"]["updated"] == "true"
        everywhere = "/apis/batch/v1/jobs?labelSelector=managed%3Dyes"
        assert len(batch.rest.ok("GET", everywhere)["items"]) == 1
        changed(batch.rest, path, lambda job: job["spec"].update(suspend=False))
        batch.ended("managed")
        options = {"propagationPolicy": "Background"}
        batch.rest.ok("DELETE", f"{batch.jobs}?labelSelector=managed%3Dyes", options)
        eventually(lambda: not batch.rest.ok("GET", everywhere)["items"], "the collection is gone")

    def test_suspending_takes_the_pods_away_and_resuming_brings_new_ones(self, batch: Batch) -> None:
        batch.job("paused", SLEEP, parallelism=2, completions=2, activeDeadlineSeconds=600)
        batch.running("paused", 2)
        batch.rest.patch(f"{batch.jobs}/paused", {"spec": {"suspend": True}})
        batch.ended("paused", "Suspended")
        eventually(lambda: not batch.pods("paused"), "the pods are gone")
        assert not batch.read("paused")["status"].get("startTime")
        batch.rest.patch(f"{batch.jobs}/paused", {"spec": {"suspend": False}})
        batch.running("paused", 2)
        status = batch.read("paused")["status"]
        assert status["startTime"]
        assert not status.get("failed")
        batch.rest.patch(f"{batch.jobs}/paused", {"spec": {"activeDeadlineSeconds": 1}})
        status = batch.ended("paused", "Failed")["status"]
        assert [c["reason"] for c in status["conditions"][-2:]] == ["DeadlineExceeded"] * 2
        assert (status["failed"], status.get("active", 0), status.get("terminating", 0)) == (2, 0, 0)

    def test_every_index_has_its_own_limit_and_enough_of_them_make_a_success(self, batch: Batch) -> None:
        fails = "exit $((JOB_COMPLETION_INDEX % 2))"
        spec = {"completionMode": "Indexed", "parallelism": 4, "completions": 4}
        batch.job("by-index", fails, backoffLimitPerIndex=0, **spec)
        status = batch.ended("by-index", "Failed")["status"]
        assert (status["completedIndexes"], status["failedIndexes"], status["failed"]) == ("0,2", "1,3", 2)
        assert status["conditions"][-1]["reason"] == "FailedIndexes"
        chosen = f'test "$JOB_COMPLETION_INDEX" = 2 && exit 0; {SLEEP}'
        batch.job("chosen", chosen, successPolicy={"rules": [{"succeededIndexes": "2"}]}, **spec)
        status = batch.ended("chosen")["status"]
        assert (status["completedIndexes"], status["succeeded"], status.get("failed", 0)) == ("2", 1, 0)
        assert status["conditions"][-1]["reason"] == "SuccessPolicy"

    def test_a_finished_job_goes_when_its_time_is_over(self, batch: Batch) -> None:
        batch.cluster.kubectl("create", "job", "passing", f"--image={IMAGE}", "-n", batch.namespace, "--", "true")
        batch.cluster.kubectl("wait", "job/passing", "--for=condition=complete", "-n", batch.namespace)
        assert "1/1" in batch.cluster.kubectl("get", "job", "passing", "-n", batch.namespace)
        batch.rest.patch(f"{batch.jobs}/passing", {"spec": {"ttlSecondsAfterFinished": 1}})
        batch.rest.gone(f"{batch.jobs}/passing")
        eventually(lambda: not batch.pods("passing"), "its pods are gone too")


class TestCronJobs:
    @pytest.mark.conformance("CronJob AllowConcurrent")
    def test_several_jobs_run_at_once(self, batch: Batch) -> None:
        eventually(lambda: len(batch.active("allow")) >= 2, "two jobs are active", timeout=75)
        assert len(batch.scheduled("allow")) >= 2

    @pytest.mark.conformance("CronJob ReplaceConcurrent")
    def test_a_newer_job_takes_the_place_of_the_older(self, batch: Batch) -> None:
        first = eventually(lambda: batch.active("replace"), "one job is active")
        eventually(lambda: batch.active("replace") not in ([], first), "another one is active", timeout=75)
        assert len(batch.active("replace")) == 1
        eventually(lambda: batch.scheduled("replace") == batch.active("replace"), "there is no other job")

    @pytest.mark.conformance("CronJob ForbidConcurrent")
    def test_no_other_job_is_made_while_one_runs(self, batch: Batch) -> None:
        [only] = eventually(lambda: batch.active("forbid"), "one job is active")
        events = f"/api/v1/namespaces/{batch.namespace}/events?fieldSelector=reason%3DJobAlreadyActive"
        eventually(lambda: batch.rest.ok("GET", events)["items"], "the next was held back", timeout=75)
        assert batch.active("forbid") == batch.scheduled("forbid") == [only]

    @pytest.mark.conformance("CronJob Suspend")
    def test_nothing_is_made_while_it_is_suspended(self, batch: Batch) -> None:
        """Its neighbours, of the same schedule, have been made twice meanwhile."""
        assert len(batch.scheduled("allow")) >= 2
        time.sleep(1)
        assert batch.scheduled("suspended") == batch.active("suspended") == []
