"""Validation of probes and lifecycle hooks."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.names import http_header_name, non_negative, port_number, port_number_or_name
from minikube_py.api.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def probes(path: str, container: Object) -> Iterator[FieldError]:
    """The three probes of a container."""
    for kind in PROBES:
        probe = container.get(kind)
        if probe is not None:
            yield from _probe(f"{path}.{kind}", probe, kind)


def lifecycle(path: str, hooks: Object | None, grace_period: int | None) -> Iterator[FieldError]:
    """The ``postStart`` and ``preStop`` hooks of a container."""
    for name in ("postStart", "preStop"):
        hook = (hooks or {}).get(name)
        if hook is not None:
            yield from _handler(f"{path}.{name}", hook, ("exec", "httpGet", "tcpSocket", "sleep"), grace_period)


def _probe(path: str, probe: Object, kind: str) -> Iterator[FieldError]:
    yield from _handler(path, probe, ("exec", "httpGet", "tcpSocket", "grpc"), None)
    for name in _COUNTS:
        yield from non_negative(f"{path}.{name}", probe.get(name))
    grace_period = probe.get("terminationGracePeriodSeconds")
    if grace_period is not None and grace_period <= 0:
        yield field_invalid(f"{path}.terminationGracePeriodSeconds", grace_period, "must be greater than 0")
    if kind == "readinessProbe":
        if grace_period is not None:
            detail = "must not be set for readinessProbes"
            yield field_invalid(f"{path}.terminationGracePeriodSeconds", grace_period, detail)
    elif probe.get("successThreshold", 1) != 1:
        yield field_invalid(f"{path}.successThreshold", probe["successThreshold"], "must be 1")


def _handler(path: str, handler: Object, kinds: tuple[str, ...], grace_period: int | None) -> Iterator[FieldError]:
    present = [kind for kind in kinds if handler.get(kind) is not None]
    if not present:
        yield field_required(path, "must specify a handler type")
        return
    for kind in present[1:]:
        yield field_forbidden(f"{path}.{kind}", "may not specify more than 1 handler type")
    first = present[0]
    yield from _action(f"{path}.{first}", first, handler[first], grace_period)


def _action(path: str, kind: str, action: Object, grace_period: int | None) -> Iterator[FieldError]:
    match kind:
        case "exec":
            if not action.get("command"):
                yield field_required(f"{path}.command")
        case "httpGet":
            yield from _http_get(path, action)
        case "tcpSocket":
            yield from port_number_or_name(f"{path}.port", action.get("port"))
        case "grpc":
            yield from port_number(f"{path}.port", action.get("port") or 0)
        case "sleep":
            seconds = action.get("seconds") or 0
            if grace_period is not None and not 0 <= seconds <= grace_period:
                detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_period})"
                yield field_invalid(path, seconds, detail)


def _http_get(path: str, action: Object) -> Iterator[FieldError]:
    if not action.get("path"):
        yield field_required(f"{path}.path")
    yield from port_number_or_name(f"{path}.port", action.get("port"))
    if action.get("scheme") not in ("HTTP", "HTTPS"):
        yield field_not_supported(f"{path}.scheme", action.get("scheme") or "", ("HTTP", "HTTPS"))
    for header in action.get("httpHeaders") or []:
        yield from http_header_name(f"{path}.httpHeaders", header.get("name") or "")
