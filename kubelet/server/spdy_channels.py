"""Remote commands over SPDY streams: ``v4.channel.k8s.io`` and its three elders.

The client opens a stream for each channel, named by its ``streamType`` header: ``error``, ``stdin``, ``stdout``,
``stderr`` and, from v3 on and with a terminal, ``resize``. How the command ended is told on ``error``: from v4 on as a
``Status``, before as a text, or nothing where it went well.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import orjson

from kubelet.runtime import ProcessStream, Stream
from kubelet.server.remote_command import StreamOptions, terminal_size
from kubelet.spdy.connection import ByteStream, Connection
from kubelet.spdy.connection import Stream as SpdyStream
from kubelet.spdy.frames import ProtocolError
from minikube_py.api.meta import Object
from minikube_py.runtime.tasks import Tasks

STREAM_PROTOCOLS: Final = ("v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io")
STREAM_TYPE: Final = "streamtype"
"""The header that names a stream's channel; SPDY's header names are in lower case."""
CREATION_SECONDS: Final = 30.0
"""How long the client may take to open its streams, as upstream's ``streamCreationTimeout``."""
_LEAVING_SECONDS: Final = 10.0
_LONGEST_SIZE_BYTES: Final = 1024


class StreamsMissing(ConnectionError):
    """The client did not open its streams in time, or has gone before it did."""


class SpdyClient:
    """A :class:`kubelet.server.remote_command.CommandClient`. Its tasks are the caller's to end."""

    def __init__(self, transport: ByteStream, options: StreamOptions, protocol: str, tasks: Tasks) -> None:
        self._tasks = tasks
        self._version = STREAM_PROTOCOLS.index(protocol)
        self._options = options
        self._awaited = self._expected()
        self._streams: dict[str, SpdyStream] = {}
        self._complete = asyncio.Event()
        self._connection = Connection(transport, on_stream=self._opened)
        self._running = tasks.start("spdy connection", self._run())

    def _expected(self) -> set[str]:
        options = self._options
        wanted = {"error": True, "stdin": options.stdin, "stdout": options.stdout, "stderr": options.stderr}
        # v1 and v2 know no sizes; from v3 on there is a stream for them wherever there is a terminal.
        wanted["resize"] = options.tty and self._version <= STREAM_PROTOCOLS.index("v3.channel.k8s.io")
        return {name for name, yes in wanted.items() if yes}

    async def _run(self) -> None:
        with contextlib.suppress(ProtocolError):  # the client has been told by GOAWAY
            await self._connection.run()
        self._complete.set()

    def _opened(self, stream: SpdyStream) -> bool:
        name = stream.headers.get(STREAM_TYPE, "")
        if name not in self._awaited:
            return False
        self._awaited.discard(name)
        self._streams[name] = stream
        if name not in ("stdin", "resize"):
            stream.discard()
        if not self._awaited:
            self._complete.set()
        return True

    async def begin(self) -> None:
        """Returns when every stream has been opened. Raises StreamsMissing."""
        try:
            async with asyncio.timeout(CREATION_SECONDS):
                await self._complete.wait()
        except TimeoutError:
            raise StreamsMissing("timed out waiting for client to create streams") from None
        if self._awaited:
            raise StreamsMissing("the client has gone before it opened its streams")

    @property
    def gone(self) -> bool:
        """Whether the connection has ended."""
        return self._connection.ended

    async def carry_input(self, process: ProcessStream) -> None:
        """Returns only when the connection has ended."""
        sizes, keys = self._streams.get("resize"), self._streams.get("stdin")
        if sizes is not None:
            self._tasks.start("remote command sizes", _resize(sizes, process))
        if keys is not None:
            self._tasks.start("remote command keys", _input(keys, process))
        await asyncio.wait({self._running})

    async def send(self, stream: Stream, data: bytes) -> None:
        """One or more data frames."""
        await self._streams["stderr" if stream is Stream.STDERR else "stdout"].write(data)

    async def finish(self, status: Object) -> None:
        """Ends every stream, the one that tells how it ended last, and gives the client the time to leave."""
        for name in ("stdout", "stderr"):
            if name in self._streams:
                await self._streams[name].close_write()
        told = self._told(status)
        if told:
            await self._streams["error"].write(told)
        await self._streams["error"].close_write()
        await self._connection.go_away()
        await asyncio.wait({self._running}, timeout=_LEAVING_SECONDS)

    def _told(self, status: Object) -> bytes:
        if self._version == STREAM_PROTOCOLS.index("v4.channel.k8s.io"):
            return orjson.dumps(status)
        return b"" if status["status"] == "Success" else str(status["message"]).encode()


async def _input(stream: SpdyStream, process: ProcessStream) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await stream.read():
            await process.write(data)
        await process.close_stdin()


async def _resize(stream: SpdyStream, process: ProcessStream) -> None:
    """The sizes come as JSON documents one after the other, which Go's encoder ends with a newline."""
    kept = b""
    with contextlib.suppress(ConnectionError):
        while data := await stream.read():
            *lines, kept = (kept + data).split(b"\n")
            kept = kept[-_LONGEST_SIZE_BYTES:]
            for line in lines:
                size = terminal_size(line)
                if size is not None:
                    await process.resize(*size)
