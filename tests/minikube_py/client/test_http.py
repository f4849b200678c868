"""The HTTP client against a small server that answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from minikube_py.api import errors
from minikube_py.api.resources import CONFIG_MAPS, DEPLOYMENTS, PODS
from minikube_py.client.http import HttpClient
from minikube_py.client.kubeconfig import KubeConfig
from minikube_py.client.protocol import ConnectionFailed, PatchType

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.handler: Handler = self.empty
        self.port = 0

    async def empty(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {"name": "x"}})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.path_qs, dict(request.headers), body))
        return await self.handler(request)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[HttpClient]:
    made = HttpClient(KubeConfig(server=f"http://127.0.0.1:{server.port}", token="secret"), user_agent="test/1")
    yield made
    await made.close()


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return handler


def stream(*chunks: bytes) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(0)
        return response

    return handler


async def test_a_request_tells_who_asks(server: Server, client: HttpClient):
    pod = await client.get(PODS, "x", "default")
    method, path, headers, _ = server.requests[0]
    assert (method, path) == ("GET", "/api/v1/namespaces/default/pods/x")
    assert headers["Authorization"] == "Bearer secret"
    assert headers["User-Agent"] == "test/1"
    assert pod["kind"] == "Pod"
    assert pod["apiVersion"] == "v1"


async def test_list_items_are_given_their_kind(server: Server, client: HttpClient):
    server.handler = answer({"metadata": {"resourceVersion": "7", "continue": "c"}, "items": [{"metadata": {}}]})
    page = await client.list(DEPLOYMENTS, label_selector="a=b", limit=1, resource_version="0")
    assert server.requests[0][1] == "/apis/apps/v1/deployments?labelSelector=a%3Db&resourceVersion=0&limit=1"
    assert page.items == [{"metadata": {}, "apiVersion": "apps/v1", "kind": "Deployment"}]
    assert (page.resource_version, page.continue_token) == ("7", "c")


async def test_deletion_carries_its_options(server: Server, client: HttpClient):
    await client.delete(
        PODS, "x", "default", grace_period_seconds=0, uid="u", propagation_policy="Foreground", resource_version="3"
    )
    assert server.requests[0][3] == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "propagationPolicy": "Foreground",
        "preconditions": {"uid": "u", "resourceVersion": "3"},
    }


async def test_a_patch_has_its_content_type(server: Server, client: HttpClient):
    await client.patch(PODS, "x", [], namespace="n", patch_type=PatchType.JSON, subresource="status")
    method, path, headers, _ = server.requests[0]
    assert (method, path) == ("PATCH", "/api/v1/namespaces/n/pods/x/status")
    assert headers["Content-Type"] == "application/json-patch+json"


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        pytest.param(errors.not_found("", "pods", "x").status(), 404, errors.NotFound, id="not found"),
        pytest.param(errors.already_exists("", "pods", "x").status(), 409, errors.AlreadyExists, id="already there"),
        pytest.param("plain text", 503, errors.ServiceUnavailable, id="no Status"),
    ],
)
async def test_a_failure_is_raised_by_its_reason(server: Server, client: HttpClient, body, status, kind):
    server.handler = answer(body, status, {"Retry-After": "3"})
    with pytest.raises(kind) as caught:
        await client.get(PODS, "x", "default")
    assert caught.value.retry_after_seconds == 3


async def test_an_unreachable_server_is_a_connection_failure():
    client = HttpClient(KubeConfig(server="http://127.0.0.1:1"), user_agent="test")
    with pytest.raises(ConnectionFailed, match="GET /api/v1/pods: "):
        await client.list(PODS)
    await client.close()


async def test_watch_lines_are_joined_over_chunks(server: Server, client: HttpClient):
    first = b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n'
    second = b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n'
    server.handler = stream(first[:5], first[5:20], first[20:] + second[:10], second[10:])
    events = [event async for event in client.watch(CONFIG_MAPS, "default", resource_version="3")]
    assert [event.type for event in events] == ["ADDED", "BOOKMARK"]
    assert events[0].object["kind"] == "ConfigMap"
    assert "resourceVersion=3" in server.requests[0][1]
    assert "allowWatchBookmarks=true" in server.requests[0][1]


async def test_an_error_line_is_raised(server: Server, client: HttpClient):
    status = b'{"kind":"Status","reason":"Expired","code":410,"message":"too old resource version: 1 (2)"}'
    server.handler = stream(b'{"type":"ERROR","object":' + status + b"}\n")
    with pytest.raises(errors.Expired, match="too old resource version"):
        _ = [event async for event in client.watch(PODS, resource_version="1")]


async def test_a_refused_watch_is_raised(server: Server, client: HttpClient):
    server.handler = answer(errors.Forbidden("no").status(), 403)
    with pytest.raises(errors.Forbidden):
        _ = [event async for event in client.watch(PODS, resource_version="1")]


async def test_a_watch_that_is_cut_off_is_a_connection_failure(server: Server, client: HttpClient):
    server.handler = stream(b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n{"type"')
    with pytest.raises(ConnectionFailed):
        _ = [event async for event in client.watch(PODS, resource_version="1")]


async def test_a_token_file_is_read(server: Server, tmp_path):
    (tmp_path / "token").write_text("from-file\n")
    config = KubeConfig(server=f"http://127.0.0.1:{server.port}", token_file=str(tmp_path / "token"))
    client = HttpClient(config, user_agent="test")
    await client.get(PODS, "x", "default")
    assert server.requests[0][2]["Authorization"] == "Bearer from-file"
    await client.close()
