from __future__ import annotations

import socket

from kubelet.probes.answer import Outcome
from kubelet.probes.tcp import probe


async def test_an_accepted_connection_is_a_success() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert (await probe("127.0.0.1", server.getsockname()[1], 1)).outcome is Outcome.SUCCESS


async def test_a_refused_connection_is_a_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    answer = await probe("127.0.0.1", port, 1)
    assert answer.outcome is Outcome.FAILURE
    assert answer.output == f"dial tcp 127.0.0.1:{port}: connect: connection refused"
