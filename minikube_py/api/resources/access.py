"""The kinds of authentication, authorization, certificates and of the API server itself."""

from __future__ import annotations

from minikube_py.api.resources.model import OLDEST_MINOR, Resource, Subresource
from minikube_py.api.resources.subresources import READ_WRITE, STATUS

_RBAC = "rbac.authorization.k8s.io"
_CERTIFICATES = "certificates.k8s.io"
_FLOW_CONTROL = "flowcontrol.apiserver.k8s.io"


def _review(group: str, kind: str, *, namespaced: bool = False, since: int = OLDEST_MINOR) -> Resource:
    singular = kind.lower()
    return Resource(
        group,
        "v1",
        kind,
        f"{singular}s",
        singular,
        namespaced=namespaced,
        verbs=("create",),
        persisted=False,
        since=since,
    )


SELF_SUBJECT_REVIEWS = _review("authentication.k8s.io", "SelfSubjectReview", since=28)
TOKEN_REVIEWS = _review("authentication.k8s.io", "TokenReview")
LOCAL_SUBJECT_ACCESS_REVIEWS = _review("authorization.k8s.io", "LocalSubjectAccessReview", namespaced=True)
SELF_SUBJECT_ACCESS_REVIEWS = _review("authorization.k8s.io", "SelfSubjectAccessReview")
SELF_SUBJECT_RULES_REVIEWS = _review("authorization.k8s.io", "SelfSubjectRulesReview")
SUBJECT_ACCESS_REVIEWS = _review("authorization.k8s.io", "SubjectAccessReview")

CLUSTER_ROLE_BINDINGS = Resource(
    _RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", "clusterrolebinding", namespaced=False
)
CLUSTER_ROLES = Resource(_RBAC, "v1", "ClusterRole", "clusterroles", "clusterrole", namespaced=False)
ROLE_BINDINGS = Resource(_RBAC, "v1", "RoleBinding", "rolebindings", "rolebinding", namespaced=True)
ROLES = Resource(_RBAC, "v1", "Role", "roles", "role", namespaced=True)

CERTIFICATE_SIGNING_REQUESTS = Resource(
    _CERTIFICATES,
    "v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
    "certificatesigningrequest",
    namespaced=False,
    short_names=("csr",),
    subresources=(Subresource("approval", READ_WRITE), STATUS),
)
CLUSTER_TRUST_BUNDLES = Resource(
    _CERTIFICATES, "v1", "ClusterTrustBundle", "clustertrustbundles", "clustertrustbundle", namespaced=False, since=37
)
POD_CERTIFICATE_REQUESTS = Resource(
    _CERTIFICATES,
    "v1",
    "PodCertificateRequest",
    "podcertificaterequests",
    "podcertificaterequest",
    namespaced=True,
    subresources=(STATUS,),
    since=37,
)

API_SERVICES = Resource(
    "apiregistration.k8s.io",
    "v1",
    "APIService",
    "apiservices",
    "apiservice",
    namespaced=False,
    categories=("api-extensions",),
    subresources=(STATUS,),
)
FLOW_SCHEMAS = Resource(
    _FLOW_CONTROL,
    "v1",
    "FlowSchema",
    "flowschemas",
    "flowschema",
    namespaced=False,
    subresources=(STATUS,),
    has_generation=True,
    since=29,
)
PRIORITY_LEVEL_CONFIGURATIONS = Resource(
    _FLOW_CONTROL,
    "v1",
    "PriorityLevelConfiguration",
    "prioritylevelconfigurations",
    "prioritylevelconfiguration",
    namespaced=False,
    subresources=(STATUS,),
    has_generation=True,
    since=29,
)
STORAGE_VERSION_MIGRATIONS = Resource(
    "storagemigration.k8s.io",
    "v1",
    "StorageVersionMigration",
    "storageversionmigrations",
    "storageversionmigration",
    namespaced=False,
    subresources=(STATUS,),
    since=37,
)

ACCESS = (
    API_SERVICES,
    SELF_SUBJECT_REVIEWS,
    TOKEN_REVIEWS,
    LOCAL_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_RULES_REVIEWS,
    SUBJECT_ACCESS_REVIEWS,
    CERTIFICATE_SIGNING_REQUESTS,
    CLUSTER_TRUST_BUNDLES,
    POD_CERTIFICATE_REQUESTS,
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    FLOW_SCHEMAS,
    PRIORITY_LEVEL_CONFIGURATIONS,
    STORAGE_VERSION_MIGRATIONS,
)
