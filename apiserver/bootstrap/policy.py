"""The default ClusterRoles and ClusterRoleBindings, under upstream's names, as data.

Follows ``policy.go`` of ``k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy``; what is not upstream's
is named ``minikube-py:…``, except ``kubeadm:cluster-admins``, which is kubeadm's.
"""

from __future__ import annotations

from apiserver.bootstrap.controller_policy import CONTROLLER_ROLES, PREFIX
from apiserver.bootstrap.namespace_policy import ROLE_BINDINGS, ROLES
from apiserver.bootstrap.rules import ACCESS_REVIEWS, EVENTS, READ, TOKEN_REVIEWS, WRITE, rule, urls
from minikube_py.api.meta import Object
from minikube_py.api.rbac import aggregated_rules

LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
AUTO_UPDATE = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
_GROUP = "rbac.authorization.k8s.io"
_AGGREGATE = f"{_GROUP}/aggregate-to-"

_CERTIFICATES = "certificates.k8s.io"
_COORDINATION = "coordination.k8s.io"
_NETWORKING = "networking.k8s.io"
_STORAGE = "storage.k8s.io"

_VIEW = (
    rule(
        READ,
        "",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers "
        "replicationcontrollers/scale serviceaccounts services services/status",
    ),
    rule(
        READ,
        "",
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status "
        "resourcequotas resourcequotas/status",
    ),
    rule(READ, "", "namespaces"),
    rule(READ, "discovery.k8s.io", "endpointslices"),
    rule(
        READ,
        "apps",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets "
        "replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
    ),
    rule(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    rule(READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
    rule(
        READ,
        "extensions",
        "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status "
        "networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
    ),
    rule(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
    rule(READ, _NETWORKING, "ingresses ingresses/status networkpolicies"),
)
_EDIT = (
    rule(READ, "", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
    rule("impersonate", "", "serviceaccounts"),
    rule(WRITE, "", "pods pods/attach pods/exec pods/portforward pods/proxy"),
    rule("create", "", "pods/eviction"),
    rule(
        WRITE,
        "",
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets "
        "serviceaccounts services services/proxy",
    ),
    rule("create", "", "serviceaccounts/token"),
    rule(
        WRITE,
        "apps",
        "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets "
        "statefulsets/scale",
    ),
    rule(WRITE, "autoscaling", "horizontalpodautoscalers"),
    rule(WRITE, "batch", "cronjobs jobs"),
    rule(
        WRITE,
        "extensions",
        "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets "
        "replicasets/scale replicationcontrollers/scale",
    ),
    rule(WRITE, "policy", "poddisruptionbudgets"),
    rule(WRITE, _NETWORKING, "ingresses networkpolicies"),
    rule(f"{READ} {WRITE}", _COORDINATION, "leases"),
)
_ADMIN = (
    rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
    rule(f"{READ} {WRITE}", _GROUP, "rolebindings roles"),
)
_NODE = (
    TOKEN_REVIEWS,
    rule("create", "authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews"),
    rule(READ, "", "services"),
    rule("create get list watch", "", "nodes"),
    rule("patch update", "", "nodes/status"),
    rule("patch update", "", "nodes"),
    rule("create patch update", "", "events"),
    rule(READ, "", "pods"),
    rule("create delete", "", "pods"),
    rule("patch update", "", "pods/status"),
    rule("create", "", "pods/eviction"),
    rule(READ, "", "configmaps secrets"),
    rule("get", "", "persistentvolumeclaims persistentvolumes"),
    rule("get", "", "endpoints"),
    rule("create get list watch", _CERTIFICATES, "certificatesigningrequests"),
    rule("create delete get patch update", _COORDINATION, "leases"),
    rule("get", _STORAGE, "volumeattachments"),
    rule("create", "", "serviceaccounts/token"),
    rule("get patch update", "", "persistentvolumeclaims/status"),
    rule(READ, _STORAGE, "csidrivers"),
    rule("create delete get patch update", _STORAGE, "csinodes"),
    rule(READ, "node.k8s.io", "runtimeclasses"),
    rule("get", "", "serviceaccounts"),
)
_NODE_PROXIER = (
    rule("list watch", "", "endpoints services"),
    rule(READ, "", "nodes"),
    EVENTS,
    rule("list watch", "discovery.k8s.io", "endpointslices"),
    rule("list watch", _NETWORKING, "servicecidrs"),
)
_SCHEDULER = (
    EVENTS,
    rule("create", _COORDINATION, "leases"),
    rule("get list watch patch update", _COORDINATION, "leases", "kube-scheduler"),
    rule(READ, "", "nodes"),
    rule("delete get list watch", "", "pods"),
    rule("create", "", "bindings pods/binding"),
    rule("patch update", "", "pods/status"),
    rule(READ, "", "replicationcontrollers services"),
    rule(READ, "extensions|apps", "replicasets"),
    rule(READ, "apps", "statefulsets"),
    rule(READ, "policy", "poddisruptionbudgets"),
    rule(READ, "", "persistentvolumeclaims persistentvolumes"),
    TOKEN_REVIEWS,
    ACCESS_REVIEWS,
    rule(READ, _STORAGE, "csinodes"),
    rule(READ, "", "namespaces"),
    rule(READ, _STORAGE, "csidrivers"),
    rule(READ, _STORAGE, "csistoragecapacities"),
)
_CONTROLLER_MANAGER = (
    EVENTS,
    rule("create", _COORDINATION, "leases"),
    rule("get list watch patch update", _COORDINATION, "leases", "kube-controller-manager"),
    rule("create", "", "secrets serviceaccounts"),
    rule("delete", "", "secrets"),
    rule("get", "", "configmaps namespaces secrets serviceaccounts"),
    rule("update", "", "secrets serviceaccounts"),
    TOKEN_REVIEWS,
    ACCESS_REVIEWS,
    rule("list watch", "*", "*"),
    rule("create", "", "serviceaccounts/token"),
)
_VOLUME_SCHEDULER = (
    rule("get list patch update watch", "", "persistentvolumes"),
    rule(READ, _STORAGE, "storageclasses"),
    rule("get list patch update watch", "", "persistentvolumeclaims"),
)
_PROVISIONER = (
    rule("create delete get list watch", "", "persistentvolumes"),
    rule("get list update watch", "", "persistentvolumeclaims"),
    rule(READ, _STORAGE, "storageclasses"),
    rule("watch", "", "events"),
    EVENTS,
)
_HEALTH = "/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*"


def _signer_approver(signer: str) -> tuple[Object, ...]:
    return (rule("approve", _CERTIFICATES, "signers", f"kubernetes.io/{signer}"),)


CLUSTER_ROLES: dict[str, tuple[Object, ...]] = {
    "cluster-admin": (rule("*", "*", "*"), urls("*", "*")),
    "system:discovery": (
        urls("get", "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/"),
    ),
    "system:basic-user": (
        rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
        rule("create", "authentication.k8s.io", "selfsubjectreviews"),
    ),
    "system:public-info-viewer": (urls("get", "/healthz /livez /readyz /version /version/"),),
    "system:monitoring": (urls("get", _HEALTH),),
    "system:aggregate-to-view": _VIEW,
    "system:aggregate-to-edit": _EDIT,
    "system:aggregate-to-admin": _ADMIN,
    "system:auth-delegator": (TOKEN_REVIEWS, ACCESS_REVIEWS),
    f"system:{_CERTIFICATES}:certificatesigningrequests:nodeclient": (
        rule("create", _CERTIFICATES, "certificatesigningrequests/nodeclient"),
    ),
    f"system:{_CERTIFICATES}:certificatesigningrequests:selfnodeclient": (
        rule("create", _CERTIFICATES, "certificatesigningrequests/selfnodeclient"),
    ),
    f"system:{_CERTIFICATES}:kube-apiserver-client-approver": _signer_approver("kube-apiserver-client"),
    f"system:{_CERTIFICATES}:kube-apiserver-client-kubelet-approver": _signer_approver("kube-apiserver-client-kubelet"),
    f"system:{_CERTIFICATES}:kubelet-serving-approver": _signer_approver("kubelet-serving"),
    f"system:{_CERTIFICATES}:legacy-unknown-approver": _signer_approver("legacy-unknown"),
    "system:heapster": (rule(READ, "", "events namespaces nodes pods"), rule(READ, "extensions", "deployments")),
    "system:kube-aggregator": (rule(READ, "", "endpoints services"),),
    "system:kube-controller-manager": _CONTROLLER_MANAGER,
    "system:kube-dns": (rule("list watch", "", "endpoints services"),),
    "system:kube-scheduler": _SCHEDULER,
    "system:kubelet-api-admin": (
        rule(READ, "", "nodes"),
        rule("proxy", "", "nodes"),
        rule("*", "", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
    ),
    "system:node": _NODE,
    "system:node-bootstrapper": (rule("create get list watch", _CERTIFICATES, "certificatesigningrequests"),),
    "system:node-problem-detector": (rule("get", "", "nodes"), rule("patch", "", "nodes/status"), EVENTS),
    "system:node-proxier": _NODE_PROXIER,
    "system:persistent-volume-provisioner": _PROVISIONER,
    "system:service-account-issuer-discovery": (
        urls(
            "get",
            "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
        ),
    ),
    "system:volume-scheduler": _VOLUME_SCHEDULER,
    # One process with one identity runs every controller, so it has what upstream splits over the controllers' roles.
    "minikube-py:controller-manager": (
        rule("*", "*", "*"),
        urls("get", "/metrics /api /api/* /apis /apis/*"),
    ),
    "minikube-py:dns": (
        rule("create get list watch", "", "services"),
        rule("update patch delete", "", "services", "kube-dns"),
        rule("get list watch create update patch delete", "discovery.k8s.io", "endpointslices"),
        rule(READ, "", "endpoints pods namespaces nodes"),
        EVENTS,
    ),
} | {f"{PREFIX}{name}": rules for name, rules in CONTROLLER_ROLES.items()}
"""Name → rules."""

AGGREGATED = {"admin": "admin", "edit": "edit", "view": "view"}
"""Roles that gather those with the label ``rbac.authorization.k8s.io/aggregate-to-<value>: "true"``."""
_GATHERED_BY = {
    "edit": "admin",
    "view": "edit",
    "system:aggregate-to-admin": "admin",
    "system:aggregate-to-edit": "edit",
    "system:aggregate-to-view": "view",
}

CLUSTER_ROLE_BINDINGS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "cluster-admin": ("cluster-admin", (("Group", "system:masters"),)),
    "kubeadm:cluster-admins": ("cluster-admin", (("Group", "kubeadm:cluster-admins"),)),
    "system:discovery": ("system:discovery", (("Group", "system:authenticated"),)),
    "system:basic-user": ("system:basic-user", (("Group", "system:authenticated"),)),
    "system:public-info-viewer": (
        "system:public-info-viewer",
        (("Group", "system:authenticated"), ("Group", "system:unauthenticated")),
    ),
    "system:monitoring": ("system:monitoring", (("Group", "system:monitoring"),)),
    "system:node": ("system:node", ()),
    "system:node-proxier": ("system:node-proxier", (("User", "system:kube-proxy"),)),
    "system:kube-scheduler": ("system:kube-scheduler", (("User", "system:kube-scheduler"),)),
    "system:volume-scheduler": ("system:volume-scheduler", (("User", "system:kube-scheduler"),)),
    "system:kube-controller-manager": (
        "system:kube-controller-manager",
        (("User", "system:kube-controller-manager"),),
    ),
    "system:kube-dns": ("system:kube-dns", (("ServiceAccount", "kube-dns"),)),
    "system:service-account-issuer-discovery": (
        "system:service-account-issuer-discovery",
        (("Group", "system:serviceaccounts"),),
    ),
    "minikube-py:controller-manager": (
        "minikube-py:controller-manager",
        (("User", "system:kube-controller-manager"),),
    ),
    "minikube-py:dns": ("minikube-py:dns", (("User", "system:dns"),)),
} | {f"{PREFIX}{name}": (f"{PREFIX}{name}", (("ServiceAccount", name),)) for name in CONTROLLER_ROLES}
"""Name → (role, subjects)."""


def cluster_roles() -> list[Object]:
    """Every default ClusterRole; those that gather others have their rules already."""
    plain = [_cluster_role(name, rules) for name, rules in CLUSTER_ROLES.items()]
    gathering: list[Object] = []
    # view before edit before admin, as each is gathered by the next.
    for name in reversed(AGGREGATED):
        role = _cluster_role(name, ())
        selector = {"matchLabels": {f"{_AGGREGATE}{AGGREGATED[name]}": "true"}}
        role["aggregationRule"] = {"clusterRoleSelectors": [selector]}
        role["rules"] = aggregated_rules(role, [*plain, *gathering])
        gathering.append(role)
    return [*plain, *gathering]


def _cluster_role(name: str, rules: tuple[Object, ...]) -> Object:
    labels = dict(LABELS)
    if name in _GATHERED_BY:
        labels[f"{_AGGREGATE}{_GATHERED_BY[name]}"] = "true"
    return _object("ClusterRole", name, "", labels) | {"rules": [dict(entry) for entry in rules]}


def cluster_role_bindings() -> list[Object]:
    """Every default ClusterRoleBinding."""
    return [
        _binding("ClusterRoleBinding", name, "", "ClusterRole", role, subjects)
        for name, (role, subjects) in CLUSTER_ROLE_BINDINGS.items()
    ]


def roles() -> list[Object]:
    """Every default Role."""
    return [
        _object("Role", name, namespace, dict(LABELS)) | {"rules": [dict(entry) for entry in rules]}
        for (namespace, name), rules in ROLES.items()
    ]


def role_bindings() -> list[Object]:
    """Every default RoleBinding."""
    return [
        _binding("RoleBinding", name, namespace, "Role", role, subjects)
        for (namespace, name), (role, subjects) in ROLE_BINDINGS.items()
    ]


def _binding(
    kind: str, name: str, namespace: str, role_kind: str, role: str, subjects: tuple[tuple[str, str], ...]
) -> Object:
    made = _object(kind, name, namespace, dict(LABELS))
    made["roleRef"] = {"apiGroup": _GROUP, "kind": role_kind, "name": role}
    if subjects:
        made["subjects"] = [_subject(kind, subject) for kind, subject in subjects]
    return made


def _subject(kind: str, name: str) -> Object:
    if kind == "ServiceAccount":
        return {"kind": kind, "name": name, "namespace": "kube-system"}
    return {"apiGroup": _GROUP, "kind": kind, "name": name}


def _object(kind: str, name: str, namespace: str, labels: dict[str, str]) -> Object:
    meta: Object = {"name": name} | ({"namespace": namespace} if namespace else {})
    meta |= {"labels": labels, "annotations": dict(AUTO_UPDATE)}
    return {"kind": kind, "apiVersion": f"{_GROUP}/v1", "metadata": meta}
