"""``pods/exec``, ``pods/attach`` and ``pods/portforward``: the client's connection, passed on to the pod's kubelet.

It is passed on as it is, handshake and all, so that what it means is between the client and the kubelet. Remote
commands come as WebSockets (``v5.channel.k8s.io``, ``v4.channel.k8s.io``) or, from kubectl before 1.31, as SPDY/3.1;
port-forward as SPDY/3.1, bare or in a WebSocket (``SPDY/3.1+portforward.k8s.io``), or as the channels of a WebSocket.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.streaming.containers import choose_container
from apiserver.streaming.kubelet import KubeletAddress, kubelet_of, pod_of
from apiserver.streaming.relay import ask, pump, request_head
from apiserver.streaming.upgrade import SwitchProtocols, require_upgrade
from minikube_py.api.errors import ApiError, BadRequest, Forbidden, InternalError, NotFound
from minikube_py.api.meta import name_of, namespace_of
from minikube_py.runtime.hijack import HijackedConnection

_FLAGS: Final = (("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty"))
_HANDSHAKE: Final = (
    b"sec-websocket-key",
    b"sec-websocket-version",
    b"sec-websocket-protocol",
    b"x-stream-protocol-version",
)
_ANSWERED: Final = ("sec-websocket-", "x-stream-protocol-version", "x-accepted-stream-protocol-versions")
_ERROR_BYTES: Final = 4096


async def stream(ctx: RequestContext) -> Response:
    """Answers with a stream; raises BadRequest, NotFound, InternalError with the kubelet's own words."""
    info = ctx.info
    pod = await pod_of(ctx)
    parts = [info.subresource, namespace_of(pod), name_of(pod)]
    if info.subresource == "portforward":
        parts[0] = "portForward"
        query = [("port", port) for key in ("ports", "port") for port in ctx.query.all(key)]
    else:
        parts.append(choose_container(pod, ctx.query.get("container")))
        query = _command_query(ctx)
    require_upgrade(ctx)
    kubelet = kubelet_of(ctx.core, pod)
    return await pass_on(ctx, kubelet, kubelet.target(parts, query))


async def pass_on(ctx: RequestContext, kubelet: KubeletAddress, target: str) -> Response:
    """The upgrade that the client asks for, at the kubelet. Raises BadRequest, Forbidden, NotFound, InternalError."""
    headers = [("Host", kubelet.authority), ("Connection", "Upgrade"), ("Upgrade", ctx.header("upgrade"))]
    headers += [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in ctx.request.scope["headers"]
        if name in _HANDSHAKE
    ]
    head = request_head(ctx.request.method, target, headers)
    try:
        backend = await ask(kubelet.host, kubelet.port, ctx.core.kubelets.tls, head)
    except (OSError, TimeoutError) as error:
        message = f"error dialing backend: {error or 'i/o timeout'}"
        raise InternalError(message, details={"causes": [{"message": str(error)}]}) from None
    if backend.status != 101:
        text = (await backend.body(_ERROR_BYTES)).decode("utf-8", "replace").strip()
        backend.close()
        raise _refusal(backend.status, text or f"unable to upgrade connection: {backend.status} {backend.reason}")

    async def serve(client: HijackedConnection) -> None:
        await pump(client, backend)

    answered = [(name, value) for name, value in backend.headers if name.lower().startswith(_ANSWERED)]
    return SwitchProtocols([("Connection", "Upgrade"), ("Upgrade", ctx.header("upgrade")), *answered], serve)


def _refusal(status: int, text: str) -> ApiError:
    if status == 400:
        return BadRequest(text)
    if status == 403:
        return Forbidden(text)
    return NotFound(text, details={}) if status == 404 else InternalError(text, details={})


def _command_query(ctx: RequestContext) -> list[tuple[str, str]]:
    """The kubelet's parameters for the client's. Raises BadRequest."""
    query = [("command", word) for word in ctx.query.all("command")]
    if ctx.info.subresource == "exec" and not query:
        raise BadRequest("you must specify at least 1 command")
    flags = [(theirs, "1") for ours, theirs in _FLAGS if ctx.query.flag(ours)]
    if not any(key in ("input", "output", "error") for key, _ in flags):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    return query + flags
