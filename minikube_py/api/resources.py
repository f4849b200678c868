"""The one table of kinds: what is served, under which names, with which verbs and subresources.

A built-in kind is one row. Behaviour (defaults, validation, status split) hangs on the kind in
``apiserver/strategies`` and ``apiserver/validation``; nothing else on the server path knows a kind.
Names, short names, categories and verbs are those that upstream's discovery lists.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Subresource:
    """One subresource of a kind.

    ``kind``/``group``/``version`` name the body it exchanges where that is not the parent (``Scale``, ``Binding``).
    """

    name: str
    verbs: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """One row: a kind in its group and version. ``persisted`` is False for kinds that are only answered (reviews)."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[Subresource, ...] = ()
    persisted: bool = True
    has_generation: bool = False
    """Whether ``metadata.generation`` counts changes of ``spec``."""

    @property
    def api_version(self) -> str:
        """``v1`` for the core group, ``group/version`` otherwise."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        """``PodList`` for ``Pod``."""
        return f"{self.kind}List"

    @property
    def prefix(self) -> str:
        """``/api/v1`` or ``/apis/group/version``."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def qualified(self) -> str:
        """``deployments.apps``, or the bare plural for the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def subresource(self, name: str) -> Subresource | None:
        """The subresource of that name, or None."""
        return next((s for s in self.subresources if s.name == name), None)

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, object or subresource; no namespace means all of them."""
        parts = [self.prefix]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        if name:
            parts.append(name)
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


_STATUS = Subresource("status", ("get", "patch", "update"))
_SCALE = Subresource("scale", ("get", "patch", "update"), kind="Scale", group="autoscaling", version="v1")
_STREAM_VERBS = ("create", "get")

NAMESPACES = Resource(
    "",
    "v1",
    "Namespace",
    "namespaces",
    "namespace",
    namespaced=False,
    short_names=("ns",),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    subresources=(Subresource("finalize", ("update",)), _STATUS),
)
NODES = Resource("", "v1", "Node", "nodes", "node", namespaced=False, short_names=("no",), subresources=(_STATUS,))
PODS = Resource(
    "",
    "v1",
    "Pod",
    "pods",
    "pod",
    namespaced=True,
    short_names=("po",),
    categories=("all",),
    subresources=(
        Subresource("attach", _STREAM_VERBS, kind="PodAttachOptions", version="v1"),
        Subresource("binding", ("create",), kind="Binding", version="v1"),
        Subresource("exec", _STREAM_VERBS, kind="PodExecOptions", version="v1"),
        Subresource("log", ("get",)),
        _STATUS,
    ),
)
SERVICES = Resource(
    "",
    "v1",
    "Service",
    "services",
    "service",
    namespaced=True,
    short_names=("svc",),
    categories=("all",),
    subresources=(_STATUS,),
)
ENDPOINTS = Resource("", "v1", "Endpoints", "endpoints", "endpoints", namespaced=True, short_names=("ep",))
CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", "configmap", namespaced=True, short_names=("cm",))
SECRETS = Resource("", "v1", "Secret", "secrets", "secret", namespaced=True)
SERVICE_ACCOUNTS = Resource(
    "",
    "v1",
    "ServiceAccount",
    "serviceaccounts",
    "serviceaccount",
    namespaced=True,
    short_names=("sa",),
    subresources=(Subresource("token", ("create",), kind="TokenRequest", group="authentication.k8s.io", version="v1"),),
)
EVENTS = Resource("", "v1", "Event", "events", "event", namespaced=True, short_names=("ev",))
BINDINGS = Resource("", "v1", "Binding", "bindings", "binding", namespaced=True, verbs=("create",), persisted=False)

DEPLOYMENTS = Resource(
    "apps",
    "v1",
    "Deployment",
    "deployments",
    "deployment",
    namespaced=True,
    short_names=("deploy",),
    categories=("all",),
    subresources=(_SCALE, _STATUS),
    has_generation=True,
)
REPLICA_SETS = Resource(
    "apps",
    "v1",
    "ReplicaSet",
    "replicasets",
    "replicaset",
    namespaced=True,
    short_names=("rs",),
    categories=("all",),
    subresources=(_SCALE, _STATUS),
    has_generation=True,
)
ENDPOINT_SLICES = Resource(
    "discovery.k8s.io",
    "v1",
    "EndpointSlice",
    "endpointslices",
    "endpointslice",
    namespaced=True,
    has_generation=True,
)
LEASES = Resource("coordination.k8s.io", "v1", "Lease", "leases", "lease", namespaced=True)

ROLES = Resource("rbac.authorization.k8s.io", "v1", "Role", "roles", "role", namespaced=True)
ROLE_BINDINGS = Resource(
    "rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", "rolebinding", namespaced=True
)
CLUSTER_ROLES = Resource(
    "rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", "clusterrole", namespaced=False
)
CLUSTER_ROLE_BINDINGS = Resource(
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRoleBinding",
    "clusterrolebindings",
    "clusterrolebinding",
    namespaced=False,
)


def _review(group: str, kind: str, *, namespaced: bool = False) -> Resource:
    singular = kind.lower()
    return Resource(
        group, "v1", kind, f"{singular}s", singular, namespaced=namespaced, verbs=("create",), persisted=False
    )


TOKEN_REVIEWS = _review("authentication.k8s.io", "TokenReview")
SELF_SUBJECT_REVIEWS = _review("authentication.k8s.io", "SelfSubjectReview")
SUBJECT_ACCESS_REVIEWS = _review("authorization.k8s.io", "SubjectAccessReview")
LOCAL_SUBJECT_ACCESS_REVIEWS = _review("authorization.k8s.io", "LocalSubjectAccessReview", namespaced=True)
SELF_SUBJECT_ACCESS_REVIEWS = _review("authorization.k8s.io", "SelfSubjectAccessReview")
SELF_SUBJECT_RULES_REVIEWS = _review("authorization.k8s.io", "SelfSubjectRulesReview")


@dataclass(frozen=True, slots=True)
class ResourceTable:
    """The rows that a server presents, with the look-ups that routing, owner references and clients need."""

    rows: tuple[Resource, ...]
    _by_plural: dict[tuple[str, str, str], Resource] = field(init=False, repr=False, compare=False)
    _by_kind: dict[tuple[str, str], Resource] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_plural", {(r.group, r.version, r.plural): r for r in self.rows})
        object.__setattr__(self, "_by_kind", {(r.api_version, r.kind): r for r in self.rows})

    def by_plural(self, group: str, version: str, plural: str) -> Resource | None:
        """The row served at that group, version and plural, or None."""
        return self._by_plural.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        """The row of that ``apiVersion`` and ``kind``, or None."""
        return self._by_kind.get((api_version, kind))


BUILT_IN = ResourceTable(
    rows=(
        BINDINGS,
        CONFIG_MAPS,
        ENDPOINTS,
        EVENTS,
        NAMESPACES,
        NODES,
        PODS,
        SECRETS,
        SERVICE_ACCOUNTS,
        SERVICES,
        DEPLOYMENTS,
        REPLICA_SETS,
        SELF_SUBJECT_REVIEWS,
        TOKEN_REVIEWS,
        LOCAL_SUBJECT_ACCESS_REVIEWS,
        SELF_SUBJECT_ACCESS_REVIEWS,
        SELF_SUBJECT_RULES_REVIEWS,
        SUBJECT_ACCESS_REVIEWS,
        LEASES,
        ENDPOINT_SLICES,
        CLUSTER_ROLE_BINDINGS,
        CLUSTER_ROLES,
        ROLE_BINDINGS,
        ROLES,
    )
)
