"""One stored object under two versions, over the whole server."""

from __future__ import annotations

from typing import Any

import pytest

CORE = "/api/v1/namespaces/default/events"
NEW = "/apis/events.k8s.io/v1/namespaces/default/events"
V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
EVENT = {
    "metadata": {"name": "e", "namespace": "default"},
    "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
    "note": "a note",
    "reason": "Because",
    "action": "Acted",
    "type": "Normal",
    "eventTime": "2026-11-21T12:00:00.000000Z",
    "reportingController": "example.com/c",
    "reportingInstance": "i",
}
SERIES = {"series": {"count": 2, "lastObservedTime": "2026-11-21T12:01:00.000000Z"}}
AUTOSCALER = {
    "metadata": {"name": "web"},
    "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"},
        "maxReplicas": 3,
        "targetCPUUtilizationPercentage": 60,
    },
}


@pytest.mark.conformance("New Event resource lifecycle, testing a single event")
async def test_an_event_of_either_group_is_one_object(api: Any) -> None:
    created = await api.ok("POST", NEW, EVENT)
    assert (created["apiVersion"], created["note"]) == ("events.k8s.io/v1", "a note")
    core = await api.ok("GET", f"{CORE}/e")
    assert (core["apiVersion"], core["message"]) == ("v1", "a note")
    assert core["metadata"] == created["metadata"]
    patched = await api.ok("PATCH", f"{NEW}/e", SERIES, headers={"content-type": "application/merge-patch+json"})
    assert patched["series"]["count"] == 2
    listed = await api.ok("GET", NEW)
    assert (listed["kind"], listed["apiVersion"]) == ("EventList", "events.k8s.io/v1")
    assert [(item["note"], item["series"]["count"]) for item in listed["items"]] == [("a note", 2)]
    selected = await api.ok("GET", f"{CORE}?fieldSelector=involvedObject.name%3Dp")
    assert [item["message"] for item in selected["items"]] == ["a note"]
    await api.ok("DELETE", f"{NEW}/e")
    assert (await api("GET", f"{CORE}/e")).status == 404


@pytest.mark.parametrize(
    ("path", "label", "expected"),
    [
        pytest.param(NEW, "regarding.name=p", 1, id="the new name"),
        pytest.param(NEW, "reportingController=example.com/c", 1, id="the reporter"),
        pytest.param(NEW, "regarding.kind!=Pod", 0, id="another kind"),
        pytest.param(CORE, "involvedObject.name=p,type=Normal", 1, id="the old name"),
        pytest.param(CORE, "source=example.com/c", 1, id="the source"),
    ],
)
async def test_events_are_selected_by_fields(api: Any, path: str, label: str, expected: int) -> None:
    await api.ok("POST", NEW, EVENT)
    assert len((await api.ok("GET", f"{path}?fieldSelector={label.replace('=', '%3D')}"))["items"]) == expected


@pytest.mark.parametrize(
    ("path", "label"), [(NEW, "involvedObject.name"), (CORE, "regarding.name")], ids=["old", "new"]
)
async def test_a_field_of_the_other_group_is_unknown(api: Any, path: str, label: str) -> None:
    answer = await api("GET", f"{path}?fieldSelector={label}%3Dp")
    assert answer.status == 400
    assert f"field label not supported: {label}" in answer.message


async def test_a_watch_tells_events_in_its_own_group(api: Any) -> None:
    revision = (await api.ok("GET", NEW))["metadata"]["resourceVersion"]
    await api.ok("POST", NEW, EVENT)
    await api.ok("DELETE", f"{CORE}/e")
    url = f"{NEW}?watch=1&resourceVersion={revision}"
    told = [event async for event, _ in _first(api.watch(url), 2)]
    assert [(event["type"], event["object"]["apiVersion"], event["object"]["note"]) for event in told] == [
        ("ADDED", "events.k8s.io/v1", "a note"),
        ("DELETED", "events.k8s.io/v1", "a note"),
    ]


async def _first(stream: Any, count: int) -> Any:
    index = 0
    async for event in stream:
        yield event, index
        index += 1
        if index == count:
            await stream.aclose()
            return


async def test_a_table_of_either_group_has_the_same_rows(api: Any) -> None:
    await api.ok("POST", NEW, EVENT)
    old, new = await api.ok("GET", CORE, headers=TABLE), await api.ok("GET", NEW, headers=TABLE)
    assert old["columnDefinitions"] == new["columnDefinitions"]
    assert [row["cells"] for row in old["rows"]] == [row["cells"] for row in new["rows"]]
    whole = await api.ok("GET", f"{NEW}?includeObject=Object", headers=TABLE)
    assert whole["rows"][0]["object"]["note"] == "a note"
    none = await api.ok("GET", f"{NEW}?includeObject=None", headers=TABLE)
    assert none["rows"][0]["object"] is None


async def test_an_autoscaler_of_either_version_is_one_object(api: Any) -> None:
    created = await api.ok("POST", V1, AUTOSCALER)
    assert created["spec"]["targetCPUUtilizationPercentage"] == 60
    stored = await api.ok("GET", f"{V2}/web")
    assert stored["apiVersion"] == "autoscaling/v2"
    assert stored["spec"]["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 60}
    replaced = await api.ok(
        "PUT", f"{V1}/web", {**created, "spec": {**created["spec"], "targetCPUUtilizationPercentage": 70}}
    )
    assert replaced["spec"]["targetCPUUtilizationPercentage"] == 70
    await api.ok(
        "PATCH",
        f"{V1}/web/status",
        {"status": {"currentReplicas": 2, "desiredReplicas": 2}},
        headers={"content-type": "application/merge-patch+json"},
    )
    assert (await api.ok("GET", f"{V2}/web"))["status"]["currentReplicas"] == 2
    dry = await api.ok(
        "PATCH",
        f"{V1}/web?dryRun=All",
        {"spec": {"targetCPUUtilizationPercentage": 5}},
        headers={"content-type": "application/merge-patch+json"},
    )
    assert dry["spec"]["targetCPUUtilizationPercentage"] == 5
    assert (await api.ok("GET", f"{V1}/web"))["spec"]["targetCPUUtilizationPercentage"] == 70
    deleted = await api.ok("DELETE", V1)
    assert [item["spec"]["targetCPUUtilizationPercentage"] for item in deleted["items"]] == [70]
    assert (await api.ok("GET", V2))["items"] == []


async def test_yaml_and_metadata_only_of_a_second_presentation(api: Any) -> None:
    await api.ok("POST", NEW, EVENT)
    answer = await api("GET", f"{NEW}/e", headers={"accept": "application/yaml"})
    assert b"note: a note" in answer.body
    accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    partial = await api.ok("GET", NEW, headers={"accept": accept})
    assert [item["metadata"]["name"] for item in partial["items"]] == ["e"]
