"""Whatever was raised, as the ApiError that the client is told."""

from __future__ import annotations

from apiserver.storage.store import (
    Compacted,
    FutureRevision,
    NoSpace,
    RevisionNotReached,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    ValueTooLarge,
)
from minikube_py.api.errors import (
    ApiError,
    Expired,
    InternalError,
    RequestEntityTooLarge,
    ServiceUnavailable,
    Timeout,
)

RESOURCE_EXPIRED = "The resourceVersion for the provided list is too old."


def from_store(error: StoreError) -> ApiError:
    """The answer to a failure of the store."""
    if isinstance(error, RevisionNotReached):
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        return Timeout(f"Timeout: {error}", details={"causes": [cause]}, retry_after_seconds=1)
    if isinstance(error, StoreTimeout):
        return Timeout(f"etcdserver: request timed out ({error})", retry_after_seconds=1)
    if isinstance(error, StoreUnavailable):
        return ServiceUnavailable(f"the storage backend is unavailable: {error}", retry_after_seconds=1)
    if isinstance(error, NoSpace):
        return InternalError(str(error))
    if isinstance(error, ValueTooLarge):
        return RequestEntityTooLarge(f"Request entity too large: {error}")
    if isinstance(error, Compacted):
        return Expired(RESOURCE_EXPIRED)
    if isinstance(error, FutureRevision):
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        return Timeout("Timeout: Too large resource version", details={"causes": [cause]}, retry_after_seconds=1)
    return InternalError(f"Internal error occurred: {error}", details={"causes": [{"message": str(error)}]})


def internal(error: Exception) -> InternalError:
    """The answer to a failure that nobody foresaw; it names the type, the log has the rest."""
    text = f"{type(error).__name__}: {error}"
    return InternalError(f"Internal error occurred: {text}", details={"causes": [{"message": text}]})
