from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apiserver.settings import Settings

FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
PODS = "/api/v1/namespaces/default/pods"
ALICE, BOB = ("alice",), ("bob",)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_requests_inflight": 1, "max_mutating_requests_inflight": 0})


async def test_the_default_objects_are_there(api: Any) -> None:
    schemas = await api.ok("GET", f"{FLOW}/flowschemas")
    assert len(schemas["items"]) == 13
    levels = await api.ok("GET", f"{FLOW}/prioritylevelconfigurations")
    assert {item["metadata"]["name"] for item in levels["items"]} >= {"exempt", "catch-all", "workload-low"}


async def test_an_answer_names_its_schema_and_level(api: Any) -> None:
    answer = await api("GET", PODS)
    exempt = await api.ok("GET", f"{FLOW}/flowschemas/exempt")
    assert answer.headers["x-kubernetes-pf-flowschema-uid"] == exempt["metadata"]["uid"]
    assert answer.headers["x-kubernetes-pf-prioritylevel-uid"]


async def test_what_finds_no_seat_waits_or_is_told_to_come_again(api: Any) -> None:
    control = api.core.flow_control
    [level] = [level for name, level in control._levels.items() if name == "global-default"]
    while level.take():
        pass
    waiting = [asyncio.ensure_future(api("GET", PODS, user=ALICE)) for _ in range(level.limits.queue_length)]
    await asyncio.sleep(0)
    answer = await api("GET", PODS, user=ALICE)
    assert (answer.status, answer.json["reason"], answer.headers["retry-after"]) == (429, "TooManyRequests", "1")
    other = asyncio.ensure_future(api("GET", PODS, user=BOB))
    await asyncio.sleep(0)
    assert (await api("GET", PODS)).status == 200
    level.give()
    assert {answer.status for answer in await asyncio.gather(*waiting, other)} == {403}
    text = (await api("GET", "/metrics")).body.decode()
    assert (
        'apiserver_flowcontrol_rejected_requests_total{flow_schema="global-default",'
        'priority_level="global-default",reason="queue-full"} 1.0'
    ) in text
    labels = 'flow_schema="global-default",priority_level="global-default"'
    assert f"apiserver_flowcontrol_current_inqueue_requests{{{labels}}} 0.0" in text
    assert f"apiserver_flowcontrol_current_executing_requests{{{labels}}} 0.0" in text
    assert f"apiserver_flowcontrol_dispatched_requests_total{{{labels}}} {level.limits.queue_length + 1}.0" in text
    assert 'apiserver_flowcontrol_nominal_limit_seats{priority_level="global-default"} 1.0' in text


async def test_a_new_schema_counts_at_once(api: Any) -> None:
    spec = {
        "priorityLevelConfiguration": {"name": "exempt"},
        "matchingPrecedence": 5,
        "rules": [
            {
                "subjects": [{"kind": "User", "user": {"name": "alice"}}],
                "resourceRules": [
                    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
                ],
            }
        ],
    }
    made = await api.ok("POST", f"{FLOW}/flowschemas", {"metadata": {"name": "alices"}, "spec": spec})
    await api.ok("GET", f"{FLOW}/flowschemas")
    answer = await api("GET", PODS, user=ALICE)
    assert answer.headers["x-kubernetes-pf-flowschema-uid"] == made["metadata"]["uid"]
