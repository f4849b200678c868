"""Several API server workers on one etcd, concurrent clients, workers that are stopped and killed; then the checker.

Each client keeps to connections of its own, which the kernel spreads over the workers; so writers, readers and
watchers, and a watch and its resumption, are served by different processes.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import ssl
import time
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from api_rig import CONFIG_MAPS, ApiRig, running
from history_checker import Event, History, Listed, Outcome, Read, Watched, Write, check

pytestmark = pytest.mark.etcd

SECONDS = 5.0
KEYS = [f"key-{number}" for number in range(6)]
FENCE = "fence"
_MERGE = {"Content-Type": "application/merge-patch+json"}
_BROKEN = (aiohttp.ClientError, OSError, TimeoutError)


class Client:
    """One actor's connections, and what it records."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self.name = name
        self.random = random.Random(name)
        self._recorder = recorder
        self._session: aiohttp.ClientSession | None = None

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and body. Raises what ``_BROKEN`` names; sometimes goes on over a new connection."""
        if self._session is None or self.random.random() < 0.05:
            await self.close()
            connector = aiohttp.TCPConnector(ssl=self._recorder.tls)
            timeout = aiohttp.ClientTimeout(total=20)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
            # aiohttp sends a PUT or DELETE again by itself when the connection breaks; the second one's conflict would
            # be recorded for a write that the first one has done.
            self._session._retry_connection = False
        headers.setdefault("Content-Type", "application/json")
        data = None if body is None else orjson.dumps(body)
        url = f"{self._recorder.url}{path}"
        async with self._session.request(method, url, data=data, headers=headers) as answer:
            return answer.status, orjson.loads(await answer.read())

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


class Recorder:
    """The server's address, and the history as it grows."""

    def __init__(self, rig: ApiRig) -> None:
        self.url = f"https://127.0.0.1:{rig.api_port}"
        self.tls: ssl.SSLContext = rig.tls
        self.writes: list[Write] = []
        self.reads: list[Read] = []
        self.lists: list[Listed] = []
        self.watches: list[Watched] = []
        self.expired = 0
        self.resumed = 0
        self.done = False
        self.fence = 0

    def history(self, base: Listed) -> History:
        return History(
            base.resource_version,
            base.items,
            tuple(self.writes),
            tuple(self.reads),
            tuple(self.lists),
            tuple(self.watches),
        )


def revision_of(obj: Any) -> int:
    return int(obj["metadata"]["resourceVersion"])


def value_of(obj: Any) -> str:
    return str((obj.get("data") or {}).get("v", ""))


async def write(client: Client, recorder: Recorder, number: int) -> None:
    """One write of a random kind, begun from what a read shows."""
    key, value = client.random.choice(KEYS), f"{client.name}-{number}"
    found = await read(client, recorder, key)
    new = {"metadata": {"name": key}, "data": {"v": value}}
    if found is None:
        await recorded(client, recorder, "create", key, value, "POST", CONFIG_MAPS, new)
        return
    version = found["metadata"]["resourceVersion"]
    path, chance = f"{CONFIG_MAPS}/{key}", client.random.random()
    if chance < 0.5:
        new["metadata"]["resourceVersion"] = version
        await recorded(client, recorder, "update", key, value, "PUT", path, new, expected=int(version))
    elif chance < 0.8:
        await recorded(client, recorder, "patch", key, value, "PATCH", path, {"data": {"v": value}}, **_MERGE)
    else:
        options = {"preconditions": {"resourceVersion": version}}
        await recorded(client, recorder, "delete", key, value, "DELETE", path, options, expected=int(version))


async def recorded(
    client: Client,
    recorder: Recorder,
    kind: Any,
    key: str,
    value: str,
    method: str,
    path: str,
    body: Any,
    *,
    expected: int = 0,
    **headers: str,
) -> None:
    start = time.monotonic()
    outcome: Outcome = "unknown"
    revision = 0
    try:
        status, answer = await client.call(method, path, body, **headers)
        if status < 300:
            outcome = "ok"
            revision = 0 if kind == "delete" else revision_of(answer)
        elif status in (404, 409):
            outcome = "refused"
        elif status < 500:
            raise AssertionError((method, path, status, answer))
    except _BROKEN:
        await client.close()
    recorder.writes.append(Write(start, time.monotonic(), key, kind, value, outcome, expected, revision))


def assert_answered(status: int, answer: Any) -> None:
    """Raises ConnectionError where the server says that it cannot answer now."""
    if status in (503, 504):
        raise ConnectionError(answer)
    assert status == 200, answer


async def read(client: Client, recorder: Recorder, key: str) -> Any:
    """The object, or None."""
    start = time.monotonic()
    status, answer = await client.call("GET", f"{CONFIG_MAPS}/{key}")
    end = time.monotonic()
    if status == 404:
        recorder.reads.append(Read(start, end, key, 0))
        return None
    assert_answered(status, answer)
    recorder.reads.append(Read(start, end, key, revision_of(answer), value_of(answer)))
    return answer


async def list_all(client: Client, recorder: Recorder, query: str = "") -> Listed:
    """A list, in pages if the query has a limit."""
    start = time.monotonic()
    items: dict[str, tuple[int, str]] = {}
    token = ""
    while True:
        status, page = await client.call("GET", f"{CONFIG_MAPS}?labelSelector=!other&{query}&continue={token}")
        assert_answered(status, page)
        items |= {item["metadata"]["name"]: (revision_of(item), value_of(item)) for item in page["items"]}
        token = page["metadata"].get("continue", "")
        if not token:
            break
    items.pop("kube-root-ca.crt", None)
    listed = Listed(start, time.monotonic(), revision_of(page), items, "resourceVersion=0" not in query)
    recorder.lists.append(listed)
    return listed


async def keep_writing(client: Client, shadow: Client, recorder: Recorder, until: float) -> None:
    """Writes; what was acknowledged is at once looked at over another connection, whose worker may not know it yet."""
    number = 0
    while time.monotonic() < until:
        number += 1
        try:
            await write(client, recorder, number)
            if recorder.writes and recorder.writes[-1].outcome == "ok":
                await read(shadow, recorder, recorder.writes[-1].key)
        except _BROKEN:
            await client.close()
            await shadow.close()


async def keep_reading(client: Client, recorder: Recorder, until: float) -> None:
    queries = ("", "resourceVersion=0", "limit=2")
    while time.monotonic() < until:
        try:
            await list_all(client, recorder, client.random.choice(queries))
            await read(client, recorder, client.random.choice(KEYS))
        except _BROKEN:
            await client.close()
        await asyncio.sleep(0.02)


async def keep_watching(client: Client, recorder: Recorder) -> None:
    """Watches from a list on, resumes whatever ends the watch, and begins anew where its version has expired."""
    while not recorder.done:
        try:
            listed = await list_all(client, recorder)
        except _BROKEN:
            await client.close()
            continue
        events: list[Event] = []
        revision, is_complete = listed.resource_version, True
        while is_complete and not (recorder.fence and revision >= recorder.fence):
            try:
                revision, is_complete = await watch_once(client, recorder, revision, events)
            except _BROKEN:
                # What was told before the break counts; the events say how far that was.
                revision = max(revision, events[-1].revision if events else 0)
                await asyncio.sleep(0.02)
            recorder.resumed += 1
        recorder.watches.append(Watched(client.name, listed.resource_version, revision, tuple(events)))
        recorder.expired += not is_complete
        if is_complete:
            return


async def watch_once(client: Client, recorder: Recorder, revision: int, events: list[Event]) -> tuple[int, bool]:
    """One connection's watch: the revision up to which all is known, and False where the version has expired."""
    seconds = client.random.choice((1, 2, 5))
    query = f"watch=true&allowWatchBookmarks=true&resourceVersion={revision}&timeoutSeconds={seconds}"
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=recorder.tls), timeout=aiohttp.ClientTimeout(total=20), read_bufsize=2**20
    )
    async with session, session.get(f"{recorder.url}{CONFIG_MAPS}?{query}") as answer:
        assert_answered(answer.status, answer)
        async for line in answer.content:
            told = orjson.loads(line)
            if told["type"] == "ERROR":
                assert told["object"]["code"] == 410, told
                return revision, False
            revision = revision_of(told["object"])
            if told["type"] != "BOOKMARK":
                events.append(
                    Event(told["type"], told["object"]["metadata"]["name"], revision, value_of(told["object"]))
                )
            if recorder.fence and revision >= recorder.fence:
                break
            if client.random.random() < 0.002:
                break  # A client that leaves in the middle and comes back.
    return revision, True


async def crash_etcd(rig: ApiRig) -> None:
    """Kills etcd in the middle of everything and starts it again."""
    await asyncio.sleep(SECONDS * 0.4)
    rig.kill("etcd")
    await asyncio.sleep(0.2)
    rig.start_etcd()


async def disturb_workers(rig: ApiRig, chances: random.Random, until: float) -> int:
    """Stops single workers for a moment, so that they wake up behind the others, and kills some; how many."""
    killed = 0
    next_kill = time.monotonic() + 1.5
    while time.monotonic() + 1.5 < until:
        worker = chances.choice(rig.workers())
        if time.monotonic() >= next_kill:
            next_kill = time.monotonic() + chances.uniform(1.2, 2.0)
            os.kill(worker, signal.SIGKILL)
            killed += 1
        else:
            os.kill(worker, signal.SIGSTOP)
            await asyncio.sleep(chances.uniform(0.05, 0.15))
            os.kill(worker, signal.SIGCONT)
        await asyncio.sleep(chances.uniform(0.02, 0.1))
    return killed


async def play(rig: ApiRig, recorder: Recorder, *, etcd_crashes: bool) -> tuple[Listed, int]:
    """The whole play; the state it began with, and how many workers were killed."""
    clients: list[Client] = []

    def client(name: str) -> Client:
        clients.append(Client(recorder, name))
        return clients[-1]

    base = await list_all(client("base"), recorder)
    until = time.monotonic() + SECONDS
    watchers = [asyncio.create_task(keep_watching(client(f"watcher-{n}"), recorder)) for n in range(6)]
    actors = [
        asyncio.create_task(keep_writing(client(f"writer-{n}"), client(f"shadow-{n}"), recorder, until))
        for n in range(5)
    ]
    actors += [asyncio.create_task(keep_reading(client(f"reader-{n}"), recorder, until)) for n in range(2)]
    if etcd_crashes:
        actors.append(asyncio.create_task(crash_etcd(rig)))
    killed = await disturb_workers(rig, random.Random(7), until)
    await asyncio.gather(*actors)
    recorder.fence = await write_fence(client("fence"), recorder)
    await asyncio.wait_for(asyncio.gather(*watchers), 20)
    await list_all(client("end"), recorder)
    await asyncio.gather(*(one.close() for one in clients))
    return base, killed


async def write_fence(client: Client, recorder: Recorder) -> int:
    for attempt in range(20):
        new = {"metadata": {"name": f"{FENCE}-{attempt}"}, "data": {"v": f"fence-{attempt}"}}
        await recorded(client, recorder, "create", f"{FENCE}-{attempt}", f"fence-{attempt}", "POST", CONFIG_MAPS, new)
        if recorder.writes[-1].outcome == "ok":
            return recorder.writes[-1].revision
        await asyncio.sleep(0.2)
    raise AssertionError("no fence could be written")


@pytest.mark.parametrize(
    "etcd_crashes", [pytest.param(False, id="workers crash"), pytest.param(True, id="workers and etcd crash")]
)
def test_what_clients_of_three_workers_see_is_one_history(tmp_path: Path, *, etcd_crashes: bool) -> None:
    with running(tmp_path, workers=3) as rig:
        recorder = Recorder(rig)
        base, killed = asyncio.run(play(rig, recorder, etcd_crashes=etcd_crashes))
        assert len(rig.workers()) == 3
    outcomes = [one.outcome for one in recorder.writes]
    summary = (len(recorder.writes), outcomes.count("ok"), outcomes.count("refused"), outcomes.count("unknown"))
    print("writes, ok, refused, unknown:", summary, "killed:", killed, "expired:", recorder.expired)
    print("reads:", len(recorder.reads), "lists:", len(recorder.lists), "resumptions:", recorder.resumed)
    assert killed >= 1
    assert outcomes.count("ok") > 100
    assert outcomes.count("refused") > 0
    assert check(recorder.history(base)) == []
