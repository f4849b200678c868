"""Per-kind behaviour: defaults, the status split, validation, selectable fields, graceful deletion.

Only pure code enters here; a kind with behaviour has a file of its own. See :mod:`apiserver.strategies.base`.
"""

from __future__ import annotations

from functools import cache

from apiserver.strategies import cluster, config, endpoints, pods, rbac, services, workloads
from apiserver.strategies.base import Strategy, StrategyContext
from minikube_py.api.resources import Resource

_RBAC = "rbac.authorization.k8s.io"
_STRATEGIES: dict[tuple[str, str], type[Strategy]] = {
    ("", "configmaps"): config.ConfigMapStrategy,
    ("", "endpoints"): endpoints.EndpointsStrategy,
    ("", "events"): cluster.EventStrategy,
    ("", "namespaces"): cluster.NamespaceStrategy,
    ("", "nodes"): cluster.NodeStrategy,
    ("", "pods"): pods.PodStrategy,
    ("", "secrets"): config.SecretStrategy,
    ("", "serviceaccounts"): config.ServiceAccountStrategy,
    ("", "services"): services.ServiceStrategy,
    ("apps", "deployments"): workloads.DeploymentStrategy,
    ("apps", "replicasets"): workloads.ReplicaSetStrategy,
    ("coordination.k8s.io", "leases"): cluster.LeaseStrategy,
    ("discovery.k8s.io", "endpointslices"): endpoints.EndpointSliceStrategy,
    (_RBAC, "clusterrolebindings"): rbac.ClusterRoleBindingStrategy,
    (_RBAC, "clusterroles"): rbac.ClusterRoleStrategy,
    (_RBAC, "rolebindings"): rbac.RoleBindingStrategy,
    (_RBAC, "roles"): rbac.RoleStrategy,
}
"""The strategy class of each ``(group, plural)`` that has one of its own."""


_SUBRESOURCES: dict[tuple[str, str, str], type[Strategy]] = {
    ("", "namespaces", "finalize"): cluster.NamespaceFinalizeStrategy,
}
"""The strategy class of each ``(group, plural, subresource)`` whose writes follow rules of their own."""


@cache
def strategy_for(resource: Resource, subresource: str = "") -> Strategy:
    """The strategy of a kind or a subresource: its own, or the generic one. The same object at every call."""
    own = _SUBRESOURCES.get((resource.group, resource.plural, subresource))
    return (own or _STRATEGIES.get((resource.group, resource.plural), Strategy))(resource)


__all__ = ["Strategy", "StrategyContext", "strategy_for"]
