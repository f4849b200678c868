"""Exec and attach over WebSockets: the ``v5.channel.k8s.io`` and ``v4.channel.k8s.io`` subprotocols.

A message's first byte is its channel: 0 standard input, 1 output, 2 error output, 3 the final ``Status`` as JSON, 4 the
terminal's size as JSON, and in v5 255 closes the channel that its second byte names.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import aiohttp
import orjson
from aiohttp import web

from kubelet.runtime import ProcessStream, RuntimeFailure
from minikube_py.api.meta import Object
from minikube_py.runtime.tasks import Tasks

SUBPROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
_PING_SECONDS: Final = 60.0
_LARGEST_MESSAGE_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Which of a process's streams the client wants."""

    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool

    @classmethod
    def parse(cls, request: web.Request) -> StreamOptions:
        """From ``input``, ``output``, ``error`` and ``tty``; raises HTTPBadRequest where no stream is asked for."""
        query = request.query
        wanted = [any(query.get(name) in ("1", "true") for name in names) for names in _NAMES]
        options = cls(*wanted)
        if not (options.stdin or options.stdout or options.stderr):
            raise web.HTTPBadRequest(text="you must specify at least 1 of stdin, stdout, stderr")
        if options.tty and options.stderr:
            options = cls(options.stdin, options.stdout, False, True)  # a terminal has one output
        return options


_NAMES: Final = (("input", "stdin"), ("output", "stdout"), ("error", "stderr"), ("tty",))


def check_upgrade(request: web.Request) -> None:
    """Raises HTTPBadRequest unless the request is a WebSocket handshake with a subprotocol of ours."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        asked = request.headers.get("Upgrade") or "none"
        raise web.HTTPBadRequest(text=f"unable to upgrade: only websocket is supported, request asked for: {asked}")
    offered = [part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if not set(offered) & set(SUBPROTOCOLS):
        raise web.HTTPBadRequest(
            text=f"unable to negotiate protocol: client supports {offered}, server supports {list(SUBPROTOCOLS)}"
        )


async def serve(
    request: web.Request, process: ProcessStream, options: StreamOptions, *, command: list[str] | None
) -> web.StreamResponse:
    """Carries the streams until the process has ended or the client has gone.

    ``command`` is that of an exec, whose exit code is told; None for an attachment, which ends in success.
    """
    socket = web.WebSocketResponse(
        protocols=SUBPROTOCOLS, heartbeat=_PING_SECONDS, max_msg_size=_LARGEST_MESSAGE_BYTES, compress=False
    )
    await socket.prepare(request)
    # An empty message tells the client that the streams stand.
    await socket.send_bytes(bytes([STDOUT if options.stdout else STDERR if options.stderr else ERROR]))
    tasks = Tasks()
    reading = tasks.start("remote command input", _from_client(socket, process, options))
    output = tasks.start("remote command output", _to_client(socket, process, options))
    try:
        # The input is read until the client has gone, which ends the output too.
        await asyncio.wait({reading, output}, return_when=asyncio.FIRST_COMPLETED)
        if not socket.closed:
            await socket.send_bytes(bytes([ERROR]) + orjson.dumps(await _final_status(process, command)))
            await socket.close()
    except ConnectionError:
        pass  # the client left while it was told the end
    finally:
        await tasks.cancel_all()
        await process.close()
    return socket


async def _from_client(socket: web.WebSocketResponse, process: ProcessStream, options: StreamOptions) -> None:
    """Returns only when the connection is closed."""
    async for message in socket:
        if message.type not in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT):
            continue
        data: bytes = message.data if isinstance(message.data, bytes) else message.data.encode()
        if not data:
            continue
        channel, payload = data[0], data[1:]
        if channel == STDIN and options.stdin and payload:
            await process.write(payload)
        elif channel == RESIZE and options.tty:
            size = terminal_size(payload)
            if size is not None:
                await process.resize(*size)
        elif channel == CLOSE and payload[:1] == bytes([STDIN]) and options.stdin:
            await process.close_stdin()


async def _to_client(socket: web.WebSocketResponse, process: ProcessStream, options: StreamOptions) -> None:
    wanted = {STDOUT: options.stdout, STDERR: options.stderr}
    while (piece := await process.read()) is not None:
        stream, data = piece
        if wanted[stream.value]:
            try:
                await socket.send_bytes(bytes([stream.value]) + data)
            except ConnectionError:
                return  # the client has gone, and with it whoever would read on


def terminal_size(payload: bytes) -> tuple[int, int] | None:
    """``{"Width": 80, "Height": 24}`` as (80, 24); None for anything that is not a size."""
    try:
        size = orjson.loads(payload)
        width, height = int(size["Width"]), int(size["Height"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    return (width, height) if width > 0 and height > 0 else None


async def _final_status(process: ProcessStream, command: list[str] | None) -> Object:
    if command is None:
        return success()
    try:
        code = await process.exit_code()
    except RuntimeFailure as error:
        return failure(f"error executing command in container: {error}")
    return success() if code == 0 else non_zero_exit(code, command)


def success() -> Object:
    """The ``Status`` of a command that ended with 0."""
    return {"metadata": {}, "status": "Success"}


def non_zero_exit(code: int, command: list[str]) -> Object:
    """The ``Status`` from which clients take the exit code."""
    return {
        "metadata": {},
        "status": "Failure",
        "message": "command terminated with non-zero exit code: "
        f"error executing command [{' '.join(command)}], exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failure(message: str) -> Object:
    """The ``Status`` of a command that could not be run to its end."""
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {message}",
        "reason": "InternalError",
        "details": {"causes": [{"message": message}]},
        "code": 500,
    }
