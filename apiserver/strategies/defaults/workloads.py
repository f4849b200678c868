"""Defaults of Deployment and ReplicaSet."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import filled, within
from apiserver.strategies.defaults.pods import default_template
from minikube_py.api.meta import Object

_QUARTER = {"maxUnavailable": "25%", "maxSurge": "25%"}


def default_deployment(deployment: Object) -> Object:
    """A Deployment with every default."""
    return within(deployment, "spec", _default_deployment_spec)


def default_replica_set(replica_set: Object) -> Object:
    """A ReplicaSet with every default."""
    return within(replica_set, "spec", lambda spec: within(filled(spec, {"replicas": 1}), "template", default_template))


def _default_deployment_spec(spec: Object) -> Object:
    spec = filled(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "strategy": {}})
    spec = within(spec, "strategy", _default_strategy)
    return within(spec, "template", default_template)


def _default_strategy(strategy: Object) -> Object:
    strategy = filled(strategy, {"type": "RollingUpdate"})
    if strategy["type"] != "RollingUpdate":
        return strategy
    return within(filled(strategy, {"rollingUpdate": {}}), "rollingUpdate", lambda update: filled(update, _QUARTER))
