"""The life of workload objects over HTTP, as far as the API goes: what conformance asks of each kind's endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api.meta import Object

DEFAULT = "/namespaces/default"
POD_TEMPLATES = f"/api/v1{DEFAULT}/podtemplates"
CRON_JOBS = f"/apis/batch/v1{DEFAULT}/cronjobs"
BUDGETS = f"/apis/policy/v1{DEFAULT}/poddisruptionbudgets"
MERGE = {"content-type": "application/merge-patch+json"}
LABELS = {"app": "x"}
POD_SPEC = {"containers": [{"name": "c", "image": "i"}]}
POD_TEMPLATE = {"metadata": {"labels": LABELS}, "spec": POD_SPEC}


def a_pod_template(name: str) -> Object:
    return {"metadata": {"name": name, "labels": LABELS}, "template": POD_TEMPLATE}


def a_cron_job(name: str) -> Object:
    template = {"spec": {**POD_SPEC, "restartPolicy": "OnFailure"}}
    spec = {"schedule": "* */1 * * ?", "jobTemplate": {"spec": {"template": template}}}
    return {"metadata": {"name": name, "labels": LABELS}, "spec": spec}


def a_budget(name: str) -> Object:
    return {"metadata": {"name": name, "labels": LABELS}, "spec": {"minAvailable": "1%", "selector": {}}}


async def names_in(api: Any, path: str) -> list[str]:
    listed = await api.ok("GET", f"{path}?labelSelector=app%3Dx")
    return [item["metadata"]["name"] for item in listed["items"]]


@pytest.mark.conformance("PodTemplate lifecycle")
async def test_the_life_of_a_pod_template(api: Any) -> None:
    created = await api.ok("POST", POD_TEMPLATES, a_pod_template("t"))
    assert created["metadata"]["generation"] == 1
    patch = {"metadata": {"labels": {"state": "patched"}}}
    await api.ok("PATCH", f"{POD_TEMPLATES}/t", patch, headers=MERGE)
    assert (await api.ok("GET", f"{POD_TEMPLATES}/t"))["metadata"]["labels"] == {**LABELS, "state": "patched"}
    everywhere = await api.ok("GET", "/api/v1/podtemplates?labelSelector=state%3Dpatched")
    assert len(everywhere["items"]) == 1
    await api.ok("DELETE", f"{POD_TEMPLATES}/t")
    assert await names_in(api, POD_TEMPLATES) == []


@pytest.mark.conformance("PodTemplate, replace")
async def test_a_pod_template_is_replaced(api: Any) -> None:
    template = await api.ok("POST", POD_TEMPLATES, a_pod_template("t"))
    template["metadata"]["annotations"] = {"updated": "true"}
    replaced = await api.ok("PUT", f"{POD_TEMPLATES}/t", template)
    assert replaced["metadata"]["annotations"] == {"updated": "true"}


@pytest.mark.conformance("PodTemplate, delete a collection", "PodDisruptionBudget: list and delete collection")
@pytest.mark.parametrize(
    ("path", "make"),
    [(POD_TEMPLATES, a_pod_template), (BUDGETS, a_budget)],
    ids=["pod templates", "budgets"],
)
async def test_a_collection_is_deleted_by_its_label(api: Any, path: str, make: Any) -> None:
    for name in ("a", "b", "c"):
        await api.ok("POST", path, make(name))
    assert await names_in(api, path) == ["a", "b", "c"]
    await api.ok("DELETE", f"{path}?labelSelector=app%3Dx")
    assert await names_in(api, path) == []


@pytest.mark.conformance("PodDisruptionBudget: create, update, patch, and delete object")
async def test_the_life_of_a_budget(api: Any) -> None:
    budget = await api.ok("POST", BUDGETS, a_budget("b"))
    budget["spec"]["minAvailable"] = "2%"
    budget = await api.ok("PUT", f"{BUDGETS}/b", budget)
    assert (budget["spec"]["minAvailable"], budget["metadata"]["generation"]) == ("2%", 2)
    budget = await api.ok("PATCH", f"{BUDGETS}/b", {"spec": {"minAvailable": "3%"}}, headers=MERGE)
    assert (budget["spec"]["minAvailable"], budget["metadata"]["generation"]) == ("3%", 3)
    await api.ok("DELETE", f"{BUDGETS}/b")
    assert (await api("GET", f"{BUDGETS}/b")).status == 404


@pytest.mark.conformance("PodDisruptionBudget: update and patch status")
async def test_the_status_of_a_budget(api: Any) -> None:
    budget = await api.ok("POST", BUDGETS, a_budget("b"))
    budget["status"]["disruptedPods"] = {"p": "2026-01-01T00:00:00Z"}
    updated = await api.ok("PUT", f"{BUDGETS}/b/status", budget)
    assert list(updated["status"]["disruptedPods"]) == ["p"]
    patched = await api.ok("PATCH", f"{BUDGETS}/b/status", {"status": {"disruptedPods": None}}, headers=MERGE)
    assert "disruptedPods" not in patched["status"]
    assert patched["metadata"]["generation"] == 1


@pytest.mark.conformance("CronJob API Operations")
async def test_the_operations_on_cron_jobs(api: Any) -> None:
    for name in ("a", "b", "c"):
        await api.ok("POST", CRON_JOBS, a_cron_job(name))
    assert await names_in(api, CRON_JOBS) == ["a", "b", "c"]
    assert len((await api.ok("GET", "/apis/batch/v1/cronjobs"))["items"]) == 3
    watched = api.watch(f"{CRON_JOBS}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Da")
    assert (await anext(watched))["type"] == "ADDED"
    await api.ok("PATCH", f"{CRON_JOBS}/a", {"metadata": {"annotations": {"patched": "true"}}}, headers=MERGE)
    assert (await anext(watched))["object"]["metadata"]["annotations"] == {"patched": "true"}
    await watched.aclose()
    cron_job = await api.ok("GET", f"{CRON_JOBS}/a")
    cron_job["metadata"]["annotations"]["updated"] = "true"
    await api.ok("PUT", f"{CRON_JOBS}/a", cron_job)
    status = {"lastScheduleTime": "2026-01-01T00:00:00Z"}
    patch = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": status}
    patched = await api.ok("PATCH", f"{CRON_JOBS}/a/status", patch, headers=MERGE)
    assert (patched["status"], patched["metadata"]["annotations"]["patchedstatus"]) == (status, "true")
    patched["status"]["lastScheduleTime"] = "2026-01-02T00:00:00Z"
    await api.ok("PUT", f"{CRON_JOBS}/a/status", patched)
    seen = await api.ok("GET", f"{CRON_JOBS}/a/status")
    assert seen["status"]["lastScheduleTime"] == "2026-01-02T00:00:00Z"
    await api.ok("DELETE", f"{CRON_JOBS}/a")
    await api.ok("DELETE", f"{CRON_JOBS}?labelSelector=app%3Dx")
    assert await names_in(api, CRON_JOBS) == []


@pytest.mark.conformance("Jobs, apply changes to status")
async def test_the_status_of_a_job(api: Any) -> None:
    path = f"/apis/batch/v1{DEFAULT}/jobs"
    template = {"spec": {**POD_SPEC, "restartPolicy": "Never"}}
    await api.ok("POST", path, {"metadata": {"name": "j"}, "spec": {"suspend": True, "template": template}})
    condition = {"type": "CustomConditionType", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    patch = {"metadata": {"annotations": {"patched": "true"}}, "status": {"conditions": [condition]}}
    patched = await api.ok("PATCH", f"{path}/j/status", patch, headers=MERGE)
    assert (patched["status"]["conditions"], patched["metadata"]["annotations"]) == ([condition], {"patched": "true"})
    patched["status"]["startTime"] = "2026-01-01T00:00:00Z"
    updated = await api.ok("PUT", f"{path}/j/status", patched)
    assert updated["status"]["startTime"] == "2026-01-01T00:00:00Z"
    assert (await api.ok("GET", f"{path}/j/status"))["status"] == updated["status"]
