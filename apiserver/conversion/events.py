"""``events.k8s.io/v1 Event`` in front of ``v1 Event``: the same fields under other names."""

from __future__ import annotations

from apiserver.conversion.converter import Converter
from minikube_py.api.meta import Object

_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_PRESENTED_NAMES = {stored: presented for presented, stored in _NAMES.items()}
_ALWAYS_STORED: Object = {"involvedObject": {}, "source": {}, "reportingComponent": "", "reportingInstance": ""}
"""Fields that ``v1`` shows even where they are empty, and ``events.k8s.io/v1`` leaves out."""
_DROPPED_WHEN_EMPTY = frozenset({"involvedObject", "source", "reportingComponent", "reportingInstance", "message"})


def to_stored(event: Object) -> Object:
    """The event with the core group's field names."""
    renamed = {_NAMES.get(name, name): value for name, value in event.items()}
    return {**renamed, **{k: v for k, v in _ALWAYS_STORED.items() if k not in renamed}, "apiVersion": "v1"}


def to_presented(event: Object) -> Object:
    """The event with the names of ``events.k8s.io/v1``."""
    presented = {
        _PRESENTED_NAMES.get(name, name): value
        for name, value in event.items()
        if value or name not in _DROPPED_WHEN_EMPTY
    }
    return {**presented, "apiVersion": "events.k8s.io/v1"}


CONVERTER = Converter(to_stored, to_presented)
