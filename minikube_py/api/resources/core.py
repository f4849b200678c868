"""The kinds of the core group."""

from __future__ import annotations

from minikube_py.api.resources.model import Resource, Subresource
from minikube_py.api.resources.subresources import FORWARDED, READ_WRITE, SCALE, STATUS, STREAM

_ALL = ("all",)


def _core(
    kind: str,
    plural: str,
    *short_names: str,
    subresources: tuple[Subresource, ...] = (),
    categories: tuple[str, ...] = (),
    has_generation: bool = False,
    namespaced: bool = True,
) -> Resource:
    return Resource(
        "",
        "v1",
        kind,
        plural,
        kind.lower(),
        namespaced=namespaced,
        short_names=short_names,
        categories=categories,
        subresources=subresources,
        has_generation=has_generation,
    )


BINDINGS = Resource("", "v1", "Binding", "bindings", "binding", namespaced=True, verbs=("create",), persisted=False)
COMPONENT_STATUSES = Resource(
    "",
    "v1",
    "ComponentStatus",
    "componentstatuses",
    "componentstatus",
    namespaced=False,
    short_names=("cs",),
    verbs=("get", "list"),
    persisted=False,
)
CONFIG_MAPS = _core("ConfigMap", "configmaps", "cm")
ENDPOINTS = _core("Endpoints", "endpoints", "ep")
EVENTS = _core("Event", "events", "ev")
LIMIT_RANGES = _core("LimitRange", "limitranges", "limits")
NAMESPACES = Resource(
    "",
    "v1",
    "Namespace",
    "namespaces",
    "namespace",
    namespaced=False,
    short_names=("ns",),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    subresources=(Subresource("finalize", ("update",)), STATUS),
)
NODES = _core(
    "Node",
    "nodes",
    "no",
    namespaced=False,
    subresources=(Subresource("proxy", FORWARDED, kind="NodeProxyOptions", version="v1"), STATUS),
)
PERSISTENT_VOLUME_CLAIMS = _core("PersistentVolumeClaim", "persistentvolumeclaims", "pvc", subresources=(STATUS,))
PERSISTENT_VOLUMES = _core("PersistentVolume", "persistentvolumes", "pv", namespaced=False, subresources=(STATUS,))
PODS = _core(
    "Pod",
    "pods",
    "po",
    categories=_ALL,
    subresources=(
        Subresource("attach", STREAM, kind="PodAttachOptions", version="v1"),
        Subresource("binding", ("create",), kind="Binding", version="v1"),
        Subresource("ephemeralcontainers", READ_WRITE),
        Subresource("eviction", ("create",), kind="Eviction", group="policy", version="v1"),
        Subresource("exec", STREAM, kind="PodExecOptions", version="v1"),
        Subresource("log", ("get",)),
        Subresource("portforward", STREAM, kind="PodPortForwardOptions", version="v1"),
        Subresource("proxy", FORWARDED, kind="PodProxyOptions", version="v1"),
        Subresource("resize", READ_WRITE, since=33),
        STATUS,
    ),
)
POD_TEMPLATES = _core("PodTemplate", "podtemplates", has_generation=True)
REPLICATION_CONTROLLERS = _core(
    "ReplicationController",
    "replicationcontrollers",
    "rc",
    categories=_ALL,
    subresources=(SCALE, STATUS),
    has_generation=True,
)
RESOURCE_QUOTAS = _core("ResourceQuota", "resourcequotas", "quota", subresources=(STATUS,))
SECRETS = _core("Secret", "secrets")
SERVICE_ACCOUNTS = _core(
    "ServiceAccount",
    "serviceaccounts",
    "sa",
    subresources=(Subresource("token", ("create",), kind="TokenRequest", group="authentication.k8s.io", version="v1"),),
)
SERVICES = _core(
    "Service",
    "services",
    "svc",
    categories=_ALL,
    subresources=(Subresource("proxy", FORWARDED, kind="ServiceProxyOptions", version="v1"), STATUS),
)

CORE = (
    BINDINGS,
    COMPONENT_STATUSES,
    CONFIG_MAPS,
    ENDPOINTS,
    EVENTS,
    LIMIT_RANGES,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    POD_TEMPLATES,
    REPLICATION_CONTROLLERS,
    RESOURCE_QUOTAS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
