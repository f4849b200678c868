"""etcd stopped, stuck, restarted, put back to an older state: told within the time, survived, never hidden."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from api_rig import CONFIG_MAPS, ApiRig, running
from harness import eventually

pytestmark = pytest.mark.etcd
MERGE = "application/merge-patch+json"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ApiRig]:
    with running(tmp_path) as made:
        yield made


def create(rig: ApiRig, name: str, value: str = "") -> Any:
    status, _, answer = rig.request("POST", CONFIG_MAPS, {"metadata": {"name": name}, "data": {"v": value}})
    assert status == 201, answer
    return answer


def names(rig: ApiRig, query: str = "") -> set[str]:
    status, _, answer = rig.request("GET", f"{CONFIG_MAPS}{query}")
    assert status == 200, answer["message"]
    return {item["metadata"]["name"] for item in answer["items"]}


def version(rig: ApiRig) -> int:
    return int(rig.request("GET", CONFIG_MAPS)[2]["metadata"]["resourceVersion"])


@contextlib.asynccontextmanager
async def watching(rig: ApiRig, query: str) -> AsyncIterator[AsyncIterator[Any]]:
    """The events of a watch on ConfigMaps."""

    async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[Any]:
        async for line in answer.content:
            yield orjson.loads(line)

    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=rig.tls)) as session,
        session.get(f"https://127.0.0.1:{rig.api_port}{CONFIG_MAPS}?watch=true&{query}") as answer,
    ):
        assert answer.status == 200
        yield events(answer)


def assert_refused(rig: ApiRig) -> None:
    """Every kind of request that needs etcd is refused in time, as one to be tried again."""
    requests = [
        ("GET", CONFIG_MAPS, None),
        ("GET", f"{CONFIG_MAPS}?limit=1", None),
        ("GET", f"{CONFIG_MAPS}/before", None),
        ("POST", CONFIG_MAPS, {"metadata": {"name": "lost"}}),
        ("DELETE", f"{CONFIG_MAPS}/before", None),
        ("GET", f"{CONFIG_MAPS}?watch=true&timeoutSeconds=1", None),
    ]
    began = time.monotonic()
    with ThreadPoolExecutor(len(requests)) as threads:
        answers = list(threads.map(lambda request: rig.request(*request), requests))
    assert time.monotonic() - began < 20
    for request, (status, headers, answer) in zip(requests, answers, strict=True):
        assert status in (503, 504), (request, answer)
        assert (answer["kind"], answer["status"], answer["code"]) == ("Status", "Failure", status)
        assert answer["details"]["retryAfterSeconds"] == 1
        assert headers["retry-after"] == "1"


def test_a_stopped_etcd_is_told_and_a_restarted_one_is_gone_on_with(rig: ApiRig) -> None:
    create(rig, "before")
    since = version(rig)

    async def play() -> None:
        async with watching(rig, f"resourceVersion={since}") as events:
            rig.stop("etcd")
            await asyncio.to_thread(assert_refused, rig)
            # What is known may still be told to who takes anything, and is said to be no newer than it is.
            assert names(rig, "?resourceVersion=0") >= {"before"}
            rig.start_etcd()
            eventually(lambda: rig.request("GET", CONFIG_MAPS)[0] == 200, "reads go on", timeout=20)
            eventually(lambda: rig.request("GET", "/readyz")[0] == 200, "the server is ready again", timeout=20)
            create(rig, "after")
            async with asyncio.timeout(10):
                event = await anext(events)
            assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "after")

    asyncio.run(play())
    assert names(rig) >= {"before", "after"}


def test_an_etcd_that_is_stuck_for_a_while_costs_nothing_but_time(rig: ApiRig) -> None:
    create(rig, "before")
    since = version(rig)

    async def play() -> None:
        async with watching(rig, f"resourceVersion={since}") as events:
            with rig.stuck_etcd():
                status, _, answer = await asyncio.to_thread(rig.request, "GET", CONFIG_MAPS)
                assert status == 504, answer
            eventually(lambda: rig.request("GET", CONFIG_MAPS)[0] == 200, "reads go on", timeout=20)
            create(rig, "after")
            async with asyncio.timeout(10):
                event = await anext(events)
            assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "after")

    asyncio.run(play())


def reads_only_what_is(rig: ApiRig) -> bool:
    """Whether the server is ready; until it is, whatever it answers must be of what etcd holds now."""
    is_ready = rig.request("GET", "/readyz")[0] == 200
    status, _, listed = rig.request("GET", CONFIG_MAPS)
    assert status in (200, 503, 504), listed
    found = {item["metadata"]["name"] for item in listed["items"]} if status == 200 else {"kept"}
    if "kept" not in found or any(name.startswith("lost") for name in found):
        pytest.fail(f"a stale list: {found}")
    status, _, answer = rig.request("GET", f"{CONFIG_MAPS}/lost-3")
    if status not in (404, 503, 504):
        pytest.fail(f"a stale read: {answer}")
    return is_ready and status == 404


@pytest.mark.parametrize(
    ("token", "more"),
    [
        pytest.param("", 0, id="the same cluster at an older revision"),
        pytest.param("another", 0, id="another cluster at an older revision"),
        pytest.param("", 20, id="the same cluster at a newer revision"),
    ],
)
def test_an_etcd_that_was_put_back_is_noticed(rig: ApiRig, tmp_path: Path, token: str, more: int) -> None:
    create(rig, "kept", "old")
    snapshot = tmp_path / "snapshot"
    rig.etcdctl("snapshot", "save", str(snapshot))
    for number in range(10):
        create(rig, f"lost-{number}")
    status, _, changed = rig.request("PATCH", f"{CONFIG_MAPS}/kept", {"data": {"v": "new"}}, content_type=MERGE)
    assert status == 200
    lost = int(changed["metadata"]["resourceVersion"])
    assert version(rig) == lost

    async def play() -> None:
        async with watching(rig, f"resourceVersion={lost}") as events:
            rig.stop("etcd")
            rig.restore(snapshot, *([f"--initial-cluster-token={token}"] if token else []))
            rig.start_etcd()
            for _ in range(more):
                eventually(lambda: rig.etcdctl("put", "elsewhere", "x"), "etcd takes writes", timeout=10)
            eventually(lambda: reads_only_what_is(rig), "the API server is ready again", timeout=20)
            assert rig.request("GET", f"{CONFIG_MAPS}/kept")[2]["data"]["v"] == "old"
            async with asyncio.timeout(10):
                told = [event async for event in events]
            assert [(event["type"], event["object"].get("code")) for event in told] == [("ERROR", 410)]

    asyncio.run(play())
    # Watches from the lost history: refused where that can be told, and from now on everything goes on as ever.
    if not more:
        status, _, answer = rig.request("GET", f"{CONFIG_MAPS}?watch=true&timeoutSeconds=1&resourceVersion={lost}")
        assert orjson.loads(answer)["object"]["code"] == 410 if isinstance(answer, bytes) else answer
        status, _, answer = rig.request("GET", f"{CONFIG_MAPS}?resourceVersion={lost}")
        assert (status, answer["details"]["causes"][0]["reason"]) == (504, "ResourceVersionTooLarge")
    since = version(rig)
    create(rig, "next")

    async def goes_on() -> None:
        async with watching(rig, f"resourceVersion={since}") as events, asyncio.timeout(10):
            assert (await anext(events))["object"]["metadata"]["name"] == "next"

    asyncio.run(goes_on())
