"""Exec, attach and logs: the engine's multiplexed streams."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

from kubelet.docker.client import DockerClient, DockerError, Hijacked
from kubelet.runtime import (
    ExecResult,
    ExecTimeout,
    LogOptions,
    NotFound,
    RuntimeFailure,
    Stream,
)

KEPT_OUTPUT_BYTES = 64 * 1024
_PIECE_BYTES = 32 * 1024
_HEADER = struct.Struct(">BxxxI")
_EXIT_POLLS = (0.0, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class _Reader(Protocol):
    async def read(self, n: int = -1) -> bytes: ...

    async def readexactly(self, n: int) -> bytes: ...


class Demultiplexer:
    """Takes the engine's frames (stream, length, payload) apart; with a terminal there are none."""

    def __init__(self, reader: _Reader, *, tty: bool) -> None:
        self._reader = reader
        self._tty = tty
        self._stream = Stream.STDOUT
        self._left = 0

    async def read(self) -> tuple[Stream, bytes] | None:
        """The next piece, at most 32 KiB; None at the end."""
        if self._tty:
            data = await self._reader.read(_PIECE_BYTES)
            return (Stream.STDOUT, data) if data else None
        while not self._left:
            try:
                kind, self._left = _HEADER.unpack(await self._reader.readexactly(_HEADER.size))
            except asyncio.IncompleteReadError:
                return None
            self._stream = Stream.STDERR if kind == 2 else Stream.STDOUT
        data = await self._reader.read(min(self._left, _PIECE_BYTES))
        self._left -= len(data)
        return (self._stream, data) if data else None


class DockerProcessStream:
    """A hijacked exec or attach connection as a :class:`kubelet.runtime.ProcessStream`."""

    def __init__(
        self,
        connection: Hijacked,
        *,
        tty: bool,
        resize: Callable[[int, int], Awaitable[None]],
        exit_code: Callable[[], Awaitable[int]],
    ) -> None:
        self._connection = connection
        self._output = Demultiplexer(connection.reader, tty=tty)
        self._tty = tty
        self._resize = resize
        self._exit_code = exit_code

    async def read(self) -> tuple[Stream, bytes] | None:
        """The next piece of output; a connection that breaks ends it."""
        try:
            return await self._output.read()
        except ConnectionError:
            return None

    async def write(self, data: bytes) -> None:
        """Sends to the standard input."""
        await self._connection.write(data)

    async def close_stdin(self) -> None:
        """Half-closes the connection, which the engine hands on as the end of the input."""
        await self._connection.close_write()

    async def resize(self, width: int, height: int) -> None:
        """Sets the terminal's size."""
        if self._tty:
            await self._resize(width, height)

    async def exit_code(self) -> int:
        """Waits for the process to end."""
        return await self._exit_code()

    async def close(self) -> None:
        """Ends the connection."""
        await self._connection.close()


class Streams:
    """Opens the streams of containers."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client

    async def open_exec(
        self, container_id: str, command: Sequence[str], *, tty: bool, stdin: bool, stdout: bool, stderr: bool
    ) -> DockerProcessStream:
        """As :meth:`ContainerRuntime.open_exec`."""
        exec_id, connection = await self._start_exec(container_id, command, tty, stdin, stdout, stderr)

        async def resize(width: int, height: int) -> None:
            await self._resize(f"/exec/{exec_id}/resize", width, height)

        async def exit_code() -> int:
            return await self._exec_exit_code(exec_id)

        return DockerProcessStream(connection, tty=tty, resize=resize, exit_code=exit_code)

    async def open_attach(
        self, container_id: str, *, tty: bool, stdin: bool, stdout: bool, stderr: bool
    ) -> DockerProcessStream:
        """As :meth:`ContainerRuntime.open_attach`."""
        wanted = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        params = {"stream": "1"} | {name: "1" for name, yes in wanted.items() if yes}
        try:
            connection = await self._client.hijack(f"/containers/{container_id}/attach", params=params)
        except DockerError as error:
            raise _translated(error) from error

        async def resize(width: int, height: int) -> None:
            await self._resize(f"/containers/{container_id}/resize", width, height)

        async def exit_code() -> int:
            ended = await self._client.request("POST", f"/containers/{container_id}/wait")
            return int(ended["StatusCode"])

        return DockerProcessStream(connection, tty=tty, resize=resize, exit_code=exit_code)

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout_seconds: float) -> ExecResult:
        """As :meth:`ContainerRuntime.exec_sync`; at the time-out the command is killed."""
        output: dict[Stream, bytearray] = {Stream.STDOUT: bytearray(), Stream.STDERR: bytearray()}
        exec_id, connection = "", None
        try:
            async with asyncio.timeout(timeout_seconds):
                exec_id, connection = await self._start_exec(container_id, command, False, False, True, True)
                pieces = Demultiplexer(connection.reader, tty=False)
                while (piece := await pieces.read()) is not None:
                    kept = output[piece[0]]
                    kept += piece[1]
                    del kept[:-KEPT_OUTPUT_BYTES]
                code = await self._exec_exit_code(exec_id)
        except TimeoutError as error:
            await self._kill_exec(exec_id)
            raise ExecTimeout(f"command {list(command)!r} timed out") from error
        finally:
            if connection is not None:
                await connection.close()
        return ExecResult(code, bytes(output[Stream.STDOUT]), bytes(output[Stream.STDERR]))

    async def _start_exec(
        self, container_id: str, command: Sequence[str], tty: bool, stdin: bool, stdout: bool, stderr: bool
    ) -> tuple[str, Hijacked]:
        config = {
            "Cmd": list(command),
            "Tty": tty,
            "AttachStdin": stdin,
            "AttachStdout": stdout,
            "AttachStderr": stderr,
        }
        try:
            created = await self._client.request("POST", f"/containers/{container_id}/exec", json=config)
            exec_id = str(created["Id"])
            connection = await self._client.hijack(f"/exec/{exec_id}/start", json={"Detach": False, "Tty": tty})
        except DockerError as error:
            raise _translated(error) from error
        return exec_id, connection

    async def _exec_exit_code(self, exec_id: str) -> int:
        """The engine closes the streams a moment before it knows the exit code; so it is asked again, ever later."""
        for pause in _EXIT_POLLS:
            if pause:
                await asyncio.sleep(pause)
            detail = await self._client.request("GET", f"/exec/{exec_id}/json")
            if not detail["Running"] and detail["ExitCode"] is not None:
                return int(detail["ExitCode"])
        raise RuntimeFailure("the command closed its output but still runs")

    async def _kill_exec(self, exec_id: str) -> None:
        """The engine cannot end a command, but tells its process on this host."""
        if not exec_id:
            return
        try:
            detail = await self._client.request("GET", f"/exec/{exec_id}/json", timeout_seconds=5)
            if detail["Running"] and detail["Pid"]:
                os.kill(detail["Pid"], signal.SIGKILL)
        except (RuntimeFailure, ProcessLookupError):
            return  # it has just ended, or went with its container

    async def _resize(self, path: str, width: int, height: int) -> None:
        try:
            await self._client.request("POST", path, params={"w": str(width), "h": str(height)})
        except DockerError:
            return  # the process has ended, or has not begun: the next size is as good

    async def logs(self, container_id: str, options: LogOptions, *, tty: bool) -> AsyncIterator[tuple[Stream, bytes]]:
        """As :meth:`ContainerRuntime.logs`."""
        params = {
            "stdout": str(int(options.stdout)),
            "stderr": str(int(options.stderr)),
            "follow": str(int(options.follow)),
            "timestamps": str(int(options.timestamps)),
            "tail": "all" if options.tail_lines is None else str(options.tail_lines),
        }
        if options.since is not None:
            params["since"] = f"{options.since.timestamp():.9f}"
        try:
            async with self._client.stream("GET", f"/containers/{container_id}/logs", params=params) as content:
                pieces = Demultiplexer(content, tty=tty)
                while (piece := await pieces.read()) is not None:
                    yield piece
        except DockerError as error:
            raise _translated(error) from error


def _translated(error: DockerError) -> RuntimeFailure:
    return NotFound(str(error)) if error.status == 404 else RuntimeFailure(str(error))
