"""GET with watch=true. Streams are read as far as they are needed and then closed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from minikube_py.api.resources import CONFIG_MAPS as CONFIG_MAPS_ROW

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
MERGE_PATCH = {"content-type": "application/merge-patch+json"}
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
PARTIAL = {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}


async def make(api: Any, name: str, **labels: str) -> Any:
    return await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": name, "labels": labels}})


async def label(api: Any, name: str, **labels: Any) -> Any:
    return await api.ok("PATCH", f"{CONFIG_MAPS}/{name}", {"metadata": {"labels": labels}}, headers=MERGE_PATCH)


async def take(api: Any, query: str, count: int, **options: Any) -> list[Any]:
    events: list[Any] = []
    async with asyncio.timeout(5), aclosing(api.watch(f"{CONFIG_MAPS}?watch=true&{query}", **options)) as stream:
        async for event in stream:
            events.append(event)
            if len(events) == count:
                break
    return events


def told(events: list[Any]) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


async def test_changes_after_a_version_are_told_in_order(api: Any) -> None:
    version = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await make(api, "a")
    changed = await label(api, "a", x="1")
    await api.ok("DELETE", f"{CONFIG_MAPS}/a")
    events = await take(api, f"resourceVersion={version}", 3)
    assert told(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert events[1]["object"] == changed
    assert int(events[2]["object"]["metadata"]["resourceVersion"]) > int(changed["metadata"]["resourceVersion"])


async def test_without_a_version_the_present_state_comes_first(api: Any) -> None:
    await make(api, "a")
    await make(api, "b")
    assert told(await take(api, "", 2)) == [("ADDED", "a"), ("ADDED", "b")]


async def test_an_object_enters_and_leaves_a_selection(api: Any) -> None:
    version = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await make(api, "a")
    await label(api, "a", x="1")
    await label(api, "a", y="2")
    await label(api, "a", x=None)
    events = await take(api, f"labelSelector=x%3D1&resourceVersion={version}", 3)
    assert told(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_one_object_is_watched_by_its_name(api: Any) -> None:
    version = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await make(api, "a")
    await make(api, "b")
    events = await take(api, f"fieldSelector=metadata.name%3Db&resourceVersion={version}", 1)
    assert told(events) == [("ADDED", "b")]


async def test_initial_events_end_with_an_annotated_bookmark(api: Any) -> None:
    await make(api, "a")
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    events = await take(api, query, 2)
    assert told(events) == [("ADDED", "a"), ("BOOKMARK", "")]
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_a_version_that_is_gone_is_an_expired_event(api: Any) -> None:
    api.core.caches[CONFIG_MAPS_ROW].reset()
    events = await take(api, "resourceVersion=1", 1)
    assert events[0]["type"] == "ERROR"
    assert (events[0]["object"]["code"], events[0]["object"]["reason"]) == (410, "Expired")
    assert events[0]["object"]["message"].startswith("too old resource version: 1 (")


async def test_rows_come_with_columns_once(api: Any) -> None:
    await make(api, "a")
    await make(api, "b")
    events = await take(api, "", 2, headers=TABLE)
    assert [event["object"]["kind"] for event in events] == ["Table", "Table"]
    assert [bool(event["object"]["columnDefinitions"]) for event in events] == [True, False]
    assert [event["object"]["rows"][0]["cells"][0] for event in events] == ["a", "b"]


async def test_metadata_alone(api: Any) -> None:
    await make(api, "a")
    events = await take(api, "", 1, headers=PARTIAL)
    assert events[0]["object"]["kind"] == "PartialObjectMetadata"


async def test_a_watch_ends_when_its_time_is_over(api: Any) -> None:
    async with asyncio.timeout(5):
        stream = api.watch(f"{CONFIG_MAPS}?watch=true&timeoutSeconds=30&allowWatchBookmarks=true")
        await make(api, "a")
        assert (await anext(stream))["type"] == "ADDED"
        api.core.clock.advance(30)
        await make(api, "b")
        assert [event["type"] async for event in stream][-1] == "BOOKMARK"
    assert not api.core.watches


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("sendInitialEvents=true", 422, id="initial events of no version"),
        pytest.param("resourceVersionMatch=NotOlderThan&resourceVersion=1", 422, id="a match without initial events"),
        pytest.param("resourceVersion=x", 400, id="a version that is no number"),
        pytest.param("timeoutSeconds=x", 400, id="a time that is no number"),
    ],
)
async def test_a_watch_is_refused(api: Any, query: str, status: int) -> None:
    assert (await api("GET", f"{CONFIG_MAPS}?watch=true&{query}")).status == status


async def test_yaml_cannot_be_streamed(api: Any) -> None:
    answer = await api("GET", f"{CONFIG_MAPS}?watch=true", headers={"accept": "application/yaml"})
    assert answer.status == 406
