"""What upstream serves and this server does not, so that it can be refused by name and not like a misspelt path."""

from __future__ import annotations

from apiserver.context import RequestInfo
from minikube_py.api.errors import NotFound

_SUBRESOURCES = {
    ("pods", "ephemeralcontainers"): "ephemeral containers",
    ("pods", "eviction"): "eviction",
    ("pods", "resize"): "resizing pods in place",
}
_UNKNOWN = "the server could not find the requested resource"


def unknown_resource(info: RequestInfo | None = None) -> NotFound:
    """The answer to a path that is not served; it names what is not supported where that is known.

    The reason stays NotFound and the details empty: that is how clients learn what a server lacks.
    """
    name = _SUBRESOURCES.get((info.plural, info.subresource)) if info is not None else None
    if info is None or name is None:
        return NotFound(_UNKNOWN, details={})
    message = f"{_UNKNOWN}: {name} ({info.plural}/{info.subresource}) is not supported by this server"
    return NotFound(message, details={})
