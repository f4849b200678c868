"""The API's errors: one exception tree, drawn here, and the field errors that an ``Invalid`` carries.

::

    ApiError                      code  reason
    ├── BadRequest                400   BadRequest
    ├── Unauthorized              401   Unauthorized
    ├── Forbidden                 403   Forbidden
    ├── NotFound                  404   NotFound
    ├── MethodNotAllowed          405   MethodNotAllowed
    ├── NotAcceptable             406   NotAcceptable
    ├── AlreadyExists             409   AlreadyExists
    ├── Conflict                  409   Conflict
    ├── Expired                   410   Expired          (a resourceVersion or continue token is too old)
    ├── RequestEntityTooLarge     413   RequestEntityTooLarge
    ├── UnsupportedMediaType      415   UnsupportedMediaType
    ├── Invalid                   422   Invalid          (carries FieldErrors)
    ├── TooManyRequests           429   TooManyRequests  (retriable)
    ├── InternalError             500   InternalError    (retriable)
    ├── ServiceUnavailable        503   ServiceUnavailable (retriable)
    └── Timeout                   504   Timeout          (retriable)

Shapes, reasons and messages follow ``k8s.io/apimachinery/pkg/api/errors`` and ``…/util/validation/field``.
The same tree serves the server, which renders it with :meth:`ApiError.status`, and the client, which
rebuilds it with :func:`from_status`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from minikube_py.api.meta import Object


class ApiError(Exception):
    """A failed request, as the ``Status`` object that tells of it.

    ``retriable`` says whether the same request may succeed later without being changed.
    """

    code: ClassVar[int] = 500
    reason: ClassVar[str] = ""
    retriable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        details: Object | None = None,
        retry_after_seconds: int | None = None,
        metadata: Object | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.retry_after_seconds = retry_after_seconds
        self.metadata = metadata or {}

    def status(self) -> Object:
        """The ``v1.Status`` body that upstream sends for this error."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        details = dict(self.details or {})
        if self.retry_after_seconds is not None:
            details["retryAfterSeconds"] = self.retry_after_seconds
        if details or self.details is not None:
            status["details"] = details
        status["code"] = self.code
        return status


class BadRequest(ApiError):
    code = 400
    reason = "BadRequest"


class Unauthorized(ApiError):
    code = 401
    reason = "Unauthorized"


class Forbidden(ApiError):
    code = 403
    reason = "Forbidden"


class NotFound(ApiError):
    code = 404
    reason = "NotFound"


class MethodNotAllowed(ApiError):
    code = 405
    reason = "MethodNotAllowed"


class NotAcceptable(ApiError):
    code = 406
    reason = "NotAcceptable"


class AlreadyExists(ApiError):
    code = 409
    reason = "AlreadyExists"


class Conflict(ApiError):
    code = 409
    reason = "Conflict"


class Expired(ApiError):
    code = 410
    reason = "Expired"


class RequestEntityTooLarge(ApiError):
    code = 413
    reason = "RequestEntityTooLarge"


class UnsupportedMediaType(ApiError):
    code = 415
    reason = "UnsupportedMediaType"


class Invalid(ApiError):
    code = 422
    reason = "Invalid"


class TooManyRequests(ApiError):
    code = 429
    reason = "TooManyRequests"
    retriable = True


class InternalError(ApiError):
    code = 500
    reason = "InternalError"
    retriable = True


class ServiceUnavailable(ApiError):
    code = 503
    reason = "ServiceUnavailable"
    retriable = True


class Timeout(ApiError):
    code = 504
    reason = "Timeout"
    retriable = True


_ERRORS: tuple[type[ApiError], ...] = (
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    AlreadyExists,
    Conflict,
    Expired,
    RequestEntityTooLarge,
    UnsupportedMediaType,
    Invalid,
    TooManyRequests,
    InternalError,
    ServiceUnavailable,
    Timeout,
)
_BY_REASON: dict[str, type[ApiError]] = {error.reason: error for error in _ERRORS} | {
    "Gone": Expired,
    "ServerTimeout": Timeout,
}
_BY_CODE: dict[int, type[ApiError]] = {error.code: error for error in reversed(_ERRORS)}


def from_status(status: Object, http_code: int = 500) -> ApiError:
    """The error that a ``Status`` body tells of; what it lacks is taken from the HTTP status code."""
    code = int(status.get("code") or http_code)
    error = _BY_REASON.get(status.get("reason", "")) or _BY_CODE.get(code) or InternalError
    details = status.get("details")
    return error(
        status.get("message") or f"HTTP {code}",
        details=details,
        retry_after_seconds=(details or {}).get("retryAfterSeconds"),
        metadata=status.get("metadata"),
    )


def qualified(group: str, plural: str) -> str:
    """``deployments.apps``, or the bare plural for the core group, as upstream's messages name a resource."""
    return f"{plural}.{group}" if group else plural


def _details(group: str, kind: str, name: str) -> Object:
    details: Object = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    details["kind"] = kind
    return details


def not_found(group: str, plural: str, name: str) -> NotFound:
    """``pods "x" not found``."""
    return NotFound(f'{qualified(group, plural)} "{name}" not found', details=_details(group, plural, name))


def already_exists(group: str, plural: str, name: str) -> AlreadyExists:
    """``pods "x" already exists``."""
    return AlreadyExists(f'{qualified(group, plural)} "{name}" already exists', details=_details(group, plural, name))


OPTIMISTIC_LOCK_MESSAGE = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(group: str, plural: str, name: str, cause: str = OPTIMISTIC_LOCK_MESSAGE) -> Conflict:
    """``Operation cannot be fulfilled on pods "x": …``."""
    return Conflict(
        f'Operation cannot be fulfilled on {qualified(group, plural)} "{name}": {cause}',
        details=_details(group, plural, name),
    )


def forbidden(group: str, plural: str, name: str, cause: str) -> Forbidden:
    """``pods "x" is forbidden: …``."""
    quoted = f' "{name}"' if name else ""
    return Forbidden(f"{qualified(group, plural)}{quoted} is forbidden: {cause}", details=_details(group, plural, name))


NAMESPACE_TERMINATING = "NamespaceTerminating"
"""The cause of a create refused because its namespace is being deleted."""


def has_no_namespace(error: Exception) -> bool:
    """Whether a request failed because its namespace is being deleted or has gone: no use to try it again."""
    details = (error.details if isinstance(error, ApiError) else None) or {}
    if isinstance(error, NotFound):
        return details.get("kind") == "namespaces"
    return any(cause.get("reason") == NAMESPACE_TERMINATING for cause in details.get("causes") or [])


def method_not_supported(group: str, plural: str, verb: str) -> MethodNotAllowed:
    """``create is not supported on resources of kind "pods"``."""
    return MethodNotAllowed(
        f'{verb} is not supported on resources of kind "{qualified(group, plural)}"',
        details=_details(group, plural, ""),
    )


@dataclass(frozen=True, slots=True)
class FieldError:
    """One cause of an ``Invalid``: field path, upstream's cause reason and its message without the path."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"

    def cause(self) -> Object:
        """The entry of ``details.causes``."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


def _shown(value: Any) -> str:
    """A value as Go's field errors print it: strings quoted, composites as JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def field_required(field: str, detail: str = "") -> FieldError:
    """``Required value[: detail]``."""
    return FieldError(field, "FieldValueRequired", "Required value" + (f": {detail}" if detail else ""))


def field_invalid(field: str, value: Any, detail: str) -> FieldError:
    """``Invalid value: "x": detail``."""
    return FieldError(field, "FieldValueInvalid", f"Invalid value: {_shown(value)}: {detail}")


def field_duplicate(field: str, value: Any) -> FieldError:
    """``Duplicate value: "x"``."""
    return FieldError(field, "FieldValueDuplicate", f"Duplicate value: {_shown(value)}")


def field_not_supported(field: str, value: Any, supported: Iterable[str]) -> FieldError:
    """``Unsupported value: "x": supported values: "a", "b"``; the values are sorted as upstream does."""
    listed = ", ".join(_shown(item) for item in sorted(supported))
    return FieldError(
        field, "FieldValueNotSupported", f"Unsupported value: {_shown(value)}: supported values: {listed}"
    )


def field_forbidden(field: str, detail: str) -> FieldError:
    """``Forbidden: detail``."""
    return FieldError(field, "FieldValueForbidden", f"Forbidden: {detail}")


def field_not_found(field: str, value: Any) -> FieldError:
    """``Not found: "x"``."""
    return FieldError(field, "FieldValueNotFound", f"Not found: {_shown(value)}")


def field_too_long(field: str, limit: int) -> FieldError:
    """``Too long: may not be more than N bytes``."""
    return FieldError(field, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")


def field_too_many(field: str, actual: int, limit: int) -> FieldError:
    """``Too many: N: must have at most M items``."""
    return FieldError(field, "FieldValueTooMany", f"Too many: {actual}: must have at most {limit} items")


def invalid(group: str, kind: str, name: str, errors: Sequence[FieldError]) -> Invalid:
    """``Pod "x" is invalid: …`` with all causes at once, each named once, as ``apierrors.NewInvalid`` renders them."""
    errors = list(dict.fromkeys(errors))
    listed = [str(error) for error in errors]
    joined = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
    details = _details(group, kind, name)
    details["causes"] = [error.cause() for error in errors]
    return Invalid(f'{qualified(group, kind)} "{name}" is invalid: {joined}', details=details)
