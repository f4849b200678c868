"""Validation of Event: leniently as the core group does, strictly as events.k8s.io does.

Both groups' events are one kind here, with the core group's field names.
"""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.meta import immutable, object_meta, object_meta_update
from apiserver.validation.names import dns_subdomain, path_segment, qualified_name
from minikube_py.api.errors import FieldError, field_invalid, field_required
from minikube_py.api.meta import Object, namespace_of

MAX_LENGTH = 128
MAX_NOTE = 1024
_TYPES = ("Normal", "Warning")
_UNSET = ("firstTimestamp", "lastTimestamp", "count")
_FIXED = (
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "type",
    "eventTime",
    "action",
    "related",
)
_REPORTING = (("reportingController", "reportingComponent"), ("reportingInstance", "reportingInstance"))


def event(obj: Object) -> Iterator[FieldError]:
    """An Event of the core group, which any name will do for."""
    yield from object_meta(obj, namespaced=True, name=path_segment)
    yield from _lenient(obj)


def event_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed Event of the core group."""
    yield from object_meta_update(new, old)
    yield from _lenient(new)


def strict_event(obj: Object) -> Iterator[FieldError]:
    """An Event made by way of events.k8s.io, which has none of the older fields."""
    yield from _lenient(obj)
    yield from object_meta(obj, namespaced=True)
    yield from _series(obj)
    if not obj.get("eventTime"):
        yield field_required("eventTime")
    kind = obj.get("type") or ""
    if kind not in _TYPES:
        yield field_invalid("type", "", f"has invalid value: {kind}")
    for key in _UNSET:
        if obj.get(key):
            yield field_invalid(key, "", "needs to be unset")
    source = obj.get("source") or {}
    if source.get("component") or source.get("host"):
        yield field_invalid("source", "", "needs to be unset")


def strict_event_update(new: Object, old: Object) -> Iterator[FieldError]:
    """An Event changed by way of events.k8s.io: only its series goes on."""
    yield from _lenient(new)
    yield from object_meta_update(new, old)
    if new.get("series") != old.get("series"):
        yield from _series(new)
    for key in _FIXED:
        yield from immutable(key, new.get(key) or None, old.get(key) or None)
    for shown, key in _REPORTING:
        yield from immutable(shown, new.get(key) or None, old.get(key) or None)


def _lenient(obj: Object) -> Iterator[FieldError]:
    involved, own = (obj.get("involvedObject") or {}).get("namespace") or "", namespace_of(obj)
    if obj.get("eventTime"):
        agrees = bool(involved) or own in ("default", "kube-system")
    else:
        agrees = own == involved if involved else own in ("", "default")
    if not agrees:
        yield field_invalid("involvedObject.namespace", involved, "does not match event.namespace")
    if obj.get("eventTime"):
        yield from _reported(obj)
    yield from dns_subdomain("namespace", own)


def _reported(obj: Object) -> Iterator[FieldError]:
    controller = obj.get("reportingComponent") or ""
    if not controller:
        yield field_required("reportingController")
    yield from qualified_name("reportingController", controller)
    for key in ("reportingInstance", "action", "reason"):
        value = obj.get(key) or ""
        if not value:
            yield field_required(key)
        elif len(value.encode()) > MAX_LENGTH:
            yield field_invalid(key, "", f"can have at most {MAX_LENGTH} characters")
    if len((obj.get("message") or "").encode()) > MAX_NOTE:
        yield field_invalid("message", "", f"can have at most {MAX_NOTE} characters")


def _series(obj: Object) -> Iterator[FieldError]:
    series = obj.get("series")
    if series is None:
        return
    if (series.get("count") or 0) < 2:
        yield field_invalid("series.count", "", "should be at least 2")
    if not series.get("lastObservedTime"):
        yield field_required("series.lastObservedTime")
