"""Exec and attach: a process's streams, carried to a client and from it whatever the client speaks.

Two kinds of client stand behind one protocol: :mod:`kubelet.server.websocket_channels` and
:mod:`kubelet.server.spdy_channels`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

import orjson
from aiohttp import web

from kubelet.runtime import ProcessStream, RuntimeFailure, Stream
from minikube_py.api.meta import Object
from minikube_py.runtime.tasks import Tasks


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


class CommandClient(Protocol):
    """The far end of a remote command. Every method may raise ConnectionError once it has gone."""

    async def carry_input(self, process: ProcessStream) -> None:
        """Passes input, its end and the terminal's size on to the process; returns when the client has gone."""
        ...

    async def send(self, stream: Stream, data: bytes) -> None:
        """Sends a piece of output; returns when there is room for more."""
        ...

    async def finish(self, status: Object) -> None:
        """Tells how it ended, after all output, and ends the connection."""
        ...

    @property
    def gone(self) -> bool:
        """Whether nobody is there to be told anything."""
        ...


async def serve(
    client: CommandClient, process: ProcessStream, options: StreamOptions, *, command: list[str] | None
) -> None:
    """Carries the streams until the process has ended or the client has gone.

    ``command`` is that of an exec, whose exit code is told; None for an attachment, which ends in success.
    """
    tasks = Tasks()
    reading = tasks.start("remote command input", client.carry_input(process))
    output = tasks.start("remote command output", _send_output(client, process, options))
    try:
        # The input is read until the client has gone, which ends the output too.
        await asyncio.wait({reading, output}, return_when=asyncio.FIRST_COMPLETED)
        if output.done() and not client.gone:
            await client.finish(await _final_status(process, command))
    except ConnectionError:
        pass  # the client left while it was told the end
    finally:
        await tasks.cancel_all()
        await process.close()


async def _send_output(client: CommandClient, process: ProcessStream, options: StreamOptions) -> None:
    wanted = {Stream.STDOUT: options.stdout, Stream.STDERR: options.stderr}
    while (piece := await process.read()) is not None:
        stream, data = piece
        if wanted[stream]:
            try:
                await client.send(stream, data)
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
