from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest

from kubelet.probes.answer import Outcome
from kubelet.probes.grpc import decode_status, encode_request, probe


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def check(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        if request == encode_request("unknown"):
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return b"\x08\x01" if request == b"" else b"\x08\x02"

    handler = grpc.method_handlers_generic_handler(
        "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)}
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield port
    await server.stop(None)


@pytest.mark.parametrize(
    ("service", "outcome", "output"),
    [
        pytest.param("", Outcome.SUCCESS, "service healthy", id="serving"),
        pytest.param("db", Outcome.FAILURE, 'service unhealthy (responded with "NOT_SERVING")', id="not serving"),
        pytest.param("unknown", Outcome.FAILURE, "error: health rpc probe failed: unknown service", id="an error"),
    ],
)
async def test_answers(port: int, service: str, outcome: Outcome, output: str) -> None:
    answer = await probe("127.0.0.1", port, service, 2, "kube-probe/1.32")
    assert (answer.outcome, answer.output) == (outcome, output)


def test_messages() -> None:
    assert encode_request("ab") == b"\x0a\x02ab"
    assert encode_request("x" * 200)[:3] == b"\x0a\xc8\x01"
    assert (decode_status(b""), decode_status(b"\x08\x01")) == (0, 1)
