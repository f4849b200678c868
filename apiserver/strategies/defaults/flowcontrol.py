"""Defaults of FlowSchema and PriorityLevelConfiguration."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import filled, nested, within
from minikube_py.api.meta import Object

_QUEUING: Object = {"handSize": 8, "queues": 64, "queueLengthLimit": 50}


def default_flow_schema(schema: Object) -> Object:
    """A schema with a precedence."""
    return nested(schema, "spec", lambda spec: _positive(spec, {"matchingPrecedence": 1000}))


def default_priority_level(level: Object) -> Object:
    """A level with shares, none of which are lent, and the shape of its queues."""
    return nested(level, "spec", _default_spec)


def _default_spec(spec: Object) -> Object:
    spec = within(spec, "exempt", lambda exempt: filled(exempt, {"nominalConcurrencyShares": 0, "lendablePercent": 0}))
    return within(spec, "limited", _default_limited)


def _default_limited(limited: Object) -> Object:
    limited = filled(limited, {"nominalConcurrencyShares": 30, "lendablePercent": 0})
    return within(limited, "limitResponse", _default_response)


def _default_response(response: Object) -> Object:
    return within(response, "queuing", lambda queuing: _positive(queuing, _QUEUING))


def _positive(obj: Object, defaults: Object) -> Object:
    """``obj`` with each default where the number is absent or 0, which Go does not tell apart here."""
    missing = {key: value for key, value in defaults.items() if not obj.get(key)}
    return {**obj, **missing} if missing else obj
