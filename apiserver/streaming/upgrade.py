"""``101 Switching Protocols``: the bare connection of a request is served instead of answered.

:mod:`apiserver.server` puts the way to take a connection over into the scope of every request that asks for an
upgrade, whatever to; a handler that agrees to it answers with :class:`SwitchProtocols`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, cast

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from apiserver.context import RequestContext
from minikube_py.api.errors import BadRequest
from minikube_py.runtime.hijack import HijackedConnection

EXTENSION: Final = "minikube-py.upgrade"
"""Key of the scope's extensions under which :data:`TakeOver` is found."""
TakeOver = Callable[[bytes], HijackedConnection]
"""Sends a response's head, given whole, and takes the connection from HTTP."""


class SwitchProtocols(StreamingResponse):
    """``101``: the connection is taken over, served to its end, and closed."""

    def __init__(
        self, headers: Sequence[tuple[str, str]], serve: Callable[[HijackedConnection], Awaitable[None]]
    ) -> None:
        self.status_code = 101
        self.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.background = None
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves the connection to its end."""
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in self.raw_headers)
        take_over = cast(TakeOver, scope["extensions"][EXTENSION])
        connection = take_over(b"HTTP/1.1 101 Switching Protocols\r\n" + lines + b"\r\n")
        try:
            await self._serve(connection)
        finally:
            connection.close()


def upgrade_asked(ctx: RequestContext) -> str:
    """What the request wants its connection to become, in lower case; empty where it asks for no upgrade."""
    if EXTENSION not in (ctx.request.scope.get("extensions") or {}):
        return ""
    return ctx.header("upgrade").lower()


def require_upgrade(ctx: RequestContext) -> str:
    """As :func:`upgrade_asked`. Raises BadRequest where the request asks for no upgrade."""
    asked = upgrade_asked(ctx)
    if not asked:
        raise BadRequest("Upgrade request required")
    return asked
