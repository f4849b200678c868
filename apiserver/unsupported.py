"""The answer to a path that is not served."""

from __future__ import annotations

from minikube_py.api.errors import NotFound


def unknown_resource() -> NotFound:
    """What upstream says of it; the details stay empty: that is how clients learn what a server lacks."""
    return NotFound("the server could not find the requested resource", details={})
