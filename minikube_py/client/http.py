"""The client that speaks HTTP to a real API server, on aiohttp."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
import orjson

from minikube_py.api import errors
from minikube_py.api.meta import Object, name_of, namespace_of
from minikube_py.api.resources import Resource
from minikube_py.client.kubeconfig import KubeConfig
from minikube_py.client.metrics import REQUESTS
from minikube_py.client.protocol import ConnectionFailed, ObjectList, PatchType, WatchEvent
from minikube_py.client.tls import client_context

REQUEST_TIMEOUT_SECONDS = 35.0
CONNECT_TIMEOUT_SECONDS = 10.0
WATCH_GRACE_SECONDS = 15.0
TOKEN_READ_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 60.0
READ_BUFFER_BYTES = 256 * 1024
BROKEN_AFTER_SECONDS = 30

_JSON = "application/json"
_CONNECTION_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)


class HttpClient:
    """A :class:`minikube_py.client.protocol.Client`; connects when first used, and keeps connections alive.

    A request has an answer within 35 s or raises ConnectionFailed. What may be sent twice without harm (GET, and PUT
    and DELETE, which name what they expect to find) is sent again, once, when a kept-alive connection turns out
    to be closed; nothing else is retried.
    """

    def __init__(self, config: KubeConfig, *, user_agent: str) -> None:
        self._config = config
        self._user_agent = user_agent
        self._host = urlsplit(config.server).netloc
        self._session: aiohttp.ClientSession | None = None
        self._token = config.token
        self._token_read_at = float("-inf")

    @classmethod
    def from_kubeconfig(cls, path: str, *, user_agent: str) -> HttpClient:
        """A client for the file's current context. Raises ValueError that names what is wrong with the file."""
        return cls(KubeConfig.load(path), user_agent=user_agent)

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """One object, linearizable. Raises NotFound."""
        return await self._request("GET", resource.path(namespace, name), resource)

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str = "",
        limit: int = 0,
        continue_token: str = "",
    ) -> ObjectList:
        """One page of the collection."""
        params = _present(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            resourceVersion=resource_version,
            limit=str(limit) if limit else "",
            **{"continue": continue_token},
        )
        answer = await self.request("GET", resource.path(namespace), params=params)
        items = answer.get("items") or []
        for item in items:
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
        meta = answer.get("metadata") or {}
        return ObjectList(items, meta.get("resourceVersion", ""), meta.get("continue", ""))

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        timeout_seconds: int = 300,
    ) -> AsyncIterator[WatchEvent]:
        """Events after ``resource_version``; ends when the server closes the stream."""
        params = _present(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
            timeoutSeconds=str(timeout_seconds),
        )
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_TIMEOUT_SECONDS, sock_read=timeout_seconds + WATCH_GRACE_SECONDS
        )
        path = resource.path(namespace)
        response: aiohttp.ClientResponse | None = None
        try:
            response = await self._open("GET", path, params=params, timeout=timeout)
            if response.status >= 300:
                raise _error(response, await response.read())
            async for line in _lines(response.content):
                yield _watch_event(orjson.loads(line), resource)
        except _CONNECTION_ERRORS as error:
            raise ConnectionFailed(f"watch {path}: {_reason(error)}") from error
        except orjson.JSONDecodeError as error:
            raise ConnectionFailed(f"watch {path}: the stream is not JSON: {error}") from error
        finally:
            if response is not None:
                response.close()

    async def create(self, resource: Resource, obj: Object, *, namespace: str = "") -> Object:
        """The object as stored. Raises AlreadyExists, Invalid, Forbidden."""
        return await self._request("POST", resource.path(namespace or namespace_of(obj)), resource, body=obj)

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """The object as stored; compare-and-swap on ``metadata.resourceVersion`` where it is set. Raises Conflict."""
        path = resource.path(namespace_of(obj), name_of(obj), subresource)
        return await self._request("PUT", path, resource, body=obj)

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        *,
        namespace: str = "",
        patch_type: PatchType = PatchType.STRATEGIC,
        subresource: str = "",
    ) -> Object:
        """The object as stored."""
        path = resource.path(namespace, name, subresource)
        return await self._request("PATCH", path, resource, body=patch, content_type=patch_type.value)

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        grace_period_seconds: int | None = None,
        propagation_policy: Literal["", "Background", "Foreground", "Orphan"] = "",
        uid: str = "",
        resource_version: str = "",
    ) -> Object:
        """Deletes, or begins to; ``uid`` and ``resource_version`` are preconditions. Raises NotFound, Conflict."""
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        if propagation_policy:
            options["propagationPolicy"] = propagation_policy
        if preconditions := _present(uid=uid, resourceVersion=resource_version):
            options["preconditions"] = preconditions
        return await self.request("DELETE", resource.path(namespace, name), body=options)

    async def post(
        self, resource: Resource, name: str, subresource: str, body: Object, *, namespace: str = ""
    ) -> Object:
        """POSTs ``body`` to a subresource (``binding``, ``token``, ``eviction``)."""
        return await self.request("POST", resource.path(namespace, name, subresource), body=body)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = _JSON,
    ) -> Object:
        """The JSON answer of any path, for what has no method of its own. Raises ApiError, ConnectionFailed."""
        content = await self.request_bytes(method, path, params=params, body=body, content_type=content_type)
        try:
            answer = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise ConnectionFailed(f"{method} {path}: the answer is not JSON: {error}") from error
        if not isinstance(answer, dict):
            raise ConnectionFailed(f"{method} {path}: the answer is not a JSON object")
        return answer

    async def request_bytes(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = _JSON,
    ) -> bytes:
        """As :meth:`request`, the answer's body as it came (``/readyz``, a pod's log)."""
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS, sock_connect=CONNECT_TIMEOUT_SECONDS)
        data = None if body is None else orjson.dumps(body)
        try:
            response = await self._open(
                method, path, params=params, data=data, content_type=content_type, timeout=timeout
            )
            async with response:
                content = await response.read()
        except _CONNECTION_ERRORS as error:
            raise ConnectionFailed(f"{method} {path}: {_reason(error)}") from error
        if response.status >= 300:
            raise _error(response, content)
        return content

    async def close(self) -> None:
        """Ends every connection."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _request(
        self, method: str, path: str, resource: Resource, *, body: Any = None, content_type: str = _JSON
    ) -> Object:
        answer = await self.request(method, path, body=body, content_type=content_type)
        answer.setdefault("apiVersion", resource.api_version)
        answer.setdefault("kind", resource.kind)
        return answer

    async def _open(
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        content_type: str = "",
    ) -> aiohttp.ClientResponse:
        headers = {}
        if data is not None:
            headers["Content-Type"] = content_type
        if token := self._bearer_token():
            headers["Authorization"] = f"Bearer {token}"
        try:
            response = await self._connected().request(
                method,
                self._config.server + path,
                params=params,
                data=data,
                headers=headers,
                timeout=timeout,
                server_hostname=self._config.tls_server_name or None,
            )
        except _CONNECTION_ERRORS:
            REQUESTS.labels("<error>", method, self._host).inc()
            raise
        REQUESTS.labels(str(response.status), method, self._host).inc()
        return response

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            secure = self._config.server.startswith("https://")
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=client_context(self._config) if secure else True,
                    limit=0,
                    keepalive_timeout=KEEP_ALIVE_SECONDS,
                    socket_factory=_socket,
                ),
                headers={"User-Agent": self._user_agent, "Accept": _JSON, "Accept-Encoding": "identity"},
                read_bufsize=READ_BUFFER_BYTES,
            )
        return self._session

    def _bearer_token(self) -> str:
        if self._config.token_file and time.monotonic() - self._token_read_at >= TOKEN_READ_SECONDS:
            try:
                with open(self._config.token_file, encoding="utf-8") as file:
                    self._token = file.read().strip()
            except OSError as error:
                if not self._token:
                    raise ConnectionFailed(f"token file: {error}") from error
            self._token_read_at = time.monotonic()
        return self._token


def _present(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """A TCP socket that notices within 30 s that the other host is gone, so that a watch does not wait for ever."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, BROKEN_AFTER_SECONDS // 2)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, BROKEN_AFTER_SECONDS // 6)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, BROKEN_AFTER_SECONDS * 1000)
    return made


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The stream's lines, each joined once however many chunks it comes in. Raises ClientPayloadError if cut off."""
    partial: list[bytes] = []
    async for chunk in stream.iter_any():
        lines = chunk.split(b"\n")
        if len(lines) == 1:
            partial.append(chunk)
            continue
        partial.append(lines[0])
        first = b"".join(partial)
        if first:
            yield first
        for line in lines[1:-1]:
            if line:
                yield line
        partial = [lines[-1]] if lines[-1] else []
    if partial:
        raise aiohttp.ClientPayloadError("the stream ended within a line")


def _watch_event(event: Object, resource: Resource) -> WatchEvent:
    obj = event["object"]
    if event["type"] == "ERROR":
        raise errors.from_status(obj)
    obj.setdefault("apiVersion", resource.api_version)
    obj.setdefault("kind", resource.kind)
    return WatchEvent(event["type"], obj)


def _error(response: aiohttp.ClientResponse, content: bytes) -> errors.ApiError:
    """The error that the answer tells of, be it a Status or, from something before the API server, any text."""
    try:
        status = orjson.loads(content)
    except orjson.JSONDecodeError:
        status = None
    if not isinstance(status, dict) or status.get("kind") != "Status":
        text = content[:1024].decode(errors="replace").strip()
        status = {"message": text or f"HTTP {response.status}", "code": response.status}
    error = errors.from_status(status, response.status)
    retry_after = response.headers.get("Retry-After", "")
    if error.retry_after_seconds is None and retry_after.isdigit():
        error.retry_after_seconds = int(retry_after)
    return error
