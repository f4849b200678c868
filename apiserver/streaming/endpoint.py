"""``pods/exec`` and ``pods/attach`` over WebSockets: the client's channels, passed to and from the kubelet's.

The subprotocols ``v5.channel.k8s.io`` and ``v4.channel.k8s.io`` are passed through unread, so that what they mean is
between kubectl and the kubelet. Either side is read only as fast as the other takes.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol, cast

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from apiserver.context import RequestContext
from apiserver.core import Core
from apiserver.server import MAX_STREAM_MESSAGE_BYTES
from apiserver.streaming.containers import choose_container
from apiserver.streaming.kubelet import kubelet_of, pod_of
from apiserver.unsupported import unknown_resource
from minikube_py.api.errors import BadRequest, InternalError, NotFound
from minikube_py.api.meta import name_of, namespace_of
from minikube_py.runtime.tasks import Tasks

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

SUBPROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STREAMS = ("exec", "attach")
_FLAGS = (("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty"))
_CLOSE_SECONDS = 10.0
log = structlog.get_logger("apiserver")


class Admission(Protocol):
    """The part of the application that a stream shares with plain requests."""

    def context(self, request: Request) -> RequestContext:
        """The context of a request that nobody has authenticated yet."""
        ...

    async def admit(self, ctx: RequestContext) -> None:
        """Authenticates and authorizes."""
        ...


class StreamEndpoint:
    """Answers every WebSocket handshake."""

    def __init__(self, core: Core, admission: Admission) -> None:
        self._core = core
        self._admission = admission

    async def handle(self, websocket: WebSocket) -> None:
        """Serves one stream to its end, or refuses it with a ``Status``."""
        from apiserver.app import error_response, finish

        started = time.monotonic()
        # Everything up to the handshake's answer looks at the request only, which a WebSocket's scope is as well.
        request = Request({**websocket.scope, "type": "http", "method": "GET"})
        ctx = self._admission.context(request)
        try:
            await self._admission.admit(ctx)
            kubelet = await self._connect(ctx, websocket)
        except Exception as error:
            await self._refuse(websocket, finish(ctx, error_response(ctx, error)))
            return
        async with kubelet:
            await websocket.accept(subprotocol=kubelet.protocol)
            await _pass_through(websocket, kubelet)
        self._core.metrics.observe(ctx.info, 101, time.monotonic() - started)

    async def _refuse(self, websocket: WebSocket, response: Response) -> None:
        try:
            await websocket.send_denial_response(response)
        except (RuntimeError, WebSocketDisconnect) as error:
            log.info("Client left before it could be refused", error=str(error))

    async def _connect(self, ctx: RequestContext, websocket: WebSocket) -> ClientWebSocketResponse:
        """A stream to the kubelet, with the subprotocol that the client is to be answered with."""
        import aiohttp

        info = ctx.info
        if info.resource is None or info.plural != "pods" or info.subresource not in _STREAMS or not info.name:
            raise unknown_resource(info)
        offered = cast(list[str], websocket.scope.get("subprotocols") or [])
        chosen = next((protocol for protocol in offered if protocol in SUBPROTOCOLS), None)
        if chosen is None:
            raise BadRequest(
                f"none of the WebSocket subprotocols {offered} is supported, only {', '.join(SUBPROTOCOLS)}"
            )
        pod = await pod_of(ctx)
        container = choose_container(pod, ctx.query.get("container"))
        query = _stream_query(ctx)
        address = kubelet_of(self._core, pod)
        url = address.url("wss", (info.subresource, namespace_of(pod), name_of(pod), container), query)
        try:
            return await self._core.kubelets.session.ws_connect(
                url, protocols=(chosen,), max_msg_size=MAX_STREAM_MESSAGE_BYTES, autoping=True
            )
        except aiohttp.WSServerHandshakeError as error:
            raise _refusal(error.status, f"unable to upgrade connection: {error.message}") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise InternalError(
                f"error dialing backend: {error}", details={"causes": [{"message": str(error)}]}
            ) from None


def _refusal(status: int, text: str) -> Exception:
    if status == 400:
        return BadRequest(text)
    return NotFound(text, details={}) if status == 404 else InternalError(text, details={})


def _stream_query(ctx: RequestContext) -> list[tuple[str, str]]:
    """The kubelet's parameters for the client's. Raises BadRequest."""
    query = [("command", word) for word in ctx.query.all("command")]
    if ctx.info.subresource == "exec" and not query:
        raise BadRequest("you must specify at least 1 command")
    flags = [(theirs, "1") for ours, theirs in _FLAGS if ctx.query.flag(ours)]
    if not any(key in ("input", "output", "error") for key, _ in flags):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    if ctx.query.flag("tty") and ctx.query.flag("stderr"):
        raise BadRequest("tty and stderr cannot both be true: a terminal has one output")
    return query + flags


async def _pass_through(client: WebSocket, kubelet: ClientWebSocketResponse) -> None:
    """Passes messages both ways until either side ends; what the kubelet has still sent reaches the client."""
    tasks = Tasks()
    try:
        upwards = tasks.start("stream-to-kubelet", _to_kubelet(client, kubelet))
        downwards = tasks.start("stream-to-client", _to_client(client, kubelet))
        done, _ = await asyncio.wait((upwards, downwards), return_when=asyncio.FIRST_COMPLETED)
        if downwards not in done:
            await kubelet.close()
            await asyncio.wait((downwards,), timeout=_CLOSE_SECONDS)
    finally:
        await tasks.cancel_all()
    if client.application_state == WebSocketState.CONNECTED and client.client_state == WebSocketState.CONNECTED:
        await client.close(code=_close_code(kubelet.close_code))


def _close_code(code: int | None) -> int:
    return code if code is not None and code in (1000, 1001, 1011) else 1000


async def _to_kubelet(client: WebSocket, kubelet: ClientWebSocketResponse) -> None:
    while True:
        message: dict[str, Any] = dict(await client.receive())
        if message["type"] == "websocket.disconnect":
            return
        try:
            if message.get("bytes") is not None:
                await kubelet.send_bytes(message["bytes"])
            elif message.get("text") is not None:
                await kubelet.send_str(message["text"])
        except ConnectionError:
            return


async def _to_client(client: WebSocket, kubelet: ClientWebSocketResponse) -> None:
    import aiohttp

    async for message in kubelet:
        try:
            if message.type == aiohttp.WSMsgType.BINARY:
                await client.send_bytes(message.data)
            elif message.type == aiohttp.WSMsgType.TEXT:
                await client.send_text(message.data)
        except (WebSocketDisconnect, RuntimeError):
            return
