"""The ClusterRoles of upstream's controllers, as data; each is bound to the ServiceAccount of its name.

Follows ``controller_policy.go`` of ``k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy``. Our
controllers run under the one identity of the controller-manager; these are for controllers that run as upstream's do,
and for whoever binds to them.
"""

from __future__ import annotations

from apiserver.bootstrap.rules import EVENTS, READ, rule
from minikube_py.api.meta import Object

PREFIX = "system:controller:"

_APPS = "extensions|apps"
_CERTIFICATES = "certificates.k8s.io"
_NETWORKING = "networking.k8s.io"
_RESOURCE = "resource.k8s.io"
_STORAGE = "storage.k8s.io"
_SIGNERS = (
    "kubernetes.io/legacy-unknown kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet "
    "kubernetes.io/kubelet-serving"
)
_PODS_OF_OWNER = rule("list watch create delete patch", "", "pods")

CONTROLLER_ROLES: dict[str, tuple[Object, ...]] = {
    "attachdetach-controller": (
        rule("list watch", "", "persistentvolumes persistentvolumeclaims"),
        rule(READ, "", "nodes"),
        rule("patch update", "", "nodes/status"),
        rule("list watch", "", "pods"),
        EVENTS,
        rule("get create delete list watch", _STORAGE, "volumeattachments"),
        rule(READ, _STORAGE, "csidrivers"),
        rule(READ, _STORAGE, "csinodes"),
    ),
    "certificate-controller": (
        rule("get list watch delete", _CERTIFICATES, "certificatesigningrequests"),
        rule("update", _CERTIFICATES, "certificatesigningrequests/status certificatesigningrequests/approval"),
        rule("approve", _CERTIFICATES, "signers", "kubernetes.io/kube-apiserver-client-kubelet"),
        rule("sign", _CERTIFICATES, "signers", _SIGNERS),
        rule("create", "authorization.k8s.io", "subjectaccessreviews"),
        EVENTS,
    ),
    "clusterrole-aggregation-controller": (
        rule("escalate get list watch update patch", "rbac.authorization.k8s.io", "clusterroles"),
    ),
    "cronjob-controller": (
        rule("get list watch update", "batch", "cronjobs"),
        rule("get list watch create update delete patch", "batch", "jobs"),
        rule("update", "batch", "cronjobs/status"),
        rule("update", "batch", "cronjobs/finalizers"),
        rule("list watch delete", "", "pods"),
        EVENTS,
    ),
    "daemon-set-controller": (
        rule(READ, _APPS, "daemonsets"),
        rule("update", _APPS, "daemonsets/status"),
        rule("update", _APPS, "daemonsets/finalizers"),
        rule("list watch", "", "nodes"),
        _PODS_OF_OWNER,
        rule("create", "", "pods/binding"),
        rule("get list watch create delete update patch", "apps", "controllerrevisions"),
        EVENTS,
    ),
    "deployment-controller": (
        rule("get list watch update", _APPS, "deployments"),
        rule("update", _APPS, "deployments/status"),
        rule("update", _APPS, "deployments/finalizers"),
        rule("get list watch create update patch delete", _APPS, "replicasets"),
        rule("get list watch update", "", "pods"),
        EVENTS,
    ),
    "disruption-controller": (
        rule(READ, _APPS, "deployments"),
        rule(READ, _APPS, "replicasets"),
        rule(READ, "", "replicationcontrollers"),
        rule(READ, "policy", "poddisruptionbudgets"),
        rule(READ, "apps", "statefulsets"),
        rule("update", "policy", "poddisruptionbudgets/status"),
        rule("patch update", "", "pods/status"),
        rule("get", "*", "*/scale"),
        EVENTS,
    ),
    "endpoint-controller": (
        rule(READ, "", "services pods"),
        rule("get list watch create update delete", "", "endpoints"),
        rule("create", "", "endpoints/restricted"),
        EVENTS,
    ),
    "endpointslice-controller": (
        rule(READ, "", "services pods nodes"),
        rule("update", "", "services/finalizers"),
        rule("get list watch create update delete", "discovery.k8s.io", "endpointslices"),
        EVENTS,
    ),
    "endpointslicemirroring-controller": (
        rule(READ, "", "services endpoints"),
        rule("update", "", "services/finalizers"),
        rule("update", "", "endpoints/finalizers"),
        rule("get list watch create update delete", "discovery.k8s.io", "endpointslices"),
        EVENTS,
    ),
    "ephemeral-volume-controller": (
        rule(READ, "", "pods"),
        rule("update", "", "pods/finalizers"),
        rule("get list watch create", "", "persistentvolumeclaims"),
        EVENTS,
    ),
    "expand-controller": (
        rule("get list watch update patch", "", "persistentvolumes"),
        rule("update patch", "", "persistentvolumeclaims/status"),
        rule(READ, "", "persistentvolumeclaims"),
        EVENTS,
        rule("get", "", "services"),
    ),
    "generic-garbage-collector": (rule("get list watch patch update delete", "*", "*"), EVENTS),
    "horizontal-pod-autoscaler": (
        rule(READ, "autoscaling", "horizontalpodautoscalers"),
        rule("update", "autoscaling", "horizontalpodautoscalers/status"),
        rule("get update", "*", "*/scale"),
        rule("list watch", "", "pods"),
        rule("list watch", "metrics.k8s.io", "pods"),
        rule(READ, "custom.metrics.k8s.io", "*"),
        rule(READ, "external.metrics.k8s.io", "*"),
        EVENTS,
    ),
    "job-controller": (
        rule("get list watch update patch", "batch", "jobs"),
        rule("update", "batch", "jobs/status"),
        rule("update", "batch", "jobs/finalizers"),
        _PODS_OF_OWNER,
        EVENTS,
    ),
    "legacy-service-account-token-cleaner": (
        rule("get", "", "configmaps", "kube-apiserver-legacy-service-account-token-tracking"),
        rule("patch delete", "", "secrets"),
    ),
    "namespace-controller": (
        rule("get list watch delete", "", "namespaces"),
        rule("update", "", "namespaces/finalize namespaces/status"),
        rule("get list watch delete deletecollection", "*", "*"),
    ),
    "node-controller": (
        rule("get list watch update delete patch", "", "nodes"),
        rule("patch update", "", "nodes/status"),
        rule("patch update", "", "pods/status"),
        rule("list watch get delete", "", "pods"),
        EVENTS,
    ),
    "persistent-volume-binder": (
        rule("get list watch update create delete", "", "persistentvolumes"),
        rule("update", "", "persistentvolumes/status"),
        rule("get list watch update", "", "persistentvolumeclaims"),
        rule("update", "", "persistentvolumeclaims/status"),
        rule("list watch get create delete", "", "pods"),
        rule(READ, _STORAGE, "storageclasses"),
        rule("list watch", "", "nodes"),
        EVENTS,
        rule("watch", "", "events"),
        rule("get", "", "services"),
    ),
    "pod-garbage-collector": (
        rule("list watch delete", "", "pods"),
        rule(READ, "", "nodes"),
        rule("patch", "", "pods/status"),
    ),
    "pv-protection-controller": (rule("get list watch update", "", "persistentvolumes"), EVENTS),
    "pvc-protection-controller": (
        rule("get list watch update", "", "persistentvolumeclaims"),
        rule(READ, "", "pods"),
        EVENTS,
    ),
    "replicaset-controller": (
        rule("get list watch update", _APPS, "replicasets"),
        rule("update", _APPS, "replicasets/status"),
        rule("update", _APPS, "replicasets/finalizers"),
        _PODS_OF_OWNER,
        EVENTS,
    ),
    "replication-controller": (
        rule("get list watch update", "", "replicationcontrollers"),
        rule("update", "", "replicationcontrollers/status"),
        rule("update", "", "replicationcontrollers/finalizers"),
        _PODS_OF_OWNER,
        EVENTS,
    ),
    "resource-claim-controller": (
        rule(READ, "", "pods"),
        rule("update", "", "pods/finalizers"),
        rule("get list watch create delete", _RESOURCE, "resourceclaims"),
        rule("update patch", _RESOURCE, "resourceclaims resourceclaims/status"),
        rule("update patch", "", "pods/status"),
        EVENTS,
    ),
    "resourcequota-controller": (
        rule("list watch", "*", "*"),
        rule("update", "", "resourcequotas/status"),
        EVENTS,
    ),
    "root-ca-cert-publisher": (rule("create update", "", "configmaps"), EVENTS),
    "route-controller": (rule("list watch", "", "nodes"), rule("patch", "", "nodes/status"), EVENTS),
    "service-account-controller": (rule("create", "", "serviceaccounts"), EVENTS),
    "service-cidrs-controller": (
        rule("get list watch patch update", _NETWORKING, "servicecidrs"),
        rule("patch update", _NETWORKING, "servicecidrs/finalizers"),
        rule("patch update", _NETWORKING, "servicecidrs/status"),
        rule(READ, _NETWORKING, "ipaddresses"),
        EVENTS,
    ),
    "service-controller": (
        rule(READ, "", "services"),
        rule("patch update", "", "services/status"),
        rule("list watch", "", "nodes"),
        EVENTS,
    ),
    "statefulset-controller": (
        rule("list watch", "", "pods"),
        rule(READ, "apps", "statefulsets"),
        rule("update", "apps", "statefulsets/status"),
        rule("update", "apps", "statefulsets/finalizers"),
        rule("get create delete update patch", "", "pods"),
        rule("get create delete update patch list watch", "apps", "controllerrevisions"),
        rule("get create list watch", "", "persistentvolumeclaims"),
        rule("update delete", "", "persistentvolumeclaims"),
        rule("update", "", "pods/finalizers"),
        EVENTS,
    ),
    "ttl-after-finished-controller": (rule("get list watch delete", "batch", "jobs"), EVENTS),
    "ttl-controller": (rule("update patch list watch", "", "nodes"), EVENTS),
    "validatingadmissionpolicy-status-controller": (
        rule(READ, "admissionregistration.k8s.io", "validatingadmissionpolicies"),
        rule("get patch update", "admissionregistration.k8s.io", "validatingadmissionpolicies/status"),
        EVENTS,
    ),
    "volumeattributesclass-protection-controller": (
        rule(READ, "", "persistentvolumeclaims"),
        rule(READ, "", "persistentvolumes"),
        rule("get list watch update", _STORAGE, "volumeattributesclasses"),
        EVENTS,
    ),
}
"""Name of the ServiceAccount in kube-system → rules of ``system:controller:<name>``."""
