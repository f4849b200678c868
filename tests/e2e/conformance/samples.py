"""The smallest object of each kind that has no behaviour to wait for, and what its status may be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

POD_SPEC = {"containers": [{"name": "c", "image": "minikube-py/hello:1"}]}
TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": POD_SPEC}
SELECTOR = {"matchLabels": {"app": "x"}}
CONDITION = {"type": "Told", "status": "True", "reason": "Test", "message": "told by a test"}
TIMED = {**CONDITION, "lastTransitionTime": "2026-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Sample:
    """A kind's plural and ``apiVersion``, a body without metadata, a status, and the behaviours that it shows."""

    api_version: str
    kind: str
    plural: str
    body: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] | None = None
    namespaced: bool = True
    shows: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def prefix(self) -> str:
        """``/api/v1`` or ``/apis/group/version``."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"

    def collection(self, namespace: str) -> str:
        """The path of the kind's objects in a namespace."""
        return (
            f"{self.prefix}/namespaces/{namespace}/{self.plural}" if self.namespaced else f"{self.prefix}/{self.plural}"
        )


SAMPLES = (
    Sample("v1", "ConfigMap", "configmaps", {"data": {"k": "v"}}, shows=("ConfigMap lifecycle",)),
    Sample("v1", "Secret", "secrets", {"stringData": {"k": "v"}}, shows=("Secret patching",)),
    Sample(
        "v1",
        "PodTemplate",
        "podtemplates",
        {"template": TEMPLATE},
        shows=("PodTemplate lifecycle", "PodTemplate, delete a collection", "PodTemplate, replace"),
    ),
    Sample(
        "v1",
        "Endpoints",
        "endpoints",
        {"subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}]},
        shows=("Endpoint resource lifecycle",),
    ),
    Sample(
        "v1",
        "Service",
        "services",
        {"spec": {"ports": [{"port": 80}]}},
        {"conditions": [TIMED]},
        shows=("Service, complete ServiceStatus lifecycle", "Service, deletes a collection of services"),
    ),
    Sample(
        "v1",
        "LimitRange",
        "limitranges",
        {"spec": {"limits": [{"type": "Pod", "max": {"cpu": "100"}}]}},
        shows=("LimitRange, list, patch and delete a LimitRange by collection",),
    ),
    Sample(
        "v1",
        "ResourceQuota",
        "resourcequotas",
        {"spec": {"hard": {"pods": "100"}}},
        {"hard": {"pods": "100"}, "used": {"pods": "0"}},
        shows=("ResourceQuota, apply changes to a ResourceQuota status",),
    ),
    Sample(
        "v1",
        "ServiceAccount",
        "serviceaccounts",
        shows=("ServiceAccount lifecycle test", "ServiceAccount, update a ServiceAccount"),
    ),
    Sample(
        "v1",
        "Event",
        "events",
        {
            "involvedObject": {"kind": "Pod", "name": "p", "namespace": "NAMESPACE"},
            "reason": "Test",
            "message": "told",
            "type": "Normal",
        },
        shows=("Event, manage lifecycle of an Event", "Event, delete a collection"),
    ),
    Sample(
        "events.k8s.io/v1",
        "Event",
        "events",
        {
            "regarding": {"kind": "Pod", "name": "p", "namespace": "NAMESPACE"},
            "reason": "Test",
            "action": "Testing",
            "type": "Normal",
            "reportingController": "example.com/test",
            "reportingInstance": "one",
            "eventTime": "2026-01-01T00:00:00.000000Z",
        },
        shows=(
            "New Event resource lifecycle, testing a single event",
            "New Event resource lifecycle, testing a list of events",
        ),
    ),
    Sample(
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        {
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
                "storageClassName": "none",
            }
        },
        {"phase": "Pending", "conditions": [{"type": "Resizing", "status": "True"}]},
        shows=("PersistentVolumes(Claims), lifecycle", "PersistentVolumes(Claims), apply changes to a pv/pvc status"),
    ),
    Sample(
        "v1",
        "PersistentVolume",
        "persistentvolumes",
        {
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": "/none"},
                "storageClassName": "none",
            }
        },
        {"phase": "Released", "message": "told"},
        namespaced=False,
        shows=("PersistentVolumes(Claims), lifecycle", "PersistentVolumes(Claims), apply changes to a pv/pvc status"),
    ),
    Sample(
        "apps/v1",
        "ControllerRevision",
        "controllerrevisions",
        {"data": {"k": "v"}, "revision": 1},
    ),
    Sample(
        "batch/v1",
        "CronJob",
        "cronjobs",
        {
            "spec": {
                "schedule": "0 0 1 1 *",
                "suspend": True,
                "jobTemplate": {"spec": {"template": {"spec": {**POD_SPEC, "restartPolicy": "Never"}}}},
            }
        },
        {"lastScheduleTime": "2026-01-01T00:00:00Z"},
        shows=("CronJob API Operations",),
    ),
    Sample(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        {"spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "x", "apiVersion": "apps/v1"}}},
        {"desiredReplicas": 1, "currentReplicas": 1, "currentMetrics": None, "conditions": [TIMED]},
    ),
    Sample(
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        {"spec": {"minAvailable": 1, "selector": SELECTOR}},
        {"conditions": [TIMED], "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0, "disruptionsAllowed": 0},
        shows=(
            "PodDisruptionBudget: list and delete collection",
            "PodDisruptionBudget: create, update, patch, and delete object",
            "PodDisruptionBudget: update and patch status",
        ),
    ),
    Sample(
        "networking.k8s.io/v1",
        "Ingress",
        "ingresses",
        {"spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}}},
        {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
        shows=("Ingress API",),
    ),
    Sample(
        "networking.k8s.io/v1",
        "IngressClass",
        "ingressclasses",
        {"spec": {"controller": "example.com/controller"}},
        namespaced=False,
        shows=("IngressClass API",),
    ),
    Sample("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", {"spec": {"podSelector": {}}}),
    Sample(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "endpointslices",
        {"addressType": "IPv4", "endpoints": [{"addresses": ["192.0.2.1"]}], "ports": [{"port": 80}]},
        shows=("[sig-network] EndpointSlice should support creating EndpointSlice API operations [Conformance]",),
    ),
    Sample(
        "coordination.k8s.io/v1",
        "Lease",
        "leases",
        {"spec": {"holderIdentity": "me", "leaseDurationSeconds": 10}},
        shows=("lease API should be available",),
    ),
    Sample(
        "scheduling.k8s.io/v1",
        "PriorityClass",
        "priorityclasses",
        {"value": 10},
        namespaced=False,
    ),
    Sample(
        "node.k8s.io/v1",
        "RuntimeClass",
        "runtimeclasses",
        {"handler": "test"},
        namespaced=False,
        shows=("RuntimeClass API",),
    ),
    Sample(
        "storage.k8s.io/v1",
        "StorageClass",
        "storageclasses",
        {"provisioner": "example.com/none"},
        namespaced=False,
        shows=("StorageClass, lifecycle",),
    ),
    Sample(
        "storage.k8s.io/v1", "CSIDriver", "csidrivers", {"spec": {}}, namespaced=False, shows=("CSIDriver, lifecycle",)
    ),
    Sample(
        "storage.k8s.io/v1",
        "CSINode",
        "csinodes",
        {"spec": {"drivers": [{"name": "example.com", "nodeID": "n"}]}},
        namespaced=False,
        shows=("CSINode, lifecycle",),
    ),
    Sample(
        "storage.k8s.io/v1",
        "CSIStorageCapacity",
        "csistoragecapacities",
        {"storageClassName": "none", "capacity": "1Gi"},
        shows=("CSIStorageCapacity API",),
    ),
    Sample(
        "storage.k8s.io/v1",
        "VolumeAttachment",
        "volumeattachments",
        {"spec": {"attacher": "example.com", "nodeName": "none", "source": {"persistentVolumeName": "none"}}},
        {"attached": True},
        namespaced=False,
        shows=("VolumeAttachment, lifecycle", "VolumeAttachment, apply changes to a volumeattachment status"),
    ),
    Sample(
        "flowcontrol.apiserver.k8s.io/v1",
        "FlowSchema",
        "flowschemas",
        {"spec": {"matchingPrecedence": 9999, "priorityLevelConfiguration": {"name": "catch-all"}}},
        {"conditions": [TIMED]},
        namespaced=False,
        shows=("Priority and Fairness FlowSchema API",),
    ),
    Sample(
        "flowcontrol.apiserver.k8s.io/v1",
        "PriorityLevelConfiguration",
        "prioritylevelconfigurations",
        {"spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}}},
        {"conditions": [TIMED]},
        namespaced=False,
        shows=("Priority and Fairness PriorityLevelConfiguration API",),
    ),
    Sample(
        "rbac.authorization.k8s.io/v1",
        "Role",
        "roles",
        {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]},
    ),
    Sample(
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "clusterroles",
        {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}]},
        namespaced=False,
    ),
    Sample(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "rolebindings",
        {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "none"}},
    ),
    Sample(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        "clusterrolebindings",
        {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "none"}},
        namespaced=False,
    ),
    Sample(
        "apiregistration.k8s.io/v1",
        "APIService",
        "apiservices",
        {
            "spec": {
                "group": "GROUP.example.com",
                "version": "v1",
                "groupPriorityMinimum": 1,
                "versionPriority": 1,
                "service": {"namespace": "default", "name": "none"},
            }
        },
        {"conditions": [TIMED]},
        namespaced=False,
    ),
)
