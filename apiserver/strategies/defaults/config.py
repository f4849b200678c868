"""Defaults of Secret."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import filled
from minikube_py.api.meta import Object


def default_secret(secret: Object) -> Object:
    """A Secret with its type."""
    return filled(secret, {"type": "Opaque"})
