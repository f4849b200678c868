"""``nodes/proxy``, ``pods/proxy`` and ``services/proxy``: the request goes on to a backend, whatever its method.

The backend sees the client's request without what it authenticated itself with here, and is told in ``X-Forwarded-For``
and ``X-Forwarded-Uri`` where it came from. Follows upstream's ``proxy.UpgradeAwareHandler``.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final

from starlette.responses import Response, StreamingResponse

from apiserver.context import RequestContext
from apiserver.reads import FRESH_TIMEOUT_SECONDS
from apiserver.streaming.locations import (
    Location,
    Security,
    Target,
    node_location,
    parse_target,
    pod_location,
    service_location,
)
from apiserver.streaming.relay import Backend, ask, pump, request_head
from apiserver.streaming.rewriting import Rewriter
from apiserver.streaming.upgrade import SwitchProtocols, upgrade_asked
from minikube_py.api.errors import InternalError, ServiceUnavailable, not_found
from minikube_py.api.meta import Object, join_key, namespace_of
from minikube_py.api.resources import ENDPOINT_SLICES, NODES, PODS, SERVICES, Resource
from minikube_py.runtime.hijack import HijackedConnection

if TYPE_CHECKING:
    from aiohttp import ClientResponse

LARGEST_PAGE_BYTES: Final = 16 * 1024 * 1024
"""An HTML page that is longer is passed on as it is."""
_PATH: Final = re.compile(rb"(/api/v1/(?:nodes/[^/]+|namespaces/[^/]+/(?:pods|services)/[^/]+)/proxy)(/.*)?", re.DOTALL)
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "proxy-connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OF_THE_USER: Final = ("authorization", "impersonate-")
_ERROR_BYTES: Final = 64 * 1024
_SERVICE_NAME: Final = "kubernetes.io/service-name"


async def proxy(ctx: RequestContext) -> Response:
    """The backend's answer; raises BadRequest, NotFound, ServiceUnavailable where there is none."""
    scope = ctx.request.scope
    matched = _PATH.fullmatch(scope["raw_path"])
    if matched is None:
        raise not_found("", ctx.info.plural, ctx.info.name)
    prefix, path = matched[1].decode("latin-1"), (matched[2] or b"").decode("latin-1")
    query = (b"?" + scope["query_string"] if scope["query_string"] else b"").decode("latin-1")
    location = await _location(ctx)
    asked = upgrade_asked(ctx)
    if asked:
        return await _upgrade(ctx, location, path + query, asked)
    if not path and ctx.request.method in ("GET", "HEAD"):
        return Response(status_code=301, headers={"Location": f"{prefix}/{query}"})
    answer = await _ask(ctx, location, prefix, path + query)
    rewriter = Rewriter(prefix, location.authority, ctx.header("host"))
    return await _answered(ctx, answer, rewriter)


async def _location(ctx: RequestContext) -> Location:
    info, caches = ctx.info, ctx.core.caches
    target = parse_target(ctx.resource.singular, info.name)
    if ctx.resource == NODES:
        node = await _found(ctx, NODES, target)
        return node_location(node, target, ctx.core.settings.kubelet_preferred_address_types)
    if ctx.resource == PODS:
        return pod_location(await _found(ctx, PODS, target), target)
    service = await _found(ctx, SERVICES, target)

    def pod_ips(name: str) -> Sequence[str]:
        pod = caches[PODS].get(join_key(namespace_of(service), name))
        return [entry["ip"] for entry in pod.object["status"].get("podIPs") or ()] if pod is not None else ()

    await caches[ENDPOINT_SLICES].wait_fresh(FRESH_TIMEOUT_SECONDS)
    slices = [
        one.object
        for one in caches[ENDPOINT_SLICES].list(namespace_of(service)).items
        if one.labels.get(_SERVICE_NAME) == target.name
    ]
    return service_location(service, slices, target, pod_ips, ctx.core.random)


async def _found(ctx: RequestContext, resource: Resource, target: Target) -> Object:
    cache = ctx.core.caches[resource]
    await cache.wait_fresh(FRESH_TIMEOUT_SECONDS)
    found = cache.get(join_key(ctx.info.namespace if resource.namespaced else "", target.name))
    if found is None:
        raise not_found("", resource.plural, target.name)
    return found.object


def _passed_headers(ctx: RequestContext, *, upgrade: bool) -> list[tuple[str, str]]:
    """The client's headers, without those that end here, and with where they came from."""
    sent = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in ctx.request.scope["headers"]]
    ending = {part.strip().lower() for name, value in sent if name == "connection" for part in value.split(",")}
    headers = [
        (name, value)
        for name, value in sent
        if not name.startswith(_OF_THE_USER) and name not in _HOP_BY_HOP and (upgrade or name not in ending)
    ]
    forwarded = [value for name, value in headers if name == "x-forwarded-for"]
    client = ctx.request.client
    if client is not None:
        headers = [(name, value) for name, value in headers if name != "x-forwarded-for"]
        headers.append(("X-Forwarded-For", ", ".join([*forwarded, client.host])))
    return headers


async def _ask(ctx: RequestContext, location: Location, prefix: str, target: str) -> ClientResponse:
    import aiohttp
    from yarl import URL

    headers = _passed_headers(ctx, upgrade=False)
    headers.append(("X-Forwarded-Uri", prefix + target.partition("?")[0]))
    has_body = bool(ctx.header("content-length") or ctx.header("transfer-encoding"))
    clients = ctx.core.kubelets
    session = clients.session if location.security is Security.KUBELET else clients.unverified_session
    try:
        return await session.request(
            ctx.request.method,
            URL(f"{location.scheme}://{location.authority}{target or '/'}", encoded=True),
            headers=headers,
            data=_body(ctx) if has_body else None,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise _unreachable(error, location) from None


async def _body(ctx: RequestContext) -> AsyncIterator[bytes]:
    async for chunk in ctx.request.stream():
        if chunk:
            yield chunk


def _unreachable(error: Exception, location: Location) -> ServiceUnavailable:
    cause = str(error) or "i/o timeout"
    if isinstance(error, OSError) and error.errno:
        cause = f"dial tcp {location.authority}: connect: {os.strerror(error.errno).lower()}"
    return ServiceUnavailable(f"error trying to reach service: {cause}")


async def _answered(ctx: RequestContext, answer: ClientResponse, rewriter: Rewriter) -> Response:
    headers = _answered_headers([(name, value) for name, value in answer.headers.items()])
    location = answer.headers.get("Location", "")
    if location:
        headers = [(name, value) for name, value in headers if name != "location"]
        headers.append(("location", rewriter.url(location)))
    content_type = answer.headers.get("Content-Type", "").split(";")[0].strip()
    if content_type == "text/html" and not location and ctx.request.method != "HEAD":
        return await _page(answer, headers, rewriter)
    return _streamed(answer, headers, b"")


async def _page(answer: ClientResponse, headers: list[tuple[str, str]], rewriter: Rewriter) -> Response:
    import aiohttp

    read = bytearray()
    try:
        async for chunk in answer.content.iter_any():
            read += chunk
            if len(read) > LARGEST_PAGE_BYTES:
                return _streamed(answer, headers, bytes(read))
    except aiohttp.ClientError as error:
        answer.close()
        raise ServiceUnavailable(f"error trying to reach service: {error}") from None
    body = rewriter.page(bytes(read), answer.headers.get("Content-Encoding", ""))
    answer.release()
    response = Response(bytes(read) if body is None else body, answer.status)
    kept = [(name, value) for name, value in headers if name != "content-length"]
    response.raw_headers = [*_raw(kept), (b"content-length", str(len(response.body)).encode())]
    return response


def _streamed(answer: ClientResponse, headers: list[tuple[str, str]], read: bytes) -> Response:
    response = StreamingResponse(_chunks(answer, read), answer.status)
    response.raw_headers = _raw(headers)
    return response


async def _chunks(answer: ClientResponse, read: bytes) -> AsyncIterator[bytes]:
    async with answer:
        if read:
            yield read
        async for chunk in answer.content.iter_any():
            yield chunk


def _answered_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        (name.lower(), value) for name, value in headers if name.lower() not in _HOP_BY_HOP and name.lower() != "date"
    ]


def _raw(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("utf-8", "surrogateescape")) for name, value in headers]


async def _upgrade(ctx: RequestContext, location: Location, target: str, asked: str) -> Response:
    headers = [*_passed_headers(ctx, upgrade=True), ("Connection", "Upgrade"), ("Upgrade", ctx.header("upgrade"))]
    head = request_head(ctx.request.method, target or "/", headers)
    clients = ctx.core.kubelets
    tls = clients.tls if location.security is Security.KUBELET else clients.unverified_tls
    try:
        backend = await ask(location.host, location.port, None if location.security is Security.PLAIN else tls, head)
    except (OSError, TimeoutError) as error:
        raise _unreachable(error, location) from None
    if backend.status == 101:
        return _switched(backend)
    body = await backend.body(_ERROR_BYTES)
    backend.close()
    if backend.status < 400:
        raise InternalError(f"invalid upgrade response: status code {backend.status}")
    response = Response(body, backend.status)
    kept = [(name, value) for name, value in _answered_headers(backend.headers) if name != "content-length"]
    response.raw_headers = [*_raw(kept), (b"content-length", str(len(body)).encode())]
    return response


def _switched(backend: Backend) -> Response:
    async def serve(client: HijackedConnection) -> None:
        await pump(client, backend)

    headers = [("Connection", "Upgrade"), ("Upgrade", backend.header("upgrade"))]
    return SwitchProtocols([*headers, *_answered_headers(backend.headers)], serve)
