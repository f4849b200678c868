"""Port-forward over the channels of a WebSocket, as the Python and JavaScript clients speak it.

Each port asked for has a data channel (twice its place) and an error channel (the next one). The first message on each
is the port as two bytes, the low one first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
from aiohttp import web
from multidict import MultiMapping

from kubelet.network.pod_dial import Connected, DialFailed
from minikube_py.runtime.tasks import Tasks

SUBPROTOCOL: Final = "v4.channel.k8s.io"
_MOST_PORTS: Final = 127
_PIECE_BYTES: Final = 64 * 1024


def ports_of(query: MultiMapping[str]) -> list[int]:
    """The ports of the query's ``port``, given several times or parted by commas. Raises HTTPBadRequest."""
    words = [word for value in query.getall("port", []) for word in value.split(",")]
    if not words:
        raise web.HTTPBadRequest(text='query parameter "port" is required')
    ports = []
    for word in words:
        if not word.isascii() or not word.isdigit():
            raise web.HTTPBadRequest(text=f'unable to parse "{word}" as a port')
        if not 0 < int(word) < 65536:
            raise web.HTTPBadRequest(text=f'port "{word}" must be between 1 and 65535')
        ports.append(int(word))
    if len(ports) > _MOST_PORTS:
        raise web.HTTPBadRequest(text=f"at most {_MOST_PORTS} ports can be forwarded by one request")
    return ports


async def serve(
    socket: web.WebSocketResponse, ports: list[int], dial_pod: Callable[[int], Awaitable[Connected]]
) -> None:
    """Returns when the client has gone, or every connection has ended."""
    writers: dict[int, asyncio.Future[asyncio.StreamWriter | None]] = {}
    tasks = Tasks()
    try:
        forwards = set()
        for place, port in enumerate(ports):
            for channel in (2 * place, 2 * place + 1):
                await socket.send_bytes(bytes([channel]) + port.to_bytes(2, "little"))
            writers[2 * place] = asyncio.get_running_loop().create_future()
            forwards.add(tasks.start("port forward", _forward(socket, 2 * place, port, dial_pod, writers[2 * place])))
        reading = tasks.start("port forward input", _upwards(socket, writers))
        finished = tasks.start("port forward end", _all_of(forwards))
        await asyncio.wait({reading, finished}, return_when=asyncio.FIRST_COMPLETED)
    except ConnectionError:
        return  # the client has gone
    finally:
        await tasks.cancel_all()


async def _all_of(forwards: set[asyncio.Task[None]]) -> None:
    await asyncio.wait(forwards)


async def _forward(
    socket: web.WebSocketResponse,
    channel: int,
    port: int,
    dial_pod: Callable[[int], Awaitable[Connected]],
    opened: asyncio.Future[asyncio.StreamWriter | None],
) -> None:
    writer: asyncio.StreamWriter | None = None
    try:
        reader, writer = await dial_pod(port)
        opened.set_result(writer)
        while data := await reader.read(_PIECE_BYTES):
            await socket.send_bytes(bytes([channel]) + data)
    except DialFailed as failure:
        opened.set_result(None)
        await socket.send_bytes(bytes([channel + 1]) + str(failure).encode())
    except OSError:
        return  # the pod has broken the connection, or the client has gone
    finally:
        if writer is not None:
            writer.close()


async def _upwards(
    socket: web.WebSocketResponse, writers: dict[int, asyncio.Future[asyncio.StreamWriter | None]]
) -> None:
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data or message.data[0] not in writers:
            continue
        writer = await asyncio.shield(writers[message.data[0]])
        if writer is None or writer.is_closing():
            continue
        try:
            writer.write(message.data[1:])
            await writer.drain()
        except OSError:
            continue  # this connection has broken; others go on
