"""What fuzzing has found once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
REVISIONS = "/apis/apps/v1/namespaces/default/controllerrevisions"
EVENTS = "/api/v1/namespaces/default/events"
PODS = "/api/v1/namespaces/default/pods"
MERGE = {"content-type": "application/merge-patch+json"}
JSON_PATCH = {"content-type": "application/json-patch+json"}
APPLY = {"content-type": "application/apply-patch+yaml"}
YAML = {"content-type": "application/yaml"}
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def deep(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def revision(data: bytes) -> bytes:
    return b'{"metadata":{"name":"x"},"revision":1,"data":' + data + b"}"


async def refused(api: Any, *request: Any, **options: Any) -> str:
    answer = await api(*request, **options)
    assert 400 <= answer.status < 500, answer.body
    return str(answer.message)


@pytest.mark.parametrize("depth", [129, 253, 254, 1000])
async def test_values_without_a_schema_are_bounded(api: Any, depth: int) -> None:
    assert "exceeded max depth" in await refused(api, "POST", REVISIONS, revision(deep(depth)))
    assert (await api("GET", f"{REVISIONS}/x")).status == 404


async def test_what_is_as_deep_as_may_be_is_shown_in_every_form(api: Any) -> None:
    await api.ok("POST", REVISIONS, revision(deep(128)))
    await api.ok("GET", f"{REVISIONS}?includeObject=Object", headers=TABLE)
    await api.ok("PUT", f"{REVISIONS}/x", (await api("GET", f"{REVISIONS}/x")).json)


async def test_a_patch_that_nests_too_deeply(api: Any) -> None:
    await api.ok("POST", REVISIONS, revision(deep(100)))
    operation = b'[{"op":"add","path":"/data' + b"/a" * 99 + b'","value":' + deep(240) + b"}]"
    assert "too deeply" in await refused(api, "PATCH", f"{REVISIONS}/x", operation, headers=JSON_PATCH)
    operation = b'[{"op":"copy","from":"/data","path":"/x"},' + operation[1:-1]
    operation += b',{"op":"copy","from":"/data","path":"/y"}]'
    assert await refused(api, "PATCH", f"{REVISIONS}/x", operation, headers=JSON_PATCH)
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "x"}})
    patch = b'{"data":{"a":' + deep(250) + b"}}"
    assert await refused(api, "PATCH", f"{CONFIG_MAPS}/x", patch, headers=MERGE)


async def test_a_configuration_that_nests_too_deeply(api: Any) -> None:
    head = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":'
    for depth in (200, 250, 600):
        body = head + deep(depth) + b"}}"
        assert await refused(api, "PATCH", f"{CONFIG_MAPS}/x?fieldManager=m", body, headers=APPLY)


async def test_a_configuration_in_json_with_a_repeated_key(api: Any) -> None:
    body = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"b","a":"c"}}'
    path = f"{CONFIG_MAPS}/x?fieldManager=m&fieldValidation=Strict"
    assert 'duplicate field "data.a"' in await refused(api, "PATCH", path, body, headers=APPLY)


async def test_a_number_in_yaml_that_nothing_holds(api: Any) -> None:
    body = b"metadata: {name: x}\nrevision: 1\ndata: 1" + b"0" * 400
    assert "too large" in await refused(api, "POST", REVISIONS, body, headers=YAML)


@pytest.mark.parametrize("time", ["2026-02-30T00:00:00Z", "2026-01-01T29:00:00Z", "2026-13-01T00:00:00Z"])
async def test_a_time_that_is_in_no_calendar(api: Any, time: str) -> None:
    event = {"metadata": {"name": "x"}, "involvedObject": {"namespace": "default"}, "lastTimestamp": time}
    assert "parsing time" in await refused(api, "POST", EVENTS, event)


async def test_a_time_at_the_beginning_of_the_calendar(api: Any) -> None:
    event = {"metadata": {"name": "x"}, "involvedObject": {"namespace": "default"}}
    await api.ok("POST", EVENTS, {**event, "lastTimestamp": "0001-01-01T00:00:00.5Z"})
    assert (await api.ok("GET", f"{EVENTS}/x"))["lastTimestamp"] == "0001-01-01T00:00:00Z"
    await api.ok("GET", EVENTS, headers=TABLE)


async def test_a_grace_period_beyond_the_calendar(api: Any) -> None:
    spec = {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]}
    await api.ok("POST", PODS, {"metadata": {"name": "x"}, "spec": spec})
    await api.ok("DELETE", f"{PODS}/x", {"gracePeriodSeconds": 2**63 - 1})
    assert (await api.ok("GET", f"{PODS}/x"))["metadata"]["deletionTimestamp"].startswith("9999-12-31")
    await api.ok("DELETE", f"{PODS}/x", {"gracePeriodSeconds": 5})


async def test_metadata_that_comes_with_a_status_is_checked(api: Any) -> None:
    await api.ok("POST", PODS, {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    for meta in ({"finalizers": ["x"]}, {"generateName": "../a"}):
        assert "is invalid: metadata." in await refused(
            api, "PATCH", f"{PODS}/x/status", {"metadata": meta}, headers=MERGE
        )
    found = await api.ok("GET", "/api/v1/namespaces/default")
    found["metadata"]["finalizers"] = ["kube-system"]
    assert "metadata.finalizers" in await refused(api, "PUT", "/api/v1/namespaces/default/finalize", found)


async def test_an_eviction_of_another_pod_is_not_tried_again(api: Any) -> None:
    await api.ok("POST", PODS, {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    eviction = {"metadata": {"name": "x"}, "deleteOptions": {"preconditions": {"uid": "other"}}}
    async with asyncio.timeout(5):
        assert "UID in the precondition (other)" in await refused(api, "POST", f"{PODS}/x/eviction", eviction)


async def test_bytes_that_are_null_in_a_map(api: Any) -> None:
    made = await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "x"}, "binaryData": {"a": None}})
    assert made["binaryData"] == {"a": ""}


async def test_a_reference_to_a_secret_that_is_null(api: Any) -> None:
    path = "/api/v1/namespaces/default/serviceaccounts"
    made = await api.ok("POST", path, {"metadata": {"name": "x"}, "secrets": [None]})
    assert (await api.ok("PUT", f"{path}/x", made)) == made


async def test_a_node_s_address_without_an_address(api: Any) -> None:
    await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "x"}})
    status = {"status": {"addresses": [{"type": "InternalIP"}]}}
    await api.ok("PATCH", "/api/v1/nodes/x/status", status, headers=MERGE)
    await api.ok("GET", "/api/v1/nodes", headers=TABLE)


async def test_long_lists_are_merged_in_good_time(api: Any) -> None:
    made = {"metadata": {"name": "x"}, "spec": {"containers": [{"name": f"c{n}", "image": "i"} for n in range(20_000)]}}
    await api.ok("POST", PODS, made)
    changed = [{"name": f"c{n}", "image": "j"} for n in range(20_000)]
    removed = [{"name": "c1", "$patch": "delete"} for _ in range(20_000)]
    strategic = {"content-type": "application/strategic-merge-patch+json"}
    async with asyncio.timeout(30):
        await api.ok("PATCH", f"{PODS}/x", {"spec": {"containers": changed}}, headers=strategic)
        await refused(api, "PATCH", f"{PODS}/x", {"spec": {"containers": removed}}, headers=strategic)
    assert (await api.ok("GET", f"{PODS}/x"))["spec"]["containers"][-1]["image"] == "j"


async def test_warnings_fit_into_an_answer(api: Any) -> None:
    env = [{"name": "A", "value": "x"} for _ in range(20_000)]
    pod = {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "i", "env": env}]}}
    answer = await api("POST", PODS, pod)
    assert answer.status == 201
    assert 0 < sum(len(text) for text in answer.warnings) < 8192
