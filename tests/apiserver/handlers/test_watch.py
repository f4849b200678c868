"""GET with watch=true. Streams are read as far as they are needed and then closed."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import pytest

from apiserver.storage.subscription import SlowReader
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


@pytest.mark.conformance("watch-configmaps-from-resource-version")
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


@pytest.mark.conformance("watch-configmaps-label-changed")
async def test_an_object_enters_and_leaves_a_selection(api: Any) -> None:
    version = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await make(api, "a")
    await label(api, "a", x="1")
    await label(api, "a", y="2")
    await label(api, "a", x=None)
    events = await take(api, f"labelSelector=x%3D1&resourceVersion={version}", 3)
    assert told(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


@pytest.mark.conformance("watch-configmaps-with-multiple-watchers")
async def test_every_watcher_is_told_what_its_selector_lets_through_and_nothing_else(api: Any) -> None:
    version = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await make(api, "a", watch="A")
    await label(api, "a", mutation="1")
    await label(api, "a", mutation="2")
    await api.ok("DELETE", f"{CONFIG_MAPS}/a")
    await make(api, "b", watch="B")
    await api.ok("DELETE", f"{CONFIG_MAPS}/b")
    of_a = [("ADDED", "a"), ("MODIFIED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    of_b = [("ADDED", "b"), ("DELETED", "b")]
    for selector, expected in (("watch=A", of_a), ("watch=B", of_b), ("watch in (A,B)", of_a + of_b)):
        query = f"labelSelector={quote(selector)}&resourceVersion={version}"
        assert told(await take(api, query, len(expected))) == expected


@pytest.mark.conformance("watch-configmaps-closed-and-restarted")
async def test_a_watch_goes_on_where_the_one_before_it_ended(api: Any) -> None:
    version = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await make(api, "a")
    await label(api, "a", x="1")
    seen = await take(api, f"resourceVersion={version}", 2)
    await label(api, "a", x="2")
    await api.ok("DELETE", f"{CONFIG_MAPS}/a")
    last = seen[-1]["object"]["metadata"]["resourceVersion"]
    assert told(await take(api, f"resourceVersion={last}", 2)) == [("MODIFIED", "a"), ("DELETED", "a")]


@pytest.mark.conformance("watch-consistency")
async def test_a_watch_from_any_event_of_another_tells_what_followed_there(api: Any) -> None:
    version = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    for number in range(5):
        await make(api, f"a-{number}")
        await label(api, f"a-{number}", x="1")
        if number % 2:
            await api.ok("DELETE", f"{CONFIG_MAPS}/a-{number}")
    first = await take(api, f"resourceVersion={version}", 12)
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in first]
    assert versions == sorted(set(versions))
    for index, start in enumerate(versions[:-1]):
        assert await take(api, f"resourceVersion={start}", len(versions) - index - 1) == first[index + 1 :]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/api/v1/watch/namespaces/default/configmaps/a?resourceVersion={}", id="one object"),
        pytest.param("/api/v1/watch/namespaces/default/configmaps?resourceVersion={}", id="a namespace"),
        pytest.param("/api/v1/watch/configmaps?resourceVersion={}", id="all namespaces"),
    ],
)
async def test_the_old_paths_of_watches(api: Any, path: str) -> None:
    version = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await make(api, "a")
    async with asyncio.timeout(5), aclosing(api.watch(path.format(version))) as stream:
        assert told([await anext(stream)]) == [("ADDED", "a")]


async def test_the_old_path_of_one_object_contradicts_another_name(api: Any) -> None:
    answer = await api("GET", "/api/v1/watch/namespaces/default/configmaps/a?fieldSelector=metadata.name%3Db")
    assert answer.status == 400
    assert answer.message == "fieldSelector metadata.name doesn't match requested name"


async def test_a_version_that_the_store_has_lost_is_expired(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.handlers.watch.REVISION_TIMEOUT_SECONDS", 0.01)
    [event] = await take(api, "resourceVersion=999999", 1)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert event["object"]["message"].startswith("Too large resource version: 999999, current: ")


async def test_a_silent_watch_is_told_the_revision(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.handlers.watch.BOOKMARK_SECONDS", 0.01)
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "elsewhere"}})
    listed = await api.ok("GET", CONFIG_MAPS)
    query = f"resourceVersion={listed['metadata']['resourceVersion']}&allowWatchBookmarks=true"
    [event] = await take(api, query, 1)
    assert event["type"] == "BOOKMARK"
    assert int(event["object"]["metadata"]["resourceVersion"]) >= int(listed["metadata"]["resourceVersion"])


async def test_a_client_that_takes_nothing_is_dropped(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.handlers.watch.DROP_SECONDS", 0)
    dropped = asyncio.Event()
    response = await api.respond("GET", f"{CONFIG_MAPS}?watch=true", extensions={"minikube_py.drop": dropped.set})
    stream = aiter(response.body_iterator)
    await make(api, "a")
    await anext(stream)
    [subscription] = api.core.watches
    subscription.cut_off(SlowReader("the watcher reads too slowly"))
    async with asyncio.timeout(5):
        await dropped.wait()
        assert [chunk async for chunk in stream] == []


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
    annotations = events[1]["object"]["metadata"]["annotations"]
    assert annotations["k8s.io/initial-events-end"] == "true"
    assert json.loads(b64decode(annotations["kubernetes.io/initial-events-list-blueprint"]))["kind"] == "ConfigMapList"


INITIAL = "resourceVersionMatch=NotOlderThan&sendInitialEvents"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", ["old", "new"], id="unset: the present state first"),
        pytest.param("resourceVersion=0", ["old", "new"], id="zero: what the cache holds first"),
        pytest.param("resourceVersion={old}", ["new"], id="a version: what followed it"),
        pytest.param(f"{INITIAL}=true", ["old", "new"], id="initial events of the latest state"),
        pytest.param(f"{INITIAL}=true&resourceVersion=0", ["old", "new"], id="initial events of any state"),
        pytest.param(f"{INITIAL}=true&resourceVersion={{old}}", ["old", "new"], id="initial events of a newer state"),
        pytest.param(f"{INITIAL}=false&resourceVersion={{old}}", ["new"], id="no initial events after a version"),
        pytest.param(f"{INITIAL}=false", [], id="no initial events of the latest state"),
    ],
)
async def test_where_a_watch_begins(api: Any, query: str, expected: list[str]) -> None:
    await make(api, "old")
    old = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await make(api, "new")
    await api.ok("GET", CONFIG_MAPS)  # The cache has seen it now.
    response = await api.respond("GET", f"{CONFIG_MAPS}?watch=true&{query.format(old=old)}")
    await make(api, "next")
    names: list[str] = []
    async with asyncio.timeout(5), aclosing(response.body_iterator) as chunks:
        while "next" not in names:
            names += [name for _, name in told([json.loads(line) for line in (await anext(chunks)).splitlines()])]
    assert sorted(names[:-1]) == sorted(expected)


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


@pytest.mark.parametrize("seconds", ["-1", "9223372036854775807"])
async def test_a_time_may_be_over_at_once_or_never(api: Any, seconds: str) -> None:
    query = f"watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}"
    await make(api, "a")
    async with asyncio.timeout(5), aclosing(api.watch(f"{CONFIG_MAPS}?{query}")) as stream:
        if seconds == "-1":
            assert told([event async for event in stream]) in ([], [("BOOKMARK", "")])
        else:
            assert told([await anext(stream)]) == [("ADDED", "a")]


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


async def test_a_list_has_a_head_and_a_stream_has_none(api: Any) -> None:
    assert (await api("HEAD", CONFIG_MAPS)).status == 200
    assert (await api("HEAD", f"{CONFIG_MAPS}?watch=true")).status == 405


async def test_yaml_cannot_be_streamed(api: Any) -> None:
    answer = await api("GET", f"{CONFIG_MAPS}?watch=true", headers={"accept": "application/yaml"})
    assert answer.status == 406
