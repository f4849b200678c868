from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from kubelet.fake_runtime import FakeRuntime
from kubelet.runtime import ContainerConfig, ExecResult, SandboxConfig, Stream
from kubelet.server.certificate import server_context
from kubelet.server.server import KubeletServer
from minikube_py.runtime.clock import FakeClock

IMAGE = "busybox:1"


@dataclass
class Pods:
    """A PodSource that a test fills."""

    pods: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def get_pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        return self.pods.get((namespace, name))

    def list_pods(self) -> list[dict[str, Any]]:
        return list(self.pods.values())


class Endpoint:
    def __init__(self, authority: Any) -> None:
        self.clock = FakeClock()
        self.runtime = FakeRuntime(self.clock.now)
        self.runtime.add_image(IMAGE)
        self.source = Pods()
        self.authority = authority
        tls = server_context(*authority.issue("node"), authority.file)
        self.server = KubeletServer(
            self.source, self.runtime, self.clock, node_name="node", host="127.0.0.1", port=0, tls=tls
        )
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=authority.client()))

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.server.port}{path}"

    async def get(self, path: str) -> tuple[int, str]:
        async with self.session.get(self.url(path)) as response:
            return response.status, await response.text()

    async def run_pod(self, *, tty: bool = False) -> str:
        sandbox = SandboxConfig("web", "default", "uid-1")
        sandbox_id = await self.runtime.create_sandbox(sandbox)
        await self.runtime.start_sandbox(sandbox_id)
        container_id = await self.runtime.create_container(
            sandbox_id, sandbox, ContainerConfig("c", 0, IMAGE, tty=tty, stdin=True)
        )
        await self.runtime.start_container(container_id)
        self.set_status({"state": {"running": {}}, "containerID": f"docker://{container_id}"})
        return container_id

    def set_status(self, status: dict[str, Any]) -> None:
        self.source.pods["default", "web"] = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "namespace": "default", "uid": "uid-1"},
            "spec": {"containers": [{"name": "c", "image": IMAGE}]},
            "status": {"containerStatuses": [{"name": "c", **status}]},
        }


@pytest.fixture
async def endpoint(authority: Any) -> AsyncIterator[Endpoint]:
    made = Endpoint(authority)
    await made.server.start()
    yield made
    await made.session.close()
    await made.server.close()


@pytest.mark.parametrize(
    ("user", "groups", "status"),
    [
        pytest.param(None, (), 401, id="nobody"),
        pytest.param("system:node:other", ("system:nodes",), 403, id="another node"),
        pytest.param("kubernetes-admin", ("system:masters",), 200, id="an administrator"),
        pytest.param("anna", ("kubeadm:cluster-admins",), 200, id="a kubeadm administrator"),
        pytest.param("kube-apiserver-kubelet-client", (), 200, id="the API server"),
    ],
)
async def test_only_the_api_server_and_administrators_are_let_in(
    endpoint: Endpoint, user: str | None, groups: tuple[str, ...], status: int
) -> None:
    connector = aiohttp.TCPConnector(ssl=endpoint.authority.client(user, *groups))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(endpoint.url("/healthz")) as response,
    ):
        assert response.status == status


async def test_logs_are_the_containers_output(endpoint: Endpoint) -> None:
    container_id = await endpoint.run_pod()
    endpoint.runtime.write_log(container_id, b"one\n")
    endpoint.runtime.write_log(container_id, b"two\n", Stream.STDERR)
    assert await endpoint.get("/containerLogs/default/web/c") == (200, "one\ntwo\n")
    assert await endpoint.get("/containerLogs/default/web/c?tailLines=1") == (200, "two\n")
    assert await endpoint.get("/containerLogs/default/web/c?limitBytes=6") == (200, "one\ntw")
    assert await endpoint.get("/containerLogs/default/web/c?timestamps=true&tailLines=1") == (
        200,
        "2026-01-01T00:00:00.000000000Z two\n",
    )


async def test_following_ends_with_the_container(endpoint: Endpoint) -> None:
    container_id = await endpoint.run_pod()
    async with endpoint.session.get(endpoint.url("/containerLogs/default/web/c?follow=true")) as response:
        endpoint.runtime.write_log(container_id, b"one\n")
        assert await response.content.readline() == b"one\n"
        endpoint.runtime.exit(container_id)
        assert await response.content.read() == b""


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        pytest.param("/containerLogs/default/other/c", (404, 'pod "other" does not exist\n'), id="an unknown pod"),
        pytest.param(
            "/containerLogs/default/web/x", (404, 'container "x" not found in pod "web"\n'), id="an unknown container"
        ),
        pytest.param(
            "/containerLogs/default/web/c?previous=true",
            (400, 'previous terminated container "c" in pod "web" not found'),
            id="no previous container",
        ),
        pytest.param(
            "/containerLogs/default/web/c?tailLines=-1",
            (422, "tailLines: Invalid value: -1: must be greater than or equal to 0\n"),
            id="a negative tail",
        ),
    ],
)
async def test_a_log_that_cannot_be_shown_is_refused(endpoint: Endpoint, path: str, answer: tuple[int, str]) -> None:
    await endpoint.run_pod()
    assert await endpoint.get(path) == answer


async def socket(endpoint: Endpoint, path: str, *protocols: str) -> aiohttp.ClientWebSocketResponse:
    return await endpoint.session.ws_connect(endpoint.url(path), protocols=protocols or ("v5.channel.k8s.io",))


async def test_exec_sends_output_by_channel_and_the_exit_code_as_a_status(endpoint: Endpoint) -> None:
    await endpoint.run_pod()
    endpoint.runtime.exec_results = lambda _container, command: ExecResult(3, b"out", b"err")
    opened = await socket(endpoint, "/exec/default/web/c?command=sh&command=-c&output=1&error=1", "v4.channel.k8s.io")
    assert opened.protocol == "v4.channel.k8s.io"
    messages = [message.data async for message in opened]
    assert messages[:3] == [b"\x01", b"\x01out", b"\x02err"]
    status = json.loads(messages[3][1:])
    assert messages[3][0] == 3
    assert status["reason"] == "NonZeroExitCode"
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    assert endpoint.runtime.execs[0][1] == ("sh", "-c")


async def test_exec_takes_input_until_its_channel_is_closed(endpoint: Endpoint) -> None:
    await endpoint.run_pod()
    endpoint.runtime.exec_results = lambda _container, command: ExecResult(0)
    opened = await socket(endpoint, "/exec/default/web/c?command=cat&input=1&output=1")
    await opened.send_bytes(b"\x00hello")
    assert (await opened.receive_bytes(), await opened.receive_bytes()) == (b"\x01", b"\x01hello")
    await opened.send_bytes(b"\xff\x00")
    assert json.loads((await opened.receive_bytes())[1:]) == {"metadata": {}, "status": "Success"}


@pytest.mark.parametrize(
    ("code", "told"),
    [pytest.param(0, None, id="success is silence"), pytest.param(3, b"\x03command terminated", id="a text")],
)
async def test_the_eldest_subprotocol_tells_the_end_in_words(endpoint: Endpoint, code: int, told: bytes | None) -> None:
    await endpoint.run_pod()
    endpoint.runtime.exec_results = lambda _container, command: ExecResult(code, b"out")
    opened = await socket(endpoint, "/exec/default/web/c?command=ls&output=1&error=1", "channel.k8s.io")
    messages = [message.data async for message in opened]
    assert messages[:2] == [b"\x01", b"\x01out"]
    assert [message[:19] for message in messages[2:]] == ([told] if told else [])


async def test_clients_that_speak_only_text_are_spoken_to_in_base64(endpoint: Endpoint) -> None:
    await endpoint.run_pod()
    endpoint.runtime.exec_results = lambda _container, command: ExecResult(0)
    opened = await socket(endpoint, "/exec/default/web/c?command=cat&input=1&output=1", "v5.base64.channel.k8s.io")
    await opened.send_str("0aGVsbG8=")
    assert (await opened.receive_str(), await opened.receive_str()) == ("1", "1aGVsbG8=")
    await opened.close()


@pytest.mark.parametrize(
    ("protocols", "expected"),
    [
        pytest.param(("binary.k8s.io",), [b"one\n", b"two\n"], id="binary"),
        pytest.param((), [b"one\n", b"two\n"], id="no subprotocol"),
        pytest.param(("base64.binary.k8s.io",), ["b25lCg==", "dHdvCg=="], id="base64"),
    ],
)
async def test_logs_come_as_the_messages_of_a_web_socket(
    endpoint: Endpoint, protocols: tuple[str, ...], expected: list[bytes | str]
) -> None:
    container_id = await endpoint.run_pod()
    endpoint.runtime.write_log(container_id, b"one\n")
    endpoint.runtime.write_log(container_id, b"two\n")
    opened = await endpoint.session.ws_connect(endpoint.url("/containerLogs/default/web/c"), protocols=protocols)
    assert [message.data async for message in opened] == expected


@pytest.mark.parametrize(
    ("path", "protocol", "status"),
    [
        pytest.param("/exec/default/web/c?command=ls&output=1", "v3.channel.k8s.io", 400, id="an old subprotocol"),
        pytest.param("/exec/default/web/c?output=1", "v5.channel.k8s.io", 400, id="no command"),
        pytest.param("/exec/default/web/c?command=ls", "v5.channel.k8s.io", 400, id="no stream"),
        pytest.param("/exec/default/web/x?command=ls&output=1", "v5.channel.k8s.io", 404, id="no such container"),
        pytest.param("/exec/default/other/c?command=ls&output=1", "v5.channel.k8s.io", 404, id="no such pod"),
        pytest.param("/exec/default/web/uid-2/c?command=ls&output=1", "v5.channel.k8s.io", 404, id="another pod's uid"),
        pytest.param("/attach/default/web/x?output=1", "v5.channel.k8s.io", 404, id="attaching to nothing"),
    ],
)
async def test_a_command_that_cannot_be_run_is_refused_before_the_upgrade(
    endpoint: Endpoint, path: str, protocol: str, status: int
) -> None:
    await endpoint.run_pod()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await socket(endpoint, path, protocol)
    assert refused.value.status == status


async def test_attach_ends_in_success(endpoint: Endpoint) -> None:
    await endpoint.run_pod(tty=True)
    opened = await socket(endpoint, "/attach/default/web/c?input=1&output=1&tty=1")
    await opened.send_bytes(b"\x04" + json.dumps({"Width": 80, "Height": 24}).encode())
    await opened.send_bytes(b"\x00x")
    assert (await opened.receive_bytes(), await opened.receive_bytes()) == (b"\x01", b"\x01x")
    await opened.send_bytes(b"\xff\x00")
    assert json.loads((await opened.receive_bytes())[1:])["status"] == "Success"


async def test_it_tells_of_pods_and_statistics(endpoint: Endpoint) -> None:
    container_id = await endpoint.run_pod()
    status, text = await endpoint.get("/pods")
    assert status == 200
    assert json.loads(text)["items"][0]["metadata"]["name"] == "web"
    status, text = await endpoint.get("/runningpods/")
    assert json.loads(text)["items"][0]["spec"]["containers"][0]["name"] == "c"
    status, text = await endpoint.get("/stats/summary")
    summary = json.loads(text)
    assert summary["pods"][0]["podRef"] == {"name": "web", "namespace": "default", "uid": "uid-1"}
    assert summary["node"]["memory"]["workingSetBytes"] > 0
    endpoint.runtime.exit(container_id)
    await asyncio.sleep(0)
    assert json.loads((await endpoint.get("/stats/summary"))[1])["pods"] == []
    assert (await endpoint.get("/metrics"))[1].count("process_") > 0
