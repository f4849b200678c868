from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from kubelet.probes.answer import Outcome
from kubelet.probes.http import HttpProber, HttpRequest, http_request
from minikube_py.api.meta import Object


@pytest.fixture
async def prober() -> AsyncIterator[HttpProber]:
    prober = HttpProber()
    yield prober
    await prober.close()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.Response:
        match request.path:
            case "/redirect":
                return web.Response(status=302, headers={"Location": "/ok"})
            case "/elsewhere":
                return web.Response(status=302, headers={"Location": "http://example.com/"})
            case "/loop":
                return web.Response(status=302, headers={"Location": "/loop"})
            case "/headers":
                ok = request.headers["User-Agent"] == "kube-probe/1.32" and request.headers["X-A"] == "1"
                return web.Response(status=200 if ok else 400)
            case "/bad":
                return web.Response(status=500)
        return web.Response(text="fine")

    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "outcome", "output"),
    [
        pytest.param("/", Outcome.SUCCESS, "fine", id="200"),
        pytest.param("/redirect", Outcome.SUCCESS, "fine", id="a redirect on the same host"),
        pytest.param("/elsewhere", Outcome.WARNING, "Probe terminated redirects", id="a redirect to another host"),
        pytest.param("/loop", Outcome.FAILURE, "stopped after 10 redirects", id="a redirect without end"),
        pytest.param("/bad", Outcome.FAILURE, "HTTP probe failed with statuscode: 500", id="500"),
        pytest.param("/headers", Outcome.SUCCESS, "", id="headers"),
    ],
)
async def test_answers(prober: HttpProber, port: int, path: str, outcome: Outcome, output: str) -> None:
    action = {"path": path, "httpHeaders": [{"name": "X-A", "value": "1"}]}
    answer = await prober.probe(http_request(action, port, "127.0.0.1", "kube-probe/1.32"), 2)
    assert answer.outcome is outcome
    assert output in answer.output


async def test_a_refused_connection_is_told_in_go_s_words(prober: HttpProber) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    answer = await prober.probe(HttpRequest(f"http://127.0.0.1:{port}/x", {}), 2)
    assert answer.output == (f'Get "http://127.0.0.1:{port}/x": dial tcp 127.0.0.1:{port}: connect: connection refused')


async def test_a_server_that_does_not_answer_runs_into_the_time_out(prober: HttpProber) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        answer = await prober.probe(HttpRequest(f"http://127.0.0.1:{port}/", {}), 0.05)
    assert answer.outcome is Outcome.FAILURE
    assert answer.output == (
        f'Get "http://127.0.0.1:{port}/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    )


@pytest.mark.parametrize(
    ("action", "url"),
    [
        pytest.param({}, "http://10.0.0.5:80/", id="defaults"),
        pytest.param({"scheme": "HTTPS", "path": "healthz"}, "https://10.0.0.5:80/healthz", id="HTTPS and a bare path"),
        pytest.param({"host": "::1"}, "http://[::1]:80/", id="a host of its own"),
    ],
)
def test_urls(action: Object, url: str) -> None:
    assert http_request(action, 80, "10.0.0.5", "x").url == url
