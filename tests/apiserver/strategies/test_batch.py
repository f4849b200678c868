from __future__ import annotations

from typing import Any

import pytest

from apiserver.strategies.batch import with_generated_selector

JOBS = "/apis/batch/v1/namespaces/default/jobs"
TEMPLATE = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}


async def test_a_job_selects_its_pods_by_its_uid(api: Any) -> None:
    job = await api.ok("POST", JOBS, {"metadata": {"name": "j"}, "spec": {"template": TEMPLATE}})
    uid, spec = job["metadata"]["uid"], job["spec"]
    marks = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "j",
        "controller-uid": uid,
        "job-name": "j",
    }
    assert spec["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert spec["template"]["metadata"]["labels"] == marks
    assert job["metadata"]["labels"] == marks
    assert job["metadata"]["generation"] == 1
    assert job["status"] == {}
    kept = {key: spec[key] for key in spec if key not in ("selector", "template")}
    assert kept == {
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "completions": 1,
        "manualSelector": False,
        "parallelism": 1,
        "podReplacementPolicy": "TerminatingOrFailed",
        "suspend": False,
    }


async def test_a_job_may_select_by_hand(api: Any) -> None:
    spec = {
        "manualSelector": True,
        "selector": {"matchLabels": {"a": "b"}},
        "template": {**TEMPLATE, "metadata": {"labels": {"a": "b"}}},
    }
    job = await api.ok("POST", JOBS, {"metadata": {"name": "j"}, "spec": spec})
    assert job["spec"]["selector"] == {"matchLabels": {"a": "b"}}
    assert job["spec"]["template"]["metadata"]["labels"] == {"a": "b"}


def test_labels_of_its_own_stay() -> None:
    job = with_generated_selector({"metadata": {"name": "j", "uid": "u", "labels": {"mine": "x"}}, "spec": {}})
    assert job["metadata"]["labels"] == {"mine": "x"}


def test_what_the_client_wrote_is_left_for_validation_to_refuse() -> None:
    template = {"metadata": {"labels": {"job-name": "other"}}}
    job = with_generated_selector({"metadata": {"name": "j", "uid": "u"}, "spec": {"template": template}})
    assert job["spec"]["template"]["metadata"]["labels"]["job-name"] == "other"


@pytest.mark.parametrize(("spec", "generation"), [({"suspend": True}, 2), ({}, 1)], ids=["a change", "no change"])
async def test_changes_are_counted(api: Any, spec: dict[str, Any], generation: int) -> None:
    job = await api.ok("POST", JOBS, {"metadata": {"name": "j"}, "spec": {"template": TEMPLATE}})
    job["spec"] |= spec
    job["status"] = {"active": 1}
    changed = await api.ok("PUT", f"{JOBS}/j", job)
    assert (changed["metadata"]["generation"], changed["status"]) == (generation, {})


async def test_the_pods_of_a_deleted_job_stay_unless_it_is_said_otherwise(api: Any) -> None:
    for name in ("j", "k"):
        await api.ok("POST", JOBS, {"metadata": {"name": name}, "spec": {"template": TEMPLATE}})
    answer = await api("DELETE", f"{JOBS}/j")
    assert answer.json["metadata"]["finalizers"] == ["orphan"]
    assert "child pods are preserved by default when jobs are deleted" in answer.warnings[0]
    answer = await api("DELETE", f"{JOBS}/k?propagationPolicy=Background")
    assert (answer.json["status"], answer.warnings) == ("Success", ())
