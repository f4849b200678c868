"""Per-kind behaviour: defaults, the status split, validation, selectable fields, graceful deletion.

Only pure code enters here; a kind with behaviour has a file of its own. See :mod:`apiserver.strategies.base`.
"""

from __future__ import annotations

from functools import cache

from apiserver.strategies import (
    apiregistration,
    autoscaling,
    batch,
    certificates,
    classes,
    cluster,
    config,
    devices,
    endpoints,
    events,
    flowcontrol,
    networking,
    persistent_volumes,
    pod_subresources,
    pods,
    quota,
    rbac,
    services,
    stateful_sets,
    storage,
    workloads,
)
from apiserver.strategies.base import Strategy, StrategyContext
from minikube_py.api.resources import Resource

_RBAC = "rbac.authorization.k8s.io"
_STRATEGIES: dict[tuple[str, str], type[Strategy]] = {
    ("", "configmaps"): config.ConfigMapStrategy,
    ("", "endpoints"): endpoints.EndpointsStrategy,
    ("", "events"): events.EventStrategy,
    ("", "limitranges"): quota.LimitRangeStrategy,
    ("", "namespaces"): cluster.NamespaceStrategy,
    ("", "nodes"): cluster.NodeStrategy,
    ("", "persistentvolumeclaims"): persistent_volumes.PersistentVolumeClaimStrategy,
    ("", "persistentvolumes"): persistent_volumes.PersistentVolumeStrategy,
    ("", "pods"): pods.PodStrategy,
    ("", "podtemplates"): workloads.PodTemplateStrategy,
    ("", "replicationcontrollers"): workloads.ReplicationControllerStrategy,
    ("", "resourcequotas"): quota.ResourceQuotaStrategy,
    ("", "secrets"): config.SecretStrategy,
    ("", "serviceaccounts"): config.ServiceAccountStrategy,
    ("", "services"): services.ServiceStrategy,
    ("apiregistration.k8s.io", "apiservices"): apiregistration.ApiServiceStrategy,
    ("apps", "controllerrevisions"): stateful_sets.ControllerRevisionStrategy,
    ("apps", "daemonsets"): stateful_sets.DaemonSetStrategy,
    ("apps", "deployments"): workloads.DeploymentStrategy,
    ("apps", "replicasets"): workloads.ReplicaSetStrategy,
    ("apps", "statefulsets"): stateful_sets.StatefulSetStrategy,
    ("autoscaling", "horizontalpodautoscalers"): autoscaling.HorizontalPodAutoscalerStrategy,
    ("batch", "cronjobs"): batch.CronJobStrategy,
    ("batch", "jobs"): batch.JobStrategy,
    ("certificates.k8s.io", "certificatesigningrequests"): certificates.CertificateSigningRequestStrategy,
    ("coordination.k8s.io", "leases"): cluster.LeaseStrategy,
    ("discovery.k8s.io", "endpointslices"): endpoints.EndpointSliceStrategy,
    ("events.k8s.io", "events"): events.StrictEventStrategy,
    ("flowcontrol.apiserver.k8s.io", "flowschemas"): flowcontrol.FlowSchemaStrategy,
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"): flowcontrol.PriorityLevelConfigurationStrategy,
    ("networking.k8s.io", "ingressclasses"): networking.IngressClassStrategy,
    ("networking.k8s.io", "ingresses"): networking.IngressStrategy,
    ("networking.k8s.io", "ipaddresses"): networking.IpAddressStrategy,
    ("networking.k8s.io", "networkpolicies"): networking.NetworkPolicyStrategy,
    ("networking.k8s.io", "servicecidrs"): networking.ServiceCidrStrategy,
    ("node.k8s.io", "runtimeclasses"): classes.RuntimeClassStrategy,
    ("policy", "poddisruptionbudgets"): autoscaling.PodDisruptionBudgetStrategy,
    (_RBAC, "clusterrolebindings"): rbac.ClusterRoleBindingStrategy,
    (_RBAC, "clusterroles"): rbac.ClusterRoleStrategy,
    (_RBAC, "rolebindings"): rbac.RoleBindingStrategy,
    (_RBAC, "roles"): rbac.RoleStrategy,
    ("resource.k8s.io", "deviceclasses"): devices.DeviceClassStrategy,
    ("resource.k8s.io", "resourceclaims"): devices.ResourceClaimStrategy,
    ("resource.k8s.io", "resourceclaimtemplates"): devices.ResourceClaimTemplateStrategy,
    ("resource.k8s.io", "resourceslices"): devices.ResourceSliceStrategy,
    ("scheduling.k8s.io", "priorityclasses"): classes.PriorityClassStrategy,
    ("storage.k8s.io", "csidrivers"): storage.CsiDriverStrategy,
    ("storage.k8s.io", "csinodes"): storage.CsiNodeStrategy,
    ("storage.k8s.io", "csistoragecapacities"): storage.CsiStorageCapacityStrategy,
    ("storage.k8s.io", "storageclasses"): storage.StorageClassStrategy,
    ("storage.k8s.io", "volumeattachments"): storage.VolumeAttachmentStrategy,
    ("storage.k8s.io", "volumeattributesclasses"): storage.VolumeAttributesClassStrategy,
}
"""The strategy class of each ``(group, plural)`` that has one of its own."""


_SUBRESOURCES: dict[tuple[str, str, str], type[Strategy]] = {
    ("", "namespaces", "finalize"): cluster.NamespaceFinalizeStrategy,
    ("", "pods", "ephemeralcontainers"): pod_subresources.EphemeralContainersStrategy,
    ("", "pods", "resize"): pod_subresources.ResizeStrategy,
    ("certificates.k8s.io", "certificatesigningrequests", "approval"): certificates.ApprovalStrategy,
}
"""The strategy class of each ``(group, plural, subresource)`` whose writes follow rules of their own."""


@cache
def strategy_for(resource: Resource, subresource: str = "") -> Strategy:
    """The strategy of a kind or a subresource: its own, or the generic one. The same object at every call."""
    own = _SUBRESOURCES.get((resource.group, resource.plural, subresource))
    return (own or _STRATEGIES.get((resource.group, resource.plural), Strategy))(resource)


__all__ = ["Strategy", "StrategyContext", "strategy_for"]
