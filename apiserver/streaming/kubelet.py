"""The way from here to a kubelet: its address from the Node object, our client certificate, its CA."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from apiserver.context import RequestContext
from apiserver.core import Core
from apiserver.reads import FRESH_TIMEOUT_SECONDS
from apiserver.settings import Settings
from minikube_py.api.errors import BadRequest, InternalError, not_found
from minikube_py.api.meta import Object, join_key
from minikube_py.api.resources import NODES, PODS

if TYPE_CHECKING:
    from aiohttp import ClientSession

DIAL_SECONDS = 30.0
DEFAULT_PORT = 10250


@dataclass(frozen=True, slots=True)
class KubeletAddress:
    """Where the kubelet of a node listens."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        """``host:port`` as a URL and the Host header have it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def target(self, parts: Sequence[str], query: Sequence[tuple[str, str]]) -> str:
        """A path, its parts escaped, with its query."""
        path = "/".join(quote(part, safe="") for part in parts)
        return f"/{path}" + (f"?{urlencode(query)}" if query else "")

    def url(self, scheme: str, parts: Sequence[str], query: Sequence[tuple[str, str]]) -> str:
        """The URL of a path, its parts escaped, on this kubelet."""
        return f"{scheme}://{self.authority}{self.target(parts, query)}"


def address_of(node: Object, preferred: Sequence[str]) -> KubeletAddress:
    """The address that a Node tells. Raises InternalError where it tells none."""
    status = node.get("status") or {}
    port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port") or DEFAULT_PORT
    for wanted in preferred:
        for address in status.get("addresses") or ():
            if address.get("type") == wanted:
                return KubeletAddress(address["address"], int(port))
    raise InternalError(f"Internal error occurred: no preferred addresses found; known addresses: {preferred}")


async def pod_of(ctx: RequestContext) -> Object:
    """The pod that the request names, as it is now. Raises NotFound."""
    cache = ctx.core.caches[PODS]
    await cache.wait_fresh(FRESH_TIMEOUT_SECONDS)
    found = cache.get(join_key(ctx.info.namespace, ctx.info.name))
    if found is None:
        raise not_found("", "pods", ctx.info.name)
    return found.object


def kubelet_of(core: Core, pod: Object) -> KubeletAddress:
    """The kubelet that runs a pod. Raises BadRequest where none does yet, NotFound where the node is gone."""
    node_name = (pod.get("spec") or {}).get("nodeName", "")
    if not node_name:
        raise BadRequest(f"pod {pod['metadata']['name']} does not have a host assigned")
    node = core.caches[NODES].get(node_name)
    if node is None:
        raise not_found("", "nodes", node_name)
    return address_of(node.object, core.settings.kubelet_preferred_address_types)


class KubeletClient:
    """The HTTP clients towards kubelets and pods; connected, and imported, when first used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: ClientSession | None = None
        self._unverified_session: ClientSession | None = None
        self._context: ssl.SSLContext | None = None
        self._unverified: ssl.SSLContext | None = None

    @property
    def session(self) -> ClientSession:
        """The session, made at first use. Raises OSError where a certificate cannot be read."""
        if self._session is None:
            self._session = _session(self.tls)
        return self._session

    @property
    def unverified_session(self) -> ClientSession:
        """The session towards pods, who are not asked who they are, made at first use."""
        if self._unverified_session is None:
            self._unverified_session = _session(self.unverified_tls)
        return self._unverified_session

    async def close(self) -> None:
        """Ends every connection."""
        for session in (self._session, self._unverified_session):
            if session is not None:
                await session.close()

    @property
    def tls(self) -> ssl.SSLContext:
        """Our client certificate and the kubelets' CA. Raises OSError where a file cannot be read."""
        if self._context is None:
            settings = self._settings
            context = ssl.create_default_context(cafile=settings.kubelet_certificate_authority or None)
            # A kubelet's certificate names its node; the address that we dial is vouched for by the Node object.
            context.check_hostname = False
            if settings.kubelet_client_certificate:
                context.load_cert_chain(settings.kubelet_client_certificate, settings.kubelet_client_key)
            self._context = context
        return self._context

    @property
    def unverified_tls(self) -> ssl.SSLContext:
        """TLS towards whoever answers."""
        if self._unverified is None:
            self._unverified = ssl.create_default_context()
            self._unverified.check_hostname = False
            self._unverified.verify_mode = ssl.CERT_NONE
        return self._unverified


def _session(tls: ssl.SSLContext) -> ClientSession:
    import aiohttp

    connector = aiohttp.TCPConnector(ssl=tls, limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=DIAL_SECONDS)
    return aiohttp.ClientSession(
        connector=connector, timeout=timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    )
