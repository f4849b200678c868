"""Who may use the endpoint.

Client certificates of the cluster's CA, and of those only the API server and administrators.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

ALLOWED_USERS: Final = frozenset({"kube-apiserver-kubelet-client"})
ALLOWED_GROUPS: Final = frozenset({"system:masters", "kubeadm:cluster-admins"})
_VERBS: Final = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "HEAD": "get"}
_SUBRESOURCES: Final = {"stats": "stats", "metrics": "metrics", "logs": "log"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Identity:
    """A client certificate's common name and organisations."""

    user: str
    groups: frozenset[str]

    def is_allowed(self) -> bool:
        """Whether it may do everything here; nobody may do a part of it."""
        return self.user in ALLOWED_USERS or bool(self.groups & ALLOWED_GROUPS)


def identity_of(certificate: dict[str, Any] | None) -> Identity | None:
    """From ``SSLSocket.getpeercert()``, which is empty where none was shown; the TLS layer has verified it."""
    if not certificate:
        return None
    pairs = [pair for relative_name in certificate.get("subject", ()) for pair in relative_name]
    user = next((value for key, value in pairs if key == "commonName"), "")
    return Identity(user, frozenset(value for key, value in pairs if key == "organizationName"))


@web.middleware
async def require_client_certificate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """401 without a certificate, 403 for one that is not allowed; upstream's texts."""
    identity = identity_of(request.get_extra_info("peercert"))
    if identity is None:
        return web.Response(status=401, text="Unauthorized")
    if not identity.is_allowed():
        verb = _VERBS.get(request.method, request.method.lower())
        part = _SUBRESOURCES.get(request.path.split("/")[1], "proxy")
        return web.Response(
            status=403, text=f"Forbidden (user={identity.user}, verb={verb}, resource=nodes, subresource={part})"
        )
    return await handler(request)
