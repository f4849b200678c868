"""Watches as connections: WebSockets, clients that take nothing, many at once, the server's end; several workers."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from api_rig import CONFIG_MAPS, ApiRig, running

from apiserver.storage.subscription import BUFFER_BYTES

pytestmark = pytest.mark.etcd
EVENTS = "/api/v1/namespaces/default/events"
BIG = "x" * 150_000
COUNT = 200


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiRig]:
    with running(tmp_path_factory.mktemp("rig"), workers=2) as made:
        yield made


def version(rig: ApiRig) -> str:
    return str(rig.request("GET", f"{CONFIG_MAPS}?limit=1")[2]["metadata"]["resourceVersion"])


def create(rig: ApiRig, name: str, value: str = "") -> None:
    status, _, answer = rig.request("POST", CONFIG_MAPS, {"metadata": {"name": name}, "data": {"v": value}})
    assert status == 201, answer


def session(rig: ApiRig) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=rig.tls, limit=0)
    return aiohttp.ClientSession(f"https://127.0.0.1:{rig.api_port}", connector=connector, read_bufsize=2**20)


def resident(pids: list[int]) -> int:
    """Bytes of memory that the processes hold."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    return sum(pages) * 4096


async def test_a_watch_over_a_websocket(rig: ApiRig) -> None:
    query = f"watch=true&resourceVersion={version(rig)}&timeoutSeconds=3"
    async with session(rig) as client, client.ws_connect(f"{CONFIG_MAPS}?{query}") as stream:
        await asyncio.to_thread(create, rig, "by-websocket")
        async with asyncio.timeout(10):
            message = await stream.receive()
            assert message.type is aiohttp.WSMsgType.TEXT
            event = orjson.loads(message.data)
            assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "by-websocket")
            await stream.ping()
            # The time is over: the server says so, and ends the connection.
            assert (await stream.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_websocket_that_is_refused_is_answered_with_a_status(rig: ApiRig) -> None:
    async with session(rig) as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(f"{CONFIG_MAPS}?watch=true&timeoutSeconds=x")
        assert refused.value.status == 400


class Idler:
    """A client that asks for a watch and takes nothing of it."""

    def __init__(self, rig: ApiRig, query: str) -> None:
        plain = socket.create_connection(("127.0.0.1", rig.api_port))
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self._socket = rig.tls.wrap_socket(plain, server_hostname="127.0.0.1")
        self._socket.sendall(f"GET {CONFIG_MAPS}?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def rest(self) -> tuple[int, bool]:
        """The bytes that still come, and whether the connection then ends."""
        self._socket.settimeout(10)
        size = 0
        try:
            while data := self._socket.recv(1024 * 1024):
                size += len(data)
        except TimeoutError:
            return size, False
        except (ssl.SSLError, OSError):
            pass
        return size, True

    def close(self) -> None:
        self._socket.close()


async def fill_and_follow(rig: ApiRig, query: str) -> int:
    """Writes large objects while one client follows them; the bytes that the workers then hold."""
    writer = threading.Thread(target=lambda: [create(rig, f"big-{n}", BIG) for n in range(COUNT)])
    async with session(rig) as client, client.get(f"{CONFIG_MAPS}?{query}") as answer:
        writer.start()
        names: list[str] = []
        async with asyncio.timeout(60):
            while len(names) < COUNT:
                names.append(orjson.loads(await answer.content.readline())["object"]["metadata"]["name"])
    writer.join(30)
    assert names == [f"big-{number}" for number in range(COUNT)]
    return resident(rig.workers())


async def test_who_takes_nothing_is_cut_off_and_slows_nobody(rig: ApiRig) -> None:
    without = 0
    for _ in range(2):  # Once to fill the history that is kept, once to see what the rest takes.
        query = f"watch=true&resourceVersion={version(rig)}&timeoutSeconds=60"
        without = max(without, await fill_and_follow(rig, query))
        await asyncio.to_thread(rig.request, "DELETE", CONFIG_MAPS)
    query = f"watch=true&resourceVersion={version(rig)}&timeoutSeconds=60"
    idlers = [Idler(rig, query) for _ in range(8)]
    try:
        grown = await fill_and_follow(rig, query) - without
        # What idlers wait for is held once for all of them, and a megabyte or two for the connection of each.
        assert grown < len(rig.workers()) * BUFFER_BYTES + len(idlers) * 4 * 1024 * 1024
        await asyncio.sleep(6)
        for idler in idlers:
            size, is_over = await asyncio.to_thread(idler.rest)
            assert is_over
            assert size < COUNT * len(BIG)
    finally:
        for idler in idlers:
            idler.close()
        rig.request("DELETE", CONFIG_MAPS)


async def test_a_thousand_watchers_are_told_the_same(rig: ApiRig) -> None:
    query = f"watch=true&resourceVersion={version(rig)}&fieldSelector=metadata.namespace%3Ddefault"
    told: list[bytes] = []

    async def one(client: aiohttp.ClientSession) -> None:
        async with client.get(f"{CONFIG_MAPS}?{query}") as answer:
            ready.release()
            told.extend([await answer.content.readline() for _ in range(2)])

    ready = asyncio.Semaphore(0)
    async with session(rig) as client, asyncio.timeout(60), asyncio.TaskGroup() as group:
        for _ in range(1000):
            group.create_task(one(client))
        for _ in range(1000):
            await ready.acquire()
        await asyncio.to_thread(create, rig, "told-to-all-1")
        await asyncio.to_thread(create, rig, "told-to-all-2")
    assert len(told) == 2000
    assert len(set(told)) == 2


def event(name: str) -> Any:
    involved = {"kind": "Pod", "namespace": "default", "name": "p"}
    return {"metadata": {"name": name}, "involvedObject": involved, "reason": "R", "message": "m", "type": "Normal"}


def test_events_of_all_workers_have_a_lease_of_an_hour_and_share_it(rig: ApiRig) -> None:
    for number in range(20):
        assert rig.request("POST", EVENTS, event(f"event-{number}"))[0] == 201
    listed = rig.etcdctl("lease", "list").split()
    leases = {word for word in listed if len(word) == 16}
    by_keys: dict[str, int] = {}
    for lease in leases:
        described = rig.etcdctl("lease", "timetolive", lease, "--keys")
        keys = described.count("/registry/core/events/default/event-")
        if keys:
            granted = int(described.split("granted with TTL(")[1].split("s)")[0])
            assert 3600 < granted <= 3660 + 60
            by_keys[lease] = keys
    assert sum(by_keys.values()) == 20
    assert len(by_keys) <= len(rig.workers())


def test_a_list_has_a_head_and_is_compressed(rig: ApiRig) -> None:
    async def ask() -> None:
        async with session(rig) as client:
            async with client.head(CONFIG_MAPS) as answer:
                assert (answer.status, await answer.read()) == (200, b"")
            async with client.get("/apis/rbac.authorization.k8s.io/v1/clusterroles") as answer:
                assert len((await answer.json())["items"]) > 50

    asyncio.run(ask())


async def test_the_servers_end_ends_watches_at_once(tmp_path: Path) -> None:
    with running(tmp_path, workers=2) as own:
        query = f"watch=true&resourceVersion={version(own)}"
        async with session(own) as client:
            streams = [await client.get(f"{CONFIG_MAPS}?{query}") for _ in range(20)]
            began = time.monotonic()
            code = await asyncio.to_thread(own.stop, "apiserver")
            assert code == 0
            async with asyncio.timeout(10):
                assert [await stream.content.read() for stream in streams] == [b""] * 20
            assert time.monotonic() - began < 5
