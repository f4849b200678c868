"""The two shapes of gRPC calls that etcd has, seen from a stream of HTTP/2: one answer, and messages both ways."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

OK, CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE = 0, 1, 2, 4, 8, 13, 14
PREFIX_BYTES = 5


class RpcError(Exception):
    """A call that failed: the gRPC status code and the peer's words, or ours where the connection ended it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"gRPC status {code}: {message}")
        self.code = code
        self.message = message


def prefixed(message: bytes) -> bytes:
    """A message as gRPC puts it into a stream: not compressed, its length before it."""
    return b"\0" + len(message).to_bytes(4, "big") + message


class UnaryCall:
    """A call with one answer, which ``future`` gives; its failure is an RpcError."""

    __slots__ = ("_parts", "future", "timer")

    def __init__(self, future: asyncio.Future[bytes]) -> None:
        self.future = future
        self.timer: asyncio.TimerHandle | None = None
        self._parts: list[bytes] = []

    def received(self, data: bytes) -> int:
        """Takes data; how much of it the peer may send anew."""
        self._parts.append(data)
        return len(data)

    def ended(self, code: int, message: str) -> None:
        """The peer, or the connection, has ended the call."""
        if self.timer is not None:
            self.timer.cancel()
        if self.future.done():
            return
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        if code == OK and (data[:1] != b"\0" or len(data) != PREFIX_BYTES + int.from_bytes(data[1:5], "big")):
            code, message = INTERNAL, "the answer is not one uncompressed message"
        if code == OK:
            self.future.set_result(data[PREFIX_BYTES:])
        else:
            self.future.set_exception(RpcError(code, message))


class StreamCall:
    """A call with messages both ways, for one reader.

    The peer may send as much as its window holds beyond what was read; ``credit`` gives it more, ``send`` a message.
    """

    def __init__(
        self, send: Callable[[bytes], None], credit: Callable[[int], None], cancel: Callable[[], None]
    ) -> None:
        self._send = send
        self._credit = credit
        self._cancel = cancel
        self._partial = bytearray()
        self._messages: deque[bytes] = deque()
        self._failure: RpcError | None = None
        self._wake: asyncio.Future[None] | None = None

    def write(self, message: bytes) -> None:
        """Sends one message."""
        self._send(prefixed(message))

    async def read(self) -> bytes:
        """The next message. Raises RpcError when the call has ended, with status OK where the peer just ended it."""
        while not self._messages:
            if self._failure is not None:
                raise self._failure
            self._wake = asyncio.get_running_loop().create_future()
            try:
                await self._wake
            finally:
                self._wake = None
        message = self._messages.popleft()
        self._credit(PREFIX_BYTES + len(message))
        return message

    def cancel(self) -> None:
        """Ends the call from this side."""
        self._cancel()

    def received(self, data: bytes) -> int:
        """Takes data; how much of it the peer may send anew at once: nothing, before a reader took it."""
        partial = self._partial
        partial += data
        position, size = 0, len(partial)
        while size - position >= PREFIX_BYTES:
            end = position + PREFIX_BYTES + int.from_bytes(partial[position + 1 : position + PREFIX_BYTES], "big")
            if end > size:
                break
            if partial[position]:
                self.ended(INTERNAL, "a message is compressed")
                break
            self._messages.append(bytes(partial[position + PREFIX_BYTES : end]))
            position = end
        del partial[:position]
        self._awaken()
        return 0

    def ended(self, code: int, message: str) -> None:
        """The peer, or the connection, has ended the call; what has arrived can still be read."""
        if self._failure is None:
            self._failure = RpcError(code, message)
        self._awaken()

    def _awaken(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
