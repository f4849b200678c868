"""Telling failures apart."""

from __future__ import annotations

from minikube_py.api.errors import ApiError


def namespace_terminates(error: Exception) -> bool:
    """Whether a create was refused because its namespace is being deleted: no use to tell of it or to try again."""
    causes = (error.details or {}).get("causes") or [] if isinstance(error, ApiError) else []
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
