"""The kinds that run pods, scale them and keep them: apps, batch, autoscaling, policy, scheduling, node."""

from __future__ import annotations

from minikube_py.api.resources.model import Resource, Subresource
from minikube_py.api.resources.subresources import SCALE, STATUS

_ALL = ("all",)


def _workload(group: str, kind: str, plural: str, *short_names: str, subresources: tuple[Subresource, ...]) -> Resource:
    return Resource(
        group,
        "v1",
        kind,
        plural,
        kind.lower(),
        namespaced=True,
        short_names=short_names,
        categories=_ALL,
        subresources=subresources,
        has_generation=True,
    )


CONTROLLER_REVISIONS = Resource(
    "apps", "v1", "ControllerRevision", "controllerrevisions", "controllerrevision", namespaced=True
)
DAEMON_SETS = _workload("apps", "DaemonSet", "daemonsets", "ds", subresources=(STATUS,))
DEPLOYMENTS = _workload("apps", "Deployment", "deployments", "deploy", subresources=(SCALE, STATUS))
REPLICA_SETS = _workload("apps", "ReplicaSet", "replicasets", "rs", subresources=(SCALE, STATUS))
STATEFUL_SETS = _workload("apps", "StatefulSet", "statefulsets", "sts", subresources=(SCALE, STATUS))

CRON_JOBS = _workload("batch", "CronJob", "cronjobs", "cj", subresources=(STATUS,))
JOBS = _workload("batch", "Job", "jobs", subresources=(STATUS,))


def _autoscaler(version: str, stored_as: str = "") -> Resource:
    return Resource(
        "autoscaling",
        version,
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "horizontalpodautoscaler",
        namespaced=True,
        short_names=("hpa",),
        categories=_ALL,
        subresources=(STATUS,),
        stored_as=stored_as,
    )


HORIZONTAL_POD_AUTOSCALERS = _autoscaler("v2")
HORIZONTAL_POD_AUTOSCALERS_V1 = _autoscaler("v1", stored_as="autoscaling/v2")

POD_DISRUPTION_BUDGETS = Resource(
    "policy",
    "v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    "poddisruptionbudget",
    namespaced=True,
    short_names=("pdb",),
    subresources=(STATUS,),
    has_generation=True,
)
PRIORITY_CLASSES = Resource(
    "scheduling.k8s.io",
    "v1",
    "PriorityClass",
    "priorityclasses",
    "priorityclass",
    namespaced=False,
    short_names=("pc",),
    has_generation=True,
)
RUNTIME_CLASSES = Resource("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", "runtimeclass", namespaced=False)


def _device(
    kind: str, plural: str, *, namespaced: bool, since: int = 34, has_status: bool = False, has_generation: bool = True
) -> Resource:
    return Resource(
        "resource.k8s.io",
        "v1",
        kind,
        plural,
        kind.lower(),
        namespaced=namespaced,
        subresources=(STATUS,) if has_status else (),
        has_generation=has_generation,
        since=since,
    )


DEVICE_CLASSES = _device("DeviceClass", "deviceclasses", namespaced=False)
DEVICE_TAINT_RULES = _device("DeviceTaintRule", "devicetaintrules", namespaced=False, since=37, has_status=True)
RESOURCE_CLAIMS = _device("ResourceClaim", "resourceclaims", namespaced=True, has_status=True, has_generation=False)
RESOURCE_CLAIM_TEMPLATES = _device(
    "ResourceClaimTemplate", "resourceclaimtemplates", namespaced=True, has_generation=False
)
RESOURCE_SLICES = _device("ResourceSlice", "resourceslices", namespaced=False)

WORKLOADS = (
    CONTROLLER_REVISIONS,
    DAEMON_SETS,
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    HORIZONTAL_POD_AUTOSCALERS,
    HORIZONTAL_POD_AUTOSCALERS_V1,
    CRON_JOBS,
    JOBS,
    POD_DISRUPTION_BUDGETS,
    PRIORITY_CLASSES,
    RUNTIME_CLASSES,
    DEVICE_CLASSES,
    DEVICE_TAINT_RULES,
    RESOURCE_CLAIMS,
    RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_SLICES,
)
