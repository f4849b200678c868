"""``tcpSocket`` probes: a connection that is accepted is a success."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from kubelet.probes.answer import Answer, Outcome, dial_error, dial_timeout, host_port


async def probe(host: str, port: int, timeout: float) -> Answer:
    """Connects and closes. ``timeout`` is in seconds."""
    address = host_port(host, port)
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return Answer(Outcome.FAILURE, dial_timeout(address))
    except socket.gaierror:
        return Answer(Outcome.FAILURE, f"dial tcp: lookup {host}: no such host")
    except OSError as error:
        return Answer(Outcome.FAILURE, dial_error(address, error))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return Answer(Outcome.SUCCESS)
