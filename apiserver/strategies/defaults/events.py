"""Defaults of Event."""

from __future__ import annotations

from minikube_py.api.meta import Object


def default_event(event: Object) -> Object:
    """An Event with the fields that upstream always writes."""
    defaults: Object = {"source": {}, "reportingComponent": "", "reportingInstance": ""}
    missing = {key: value for key, value in defaults.items() if event.get(key) is None}
    return {**event, **missing} if missing else event
