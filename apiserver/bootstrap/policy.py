"""The default ClusterRoles and ClusterRoleBindings, under upstream's names, as data.

Follows ``k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy``, for what this server serves; the roles
name the resources of later groups too, where upstream's do, so that they keep their meaning when those are served.
"""

from __future__ import annotations

from minikube_py.api.meta import Object

LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
AUTO_UPDATE = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
_GROUP = "rbac.authorization.k8s.io"

READ = "get list watch"
WRITE = "create update patch delete deletecollection"
READ_WRITE = f"{READ} {WRITE}"

_APPS = "daemonsets deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale"
_APPS_STATUS = "controllerrevisions daemonsets/status deployments/status replicasets/status statefulsets/status"
_VIEW_CORE = (
    "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers "
    "replicationcontrollers/scale serviceaccounts services services/status bindings events limitranges "
    "namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status "
    "namespaces"
)


def rule(verbs: str, group: str, resources: str, names: str = "") -> Object:
    """A rule for resources of one group; each argument is a list of words."""
    made: Object = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return made | {"resourceNames": names.split()} if names else made


def urls(verbs: str, *paths: str) -> Object:
    """A rule for paths."""
    return {"verbs": verbs.split(), "nonResourceURLs": list(paths)}


_EVENTS = rule("create patch update", "", "events"), rule("create patch update", "events.k8s.io", "events")
_REVIEWS = (
    rule("create", "authentication.k8s.io", "tokenreviews"),
    rule("create", "authorization.k8s.io", "subjectaccessreviews"),
)
_PUBLIC = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_DISCOVERY = ("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz")
_VERSION = ("/version", "/version/")

_VIEW = (
    rule(READ, "", _VIEW_CORE),
    rule(READ, "discovery.k8s.io", "endpointslices"),
    rule(READ, "apps", f"{_APPS} {_APPS_STATUS}"),
    rule(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    rule(READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
    rule(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
    rule(READ, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
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
    rule(WRITE, "policy", "poddisruptionbudgets"),
    rule(WRITE, "networking.k8s.io", "ingresses networkpolicies"),
    rule(READ_WRITE, "coordination.k8s.io", "leases"),
)
_ADMIN = (
    rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
    rule(READ_WRITE, _GROUP, "roles rolebindings"),
)

_NODE = (
    *_REVIEWS,
    rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
    rule(READ, "", "services"),
    rule("create get list watch", "", "nodes"),
    rule("update patch", "", "nodes nodes/status"),
    rule("create patch update", "", "events"),
    rule(READ, "", "pods"),
    rule("create delete", "", "pods"),
    rule("update patch", "", "pods/status"),
    rule("create", "", "pods/eviction"),
    rule(READ, "", "configmaps secrets"),
    rule("get", "", "persistentvolumeclaims persistentvolumes"),
    rule("create", "", "serviceaccounts/token"),
    rule("get", "", "serviceaccounts"),
    rule("create get list watch", "certificates.k8s.io", "certificatesigningrequests"),
    rule("get create update patch delete", "coordination.k8s.io", "leases"),
    rule("get", "storage.k8s.io", "volumeattachments"),
    rule(READ, "storage.k8s.io", "csidrivers"),
    rule("get create update patch delete", "storage.k8s.io", "csinodes"),
    rule(READ, "node.k8s.io", "runtimeclasses"),
)
_NODE_PROXIER = (
    rule("list watch", "", "services endpoints"),
    rule(READ, "", "nodes"),
    *_EVENTS,
    rule("list watch", "discovery.k8s.io", "endpointslices"),
    rule("list watch", "networking.k8s.io", "servicecidrs"),
)
_SCHEDULER = (
    *_EVENTS,
    rule("create", "coordination.k8s.io", "leases"),
    rule("get list watch update patch", "coordination.k8s.io", "leases", "kube-scheduler"),
    rule(READ, "", "nodes"),
    rule("delete get list watch", "", "pods"),
    rule("create", "", "bindings pods/binding"),
    rule("patch update", "", "pods/status"),
    rule(READ, "", "replicationcontrollers services namespaces persistentvolumes"),
    rule(READ, "apps", "replicasets statefulsets"),
    rule(READ, "policy", "poddisruptionbudgets"),
    rule("get list watch update", "", "persistentvolumeclaims"),
    *_REVIEWS,
    rule(READ, "storage.k8s.io", "csinodes csidrivers csistoragecapacities storageclasses"),
)
_CONTROLLER_MANAGER = (
    *_EVENTS,
    rule("get list watch create update patch", "coordination.k8s.io", "leases"),
    rule("delete", "coordination.k8s.io", "leases"),
    rule("get create update", "", "secrets serviceaccounts"),
    rule("delete", "", "secrets"),
    rule("get update", "", "namespaces"),
    rule("get", "", "configmaps"),
    *_REVIEWS,
    # One process with one identity runs every controller, so it has what upstream splits over controller roles.
    rule("*", "*", "*"),
    urls("get", "/metrics", "/api", "/api/*", "/apis", "/apis/*"),
)
_DNS = (
    rule("get list watch create update patch delete", "", "services", "kube-dns"),
    rule("create list watch get", "", "services"),
    rule("get list watch create update patch delete", "discovery.k8s.io", "endpointslices"),
    rule("list watch get", "", "endpoints pods namespaces nodes"),
    *_EVENTS,
)

CLUSTER_ROLES: dict[str, tuple[Object, ...]] = {
    "cluster-admin": (rule("*", "*", "*"), urls("*", "*")),
    "system:discovery": (urls("get", *_DISCOVERY, *_VERSION),),
    "system:basic-user": (
        rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
        rule("create", "authentication.k8s.io", "selfsubjectreviews"),
    ),
    "system:public-info-viewer": (urls("get", *_PUBLIC),),
    "system:monitoring": (
        urls(
            "get", "/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/metrics/slis", "/readyz", "/readyz/*"
        ),
    ),
    "system:aggregate-to-view": _VIEW,
    "system:aggregate-to-edit": _EDIT,
    "system:aggregate-to-admin": _ADMIN,
    "view": _VIEW,
    "edit": (*_VIEW, *_EDIT),
    "admin": (*_VIEW, *_EDIT, *_ADMIN),
    "system:node": _NODE,
    "system:node-proxier": _NODE_PROXIER,
    "system:kube-scheduler": _SCHEDULER,
    "system:kube-controller-manager": _CONTROLLER_MANAGER,
    "system:auth-delegator": _REVIEWS,
    "system:heapster": (rule(READ, "", "events namespaces nodes pods"), rule(READ, "extensions", "deployments")),
    "system:kube-dns": (rule("list watch", "", "endpoints services"),),
    "system:coredns": (
        rule("list watch", "", "endpoints services pods namespaces"),
        rule("list watch", "discovery.k8s.io", "endpointslices"),
    ),
    "system:dns": _DNS,
    "system:kubelet-api-admin": (
        rule(READ, "", "nodes"),
        rule("*", "", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
    ),
    "system:service-account-issuer-discovery": (
        urls(
            "get",
            "/.well-known/openid-configuration",
            "/.well-known/openid-configuration/",
            "/openid/v1/jwks",
            "/openid/v1/jwks/",
        ),
    ),
}
"""Name → rules."""

AGGREGATED = {"admin": "admin", "edit": "edit", "view": "view"}
"""Roles that gather others by the label ``rbac.authorization.k8s.io/aggregate-to-<name>``."""

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
    "system:kube-controller-manager": (
        "system:kube-controller-manager",
        (("User", "system:kube-controller-manager"),),
    ),
    "system:dns": ("system:dns", (("User", "system:dns"),)),
    "system:service-account-issuer-discovery": (
        "system:service-account-issuer-discovery",
        (("Group", "system:serviceaccounts"),),
    ),
}
"""Name → (role, subjects)."""


def cluster_role(name: str) -> Object:
    """The ClusterRole of that name."""
    labels = dict(LABELS)
    for target in AGGREGATED:
        if name == f"system:aggregate-to-{target}":
            labels[f"{_GROUP}/aggregate-to-{target}"] = "true"
    return {
        "kind": "ClusterRole",
        "apiVersion": f"{_GROUP}/v1",
        "metadata": {"name": name, "labels": labels, "annotations": dict(AUTO_UPDATE)},
        "rules": [dict(entry) for entry in CLUSTER_ROLES[name]],
    }


def cluster_role_binding(name: str) -> Object:
    """The ClusterRoleBinding of that name."""
    role, subjects = CLUSTER_ROLE_BINDINGS[name]
    binding: Object = {
        "kind": "ClusterRoleBinding",
        "apiVersion": f"{_GROUP}/v1",
        "metadata": {"name": name, "labels": dict(LABELS), "annotations": dict(AUTO_UPDATE)},
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": role},
    }
    if subjects:
        binding["subjects"] = [{"apiGroup": _GROUP, "kind": kind, "name": subject} for kind, subject in subjects]
    return binding
