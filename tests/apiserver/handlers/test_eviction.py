from __future__ import annotations

import asyncio
from typing import Any

import pytest

PODS = "/api/v1/namespaces/default/pods"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget."


async def a_pod(api: Any, name: str = "p", *, phase: str = "Running", ready: bool = True, node: str = "n") -> Any:
    spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": node}
    pod = await api.ok("POST", PODS, {"metadata": {"name": name, "labels": {"app": "x"}}, "spec": spec})
    pod["status"] = {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]}
    return await api.ok("PUT", f"{PODS}/{name}/status", pod)


async def a_budget(api: Any, name: str = "b", *, allowed: int = 1, **changes: Any) -> Any:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}, **changes.pop("spec", {})}
    budget = await api.ok("POST", BUDGETS, {"metadata": {"name": name}, "spec": spec})
    budget["status"] = {
        "observedGeneration": 1,
        "disruptionsAllowed": allowed,
        "currentHealthy": 1 + allowed,
        "desiredHealthy": 1,
        "expectedPods": 2,
        **changes,
    }
    return await api.ok("PUT", f"{BUDGETS}/{name}/status", budget)


async def evict(api: Any, name: str = "p", query: str = "", **fields: Any) -> Any:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}, **fields}
    return await api("POST", f"{PODS}/{name}/eviction{query}", body)


async def test_a_pod_without_a_budget_is_deleted_and_says_why(api: Any) -> None:
    await a_pod(api)
    answer = await evict(api)
    assert (answer.status, answer.json["status"]) == (201, "Success")
    pod = await api.ok("GET", f"{PODS}/p")
    assert pod["metadata"]["deletionTimestamp"]
    target = pod["status"]["conditions"][-1]
    del target["lastTransitionTime"]
    assert target == {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastProbeTime": None,
    }


@pytest.mark.conformance("PodDisruptionBudget: block an eviction until the PDB is updated to allow it")
async def test_a_budget_is_spent_once(api: Any) -> None:
    await a_pod(api, "p")
    await a_pod(api, "q")
    await a_budget(api, allowed=1)
    assert (await evict(api, "p")).status == 201
    status = (await api.ok("GET", f"{BUDGETS}/b"))["status"]
    assert status["disruptionsAllowed"] == 0
    assert list(status["disruptedPods"]) == ["p"]
    assert [(c["type"], c["status"], c["reason"]) for c in status["conditions"]] == [
        ("DisruptionAllowed", "False", "InsufficientPods")
    ]
    refused = await evict(api, "q")
    assert (refused.status, refused.message, refused.json["reason"]) == (429, REFUSAL, "TooManyRequests")
    assert refused.json["details"]["causes"] == [
        {"reason": "DisruptionBudget", "message": "The disruption budget b does not allow evicting pods currently"}
    ]
    assert "retry-after" not in refused.headers
    assert "deletionTimestamp" not in (await api.ok("GET", f"{PODS}/q"))["metadata"]


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        pytest.param(
            {"currentHealthy": 1, "desiredHealthy": 1},
            "The disruption budget b needs 1 healthy pods and has 1 currently",
            id="too few healthy pods",
        ),
        pytest.param(
            {"conditions": [{"reason": "SyncFailed", "message": "no scale"}]},
            "The disruption budget b does not allow evicting pods currently because it failed sync: no scale",
            id="a budget that could not be counted",
        ),
        pytest.param(
            {"currentHealthy": 3, "conditions": [{"reason": "InsufficientPods", "message": "wait"}]},
            "The disruption budget b does not allow evicting pods currently (InsufficientPods): wait",
            id="a reason of the controller",
        ),
    ],
)
async def test_why_a_budget_refuses(api: Any, status: dict[str, Any], cause: str) -> None:
    await a_pod(api)
    conditions = [
        {"type": "DisruptionAllowed", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z", **condition}
        for condition in status.pop("conditions", [])
    ]
    await a_budget(api, allowed=0, conditions=conditions, **status)
    assert (await evict(api)).json["details"]["causes"][0]["message"] == cause


async def test_evictions_at_the_same_time_never_exceed_a_budget_together(api: Any) -> None:
    names = [f"p{number}" for number in range(6)]
    for name in names:
        await a_pod(api, name)
    await a_budget(api, allowed=2)
    answers = await asyncio.gather(*(evict(api, name) for name in names))
    assert sorted(answer.status for answer in answers) == [201, 201, 429, 429, 429, 429]
    status = (await api.ok("GET", f"{BUDGETS}/b"))["status"]
    assert (status["disruptionsAllowed"], len(status["disruptedPods"])) == (0, 2)


async def test_a_budget_that_was_changed_meanwhile_is_waited_for(api: Any) -> None:
    await a_pod(api)
    await a_budget(api, observedGeneration=0)
    refused = await evict(api)
    assert (refused.status, refused.headers["retry-after"]) == (429, "10")
    assert refused.json["details"] == {
        "causes": [
            {"reason": "DisruptionBudget", "message": "The disruption budget b is still being processed by the server."}
        ],
        "retryAfterSeconds": 10,
    }


async def test_several_budgets_are_not_supported(api: Any) -> None:
    await a_pod(api)
    await a_budget(api, "b")
    await a_budget(api, "c", spec={"selector": {}})
    answer = await evict(api)
    assert answer.status == 500
    assert answer.message == (
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    )


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
async def test_a_pod_that_serves_nobody_goes_whatever_its_budget_says(api: Any, phase: str) -> None:
    await a_pod(api, phase=phase)
    await a_budget(api, allowed=0)
    assert (await evict(api)).status == 201
    assert (await api.ok("GET", f"{BUDGETS}/b"))["status"]["disruptionsAllowed"] == 0


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        pytest.param({"currentHealthy": 1, "desiredHealthy": 1}, 201, id="where enough others are healthy"),
        pytest.param({"currentHealthy": 0, "desiredHealthy": 1}, 429, id="not where too few are"),
        pytest.param(
            {"currentHealthy": 0, "desiredHealthy": 1, "spec": {"unhealthyPodEvictionPolicy": "AlwaysAllow"}},
            201,
            id="always where the budget says so",
        ),
        pytest.param(
            {"currentHealthy": 0, "desiredHealthy": 1, "spec": {"unhealthyPodEvictionPolicy": "IfHealthyBudget"}},
            429,
            id="not by the other policy",
        ),
    ],
)
async def test_a_pod_that_is_not_ready_goes(api: Any, budget: dict[str, Any], expected: int) -> None:
    await a_pod(api, ready=False)
    await a_budget(api, allowed=0, **budget)
    assert (await evict(api)).status == expected


async def test_a_dry_run_changes_nothing(api: Any) -> None:
    await a_pod(api)
    budget = await a_budget(api)
    assert (await evict(api, query="?dryRun=All")).status == 201
    assert (await evict(api, deleteOptions={"dryRun": ["All"]})).status == 201
    assert await api.ok("GET", f"{BUDGETS}/b") == budget
    assert "deletionTimestamp" not in (await api.ok("GET", f"{PODS}/p"))["metadata"]


async def test_delete_options_are_honoured(api: Any) -> None:
    pod = await a_pod(api)
    uid = {"preconditions": {"uid": "other"}}
    assert (await evict(api, deleteOptions=uid)).status == 409
    version = {"preconditions": {"resourceVersion": pod["metadata"]["resourceVersion"]}, "gracePeriodSeconds": 0}
    assert (await evict(api, deleteOptions=version)).status == 201
    assert (await api("GET", f"{PODS}/p")).status == 404


async def test_the_older_version_is_taken(api: Any) -> None:
    await a_pod(api)
    assert (await evict(api, apiVersion="policy/v1beta1")).status == 201


async def test_the_names_must_agree(api: Any) -> None:
    answer = await evict(api, metadata={"name": "other"})
    assert (answer.status, answer.message) == (400, "name in URL does not match name in Eviction object")


async def test_a_pod_that_is_not_there(api: Any) -> None:
    answer = await evict(api)
    assert (answer.status, answer.message) == (404, 'pods "p" not found')
