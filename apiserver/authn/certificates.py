"""Client certificates: the common name is the user, the organizations are the groups.

TLS has verified the chain and the dates when the connection was made; a connection that outlives its certificate is
refused here.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from typing import Any, cast

from apiserver.context import UserInfo
from minikube_py.api.errors import Unauthorized

EXTENSION = "minikube_py.tls"
"""The key in an ASGI scope's ``extensions`` under which the server puts ``{"peer": <decoded certificate>}``."""
_IDENTITY = "identity"
"""The key in a decoded certificate under which what was read from it is kept, for the connection's next request."""


def peer_of(scope: Any) -> dict[str, Any] | None:
    """The verified certificate that the client of a connection has shown, or None."""
    peer: dict[str, Any] | None = scope.get("extensions", {}).get(EXTENSION, {}).get("peer")
    return peer or None


def user_of_certificate(peer: dict[str, Any], now: datetime) -> UserInfo:
    """The user that a certificate (as ``SSLSocket.getpeercert`` decodes it) names. Raises Unauthorized."""
    identity = peer.get(_IDENTITY)
    if identity is None:
        identity = peer[_IDENTITY] = _identity(peer)
    user, expires = identity
    if expires < now.timestamp() or not user.name:
        raise Unauthorized("Unauthorized")
    return cast(UserInfo, user)


def expiry_of_certificate(peer: dict[str, Any]) -> float:
    """The POSIX time of the end of a certificate whose user has been asked for."""
    return cast(float, peer[_IDENTITY][1])


def _identity(peer: dict[str, Any]) -> tuple[UserInfo, float]:
    name = ""
    groups: list[str] = []
    for relative_name in peer.get("subject", ()):
        for key, value in relative_name:
            if key == "commonName":
                name = value
            elif key == "organizationName":
                groups.append(value)
    return UserInfo(name, groups=(*groups, "system:authenticated")), float(ssl.cert_time_to_seconds(peer["notAfter"]))
