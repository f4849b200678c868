"""A full etcd, and one that does not answer, behind a real API server: told, survived, healed by the book."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from api_rig import CONFIG_MAPS, ApiRig
from harness import eventually, free_ports

QUOTA_BYTES = 4 * 1024 * 1024
VALUE = "x" * 200_000
NO_SPACE = "etcdserver: mvcc: database space exceeded"
pytestmark = pytest.mark.etcd


class Server(ApiRig):
    """An etcd with a tiny quota and an API server on it."""

    def create(self, name: str, value: str = "") -> tuple[int, dict[str, str], Any]:
        return self.request("POST", CONFIG_MAPS, {"metadata": {"name": name}, "data": {"v": value}})

    def names(self) -> set[str]:
        status, _, answer = self.request("GET", CONFIG_MAPS)
        assert status == 200, answer
        return {item["metadata"]["name"] for item in answer["items"]}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, *free_ports(3), etcd_arguments=(f"--quota-backend-bytes={QUOTA_BYTES}",))
    server.prepare()
    try:
        server.start_etcd()
        server.start_api_server()
        yield server
    finally:
        for name in sorted(server.processes):
            server.stop(name)


def test_a_full_etcd_is_told_survived_and_healed(server: Server) -> None:
    stored = set()
    for number in range(100):
        status, _, answer = server.create(f"big-{number}", VALUE)
        if status != 201:
            break
        stored.add(f"big-{number}")
    assert len(stored) > 5
    assert (status, answer["reason"], answer["message"]) == (500, "InternalError", NO_SPACE)

    # Whatever was acknowledged is there, and can be read, found and watched.
    assert server.names() == stored
    status, _, read = server.request("GET", f"{CONFIG_MAPS}/big-0")
    assert (status, read["data"]["v"]) == (200, VALUE)
    assert server.create("small")[0] == 500

    # Deleting works while etcd is full; by itself that gives nothing back.
    assert server.request("DELETE", f"{CONFIG_MAPS}/big-0")[0] == 200
    stored.discard("big-0")
    assert server.create("small")[0] == 500

    # A server that starts on a full etcd serves what there is.
    server.stop("apiserver")
    server.start_api_server()
    assert server.names() == stored

    # The steps of docs/operations.md.
    for name in sorted(stored)[:10]:
        assert server.request("DELETE", f"{CONFIG_MAPS}/{name}")[0] == 200
        stored.discard(name)
    [status_of_member] = orjson.loads(server.etcdctl("endpoint", "status", "--write-out=json"))
    server.etcdctl("compact", str(status_of_member["Status"]["header"]["revision"]))
    server.etcdctl("defrag")
    server.etcdctl("alarm", "disarm")
    eventually(lambda: server.create("small")[0] in (201, 409), "writes go on", timeout=20)
    assert server.names() == stored | {"small"}
    assert server.request("GET", "/readyz")[0] == 200


def test_an_etcd_that_does_not_answer_fails_requests_and_hangs_none(server: Server) -> None:
    assert server.create("before")[0] == 201
    with server.stuck_etcd():
        for method, path, body in (
            ("GET", CONFIG_MAPS, None),
            ("GET", f"{CONFIG_MAPS}/before", None),
            ("POST", CONFIG_MAPS, {"metadata": {"name": "lost"}}),
            ("DELETE", f"{CONFIG_MAPS}/before", None),
        ):
            status, headers, answer = server.request(method, path, body)
            assert status in (500, 503, 504), (method, path, answer)
            assert answer["kind"] == "Status"
            assert headers["retry-after"] == "1"
        status, _, listed = server.request("GET", f"{CONFIG_MAPS}?resourceVersion=0")
        assert (status, [item["metadata"]["name"] for item in listed["items"]]) == (200, ["before"])
        assert server.request("GET", "/readyz")[0] == 500
        assert server.request("GET", "/livez/ping")[0] == 200
    eventually(lambda: server.request("GET", CONFIG_MAPS)[0] == 200, "the API server goes on", timeout=20)
    eventually(lambda: server.create("after")[0] in (201, 409), "writes go on", timeout=20)
