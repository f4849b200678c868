"""Defaults of PriorityClass."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import filled
from minikube_py.api.meta import Object


def default_priority_class(priority_class: Object) -> Object:
    """A class with a value, whose pods displace those of lower priority."""
    return filled(priority_class, {"value": 0, "preemptionPolicy": "PreemptLowerPriority"})
