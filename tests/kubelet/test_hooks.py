from __future__ import annotations

import socket

import pytest

from kubelet.fake_runtime import FakeRuntime
from kubelet.hooks import HookFailed, HookRunner
from kubelet.probes.http import HttpProber
from kubelet.runtime import ExecResult
from minikube_py.api.meta import Object
from minikube_py.runtime.clock import FakeClock

from .pods import container


async def run(handler: Object, exit_code: int = 0) -> None:
    clock = FakeClock()
    runtime, http = FakeRuntime(clock.now), HttpProber()
    runtime.exec_results = lambda _container, _command: ExecResult(exit_code, b"out")
    runner = HookRunner(runtime, http, clock)
    try:
        await runner.run(handler, container(), "none", "127.0.0.1", 1)
    finally:
        await http.close()


def unused_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        pytest.param({"exec": {"command": ["x"]}}, "No such container", id="a container that is gone"),
        pytest.param({"httpGet": {"port": "http"}}, "couldn't find port: http", id="a port that is not declared"),
        pytest.param({"tcpSocket": {"port": unused_port()}}, "connection refused", id="nobody listens"),
        pytest.param({"httpGet": {"port": unused_port()}}, "connection refused", id="nobody serves"),
        pytest.param({"carrierPigeon": {}}, "unsupported handler carrierPigeon", id="an unknown handler"),
    ],
)
async def test_failures_are_told(handler: Object, message: str) -> None:
    with pytest.raises(HookFailed, match=message):
        await run(handler)


async def test_a_connection_is_a_success() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        await run({"tcpSocket": {"port": server.getsockname()[1]}})
