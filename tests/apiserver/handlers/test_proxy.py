"""Requests passed on to a backend on loopback, which stands for a pod."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from starlette.responses import StreamingResponse

from apiserver.handlers import proxy as module
from apiserver.streaming.locations import Location, Security

PREFIX = "/api/v1/namespaces/default/pods/web/proxy"


class Backend:
    """Remembers the last request, and answers as a test wants."""

    def __init__(self) -> None:
        self.seen: web.BaseRequest | None = None
        self.body = b""
        self.answer = web.Response(text="answer")

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen, self.body = request, await request.read()
        return self.answer


@pytest.fixture
async def backend(monkeypatch: pytest.MonkeyPatch, api: Any) -> AsyncIterator[Backend]:
    made = Backend()
    server = RawTestServer(made)
    await server.start_server()

    async def location(_ctx: object) -> Location:
        return Location("127.0.0.1", server.port or 0, Security.PLAIN)

    monkeypatch.setattr(module, "_location", location)
    yield made
    await api.core.kubelets.close()
    await server.close()


async def read(response: Any) -> bytes:
    if isinstance(response, StreamingResponse):
        return b"".join([bytes(chunk) async for chunk in response.body_iterator])
    return bytes(response.body)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_the_request_reaches_the_backend_as_it_was(api: Any, backend: Backend, method: str) -> None:
    sent = b"body" if method in ("POST", "PUT", "PATCH") else None
    length = {"content-length": "4"} if sent else {}
    headers = {"x-mine": "yes", "host": "asked:6443", "content-type": "text/plain", **length}
    response = await api.respond(method, f"{PREFIX}/a/b?c=d%20e", sent, headers=headers)
    assert response.status_code == 200
    assert await read(response) == (b"" if method == "HEAD" else b"answer")
    assert backend.seen is not None
    assert (backend.seen.method, backend.seen.raw_path, backend.body) == (method, "/a/b?c=d%20e", sent or b"")
    assert backend.seen.headers["X-Mine"] == "yes"
    assert backend.seen.headers["Host"] == "asked:6443"
    assert backend.seen.headers["X-Forwarded-Uri"] == f"{PREFIX}/a/b"


async def test_what_the_user_is_known_by_is_not_passed_on(api: Any, backend: Backend) -> None:
    account = {"kind": "ServiceAccount", "namespace": "default", "name": "default"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {"metadata": {"name": "all"}, "subjects": [account], "roleRef": role}
    await api.ok("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    token = (await api.ok("POST", path, {"spec": {}}))["status"]["token"]
    secret = {
        "authorization": f"Bearer {token}",
        "impersonate-user": "system:admin",
        "impersonate-group": "system:masters",
    }
    sent = {**secret, "connection": "x-hop", "x-hop": "1", "te": "trailers"}
    for _ in range(100):  # until the binding has reached the authorizer
        response = await api.respond("GET", f"{PREFIX}/", user=None, headers=sent)
        if response.status_code != 403:
            break
        await asyncio.sleep(0)
    assert response.status_code == 200, bytes(response.body)
    await read(response)
    assert backend.seen is not None
    assert not {"Authorization", "Impersonate-User", "X-Hop", "TE"} & set(backend.seen.headers)


async def test_status_and_headers_come_back_but_for_those_of_the_connection(api: Any, backend: Backend) -> None:
    backend.answer = web.Response(status=418, text="tea", headers={"X-Theirs": "yes", "Keep-Alive": "timeout=5"})
    response = await api.respond("GET", f"{PREFIX}/")
    assert (response.status_code, await read(response)) == (418, b"tea")
    assert response.headers["X-Theirs"] == "yes"
    assert "keep-alive" not in response.headers
    assert len(response.headers.getlist("date")) == 1


async def test_redirects_lead_through_the_proxy(api: Any, backend: Backend) -> None:
    backend.answer = web.Response(status=302, headers={"Location": "/there"})
    response = await api.respond("GET", f"{PREFIX}/here")
    assert (response.status_code, response.headers["Location"]) == (302, f"{PREFIX}/there")


async def test_links_of_a_page_lead_through_the_proxy(api: Any, backend: Backend) -> None:
    backend.answer = web.Response(text='<a href="/there">', content_type="text/html")
    response = await api.respond("GET", f"{PREFIX}/here")
    body = f'<a href="{PREFIX}/there">'.encode()
    assert (await read(response), response.headers["Content-Length"]) == (body, str(len(body)))


async def test_a_page_that_is_too_long_is_passed_on_as_it_is(
    api: Any, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_PAGE_BYTES", 10)
    backend.answer = web.Response(text='<a href="/there">' * 100, content_type="text/html")
    assert await read(await api.respond("GET", f"{PREFIX}/here")) == b'<a href="/there">' * 100


async def test_no_path_is_the_one_with_a_slash(api: Any, backend: Backend) -> None:
    response = await api.respond("GET", f"{PREFIX}?a=b")
    assert (response.status_code, response.headers["Location"]) == (301, f"{PREFIX}/?a=b")


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        pytest.param("/api/v1/namespaces/default/pods/nobody/proxy/", 404, 'pods "nobody" not found', id="a pod"),
        pytest.param(
            "/api/v1/namespaces/default/services/no:80/proxy/", 404, 'services "no" not found', id="a service"
        ),
        pytest.param("/api/v1/nodes/no/proxy/healthz", 404, 'nodes "no" not found', id="a node"),
        pytest.param(
            "/api/v1/namespaces/default/pods/a:b:c:d/proxy/", 400, 'invalid pod request "a:b:c:d"', id="no name"
        ),
    ],
)
async def test_what_is_not_there_is_told(api: Any, path: str, status: int, message: str) -> None:
    answer = await api("GET", path)
    assert (answer.status, answer.message) == (status, message)


@pytest.mark.parametrize("subresource", ["exec", "attach", "portforward"])
async def test_a_stream_needs_an_upgrade(api: Any, subresource: str) -> None:
    pod = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await api.ok("POST", "/api/v1/namespaces/default/pods", pod)
    path = f"/api/v1/namespaces/default/pods/web/{subresource}?command=ls&stdout=1"
    answer = await api("POST", path, headers={"upgrade": "SPDY/3.1"})
    assert (answer.status, answer.message) == (400, "Upgrade request required")
