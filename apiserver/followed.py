"""A streamed answer whose end is told to whoever has to know: the audit log, the gauge of open streams."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class Followed(StreamingResponse):
    """``stream``, and a call of ``ended`` once it is over, however it ended."""

    def __init__(self, stream: StreamingResponse, ended: Callable[[], None]) -> None:
        self.status_code = stream.status_code
        self.raw_headers = stream.raw_headers
        self.background = None
        if hasattr(stream, "body_iterator"):
            self.body_iterator = stream.body_iterator
        self._stream = stream
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves the stream to its end."""
        try:
            await self._stream(scope, receive, send)
        finally:
            self._ended()
