"""``httpGet`` probes and hooks, as upstream's ``pkg/probe/http``: no certificate check, redirects on the same host."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urljoin, urlsplit

import aiohttp

from kubelet.probes.answer import Answer, Outcome, dial_error, host_port
from minikube_py.api.meta import Object

MOST_REDIRECTS = 10
LONGEST_BODY = 10 * 1024
_TIMEOUT = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """The GET that an ``httpGet`` action asks for."""

    url: str
    headers: Mapping[str, str]


def http_request(action: Object, port: int, pod_ip: str, user_agent: str) -> HttpRequest:
    """The request of a ``v1.HTTPGetAction`` whose port is resolved. Pure."""
    scheme = (action.get("scheme") or "HTTP").lower()
    path = action.get("path") or "/"
    if not path.startswith("/"):
        path = "/" + path
    given = {header["name"]: header.get("value") or "" for header in action.get("httpHeaders") or []}
    names = {name.lower() for name in given}
    headers = dict(given)
    if "user-agent" not in names:
        headers["User-Agent"] = user_agent
    if "accept" not in names:
        headers["Accept"] = "*/*"
    headers["Connection"] = "close"
    return HttpRequest(f"{scheme}://{host_port(action.get('host') or pod_ip, port)}{path}", headers)


class HttpProber:
    """Sends probes through one session that keeps neither connections nor cookies."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def probe(self, request: HttpRequest, timeout: float) -> Answer:
        """One GET with its redirects. ``timeout`` is in seconds and covers them all."""
        session = self._open_session()
        url = request.url
        try:
            async with asyncio.timeout(timeout):
                for _ in range(MOST_REDIRECTS):
                    async with session.get(url, headers=request.headers, allow_redirects=False) as response:
                        location = response.headers.get("Location")
                        if response.status not in (301, 302, 303, 307, 308) or not location:
                            body = await response.content.read(LONGEST_BODY)
                            return _judge(response.status, body)
                        target = urljoin(url, location)
                        if urlsplit(target).hostname != urlsplit(request.url).hostname:
                            body = await response.content.read(LONGEST_BODY)
                            text = f"Probe terminated redirects, Response body: {body.decode(errors='replace')}"
                            return Answer(Outcome.WARNING, text)
                        url = target
                return Answer(Outcome.FAILURE, f'Get "{url}": stopped after {MOST_REDIRECTS} redirects')
        except TimeoutError:
            return Answer(Outcome.FAILURE, f'Get "{url}": {_TIMEOUT}')
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(Outcome.FAILURE, f'Get "{url}": {_described(error, url)}')

    async def close(self) -> None:
        """Ends the session."""
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=_unverified(), force_close=True, limit=0, use_dns_cache=False)
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        return self._session


@cache
def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _judge(status: int, body: bytes) -> Answer:
    text = body.decode(errors="replace")
    if 200 <= status < 400:
        return Answer(Outcome.SUCCESS, text)
    return Answer(Outcome.FAILURE, f"HTTP probe failed with statuscode: {status}")


def _described(error: Exception, url: str) -> str:
    parts = urlsplit(url)
    address = host_port(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"dial tcp: lookup {parts.hostname}: no such host"
    if isinstance(error, aiohttp.ClientConnectorError):
        return dial_error(address, error.os_error)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "EOF"
    if isinstance(error, ConnectionResetError):
        return "read: connection reset by peer"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"net/http: HTTP/1.x transport connection broken: malformed HTTP response: {error.message}"
    return str(error) or type(error).__name__
