"""The APIService of every group and version that this server answers itself.

Follows ``k8s.io/kubernetes/pkg/controlplane/apiserver`` and kube-aggregator's auto-registration: they are labelled as
registered at start, and one that is no longer served is taken away at the next start.
"""

from __future__ import annotations

from functools import partial

from apiserver.bootstrap.ensure import SERVER, ensure, ensure_all
from apiserver.core import Core, Operation
from apiserver.handlers.delete import delete_object
from apiserver.handlers.options import DeleteOptions
from minikube_py.api.errors import NotFound
from minikube_py.api.meta import Object, labels_of, name_of
from minikube_py.api.resources import API_SERVICES

LABEL, AT_START = "kube-aggregator.kubernetes.io/automanaged", "onstart"
_GROUP = "apiregistration.k8s.io"
_GROUP_PRIORITIES = {
    "": 18000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
    "internal.apiserver.k8s.io": 16000,
    "resource.k8s.io": 15900,
}
_LOWEST_GROUP = 15700
_VERSION_PRIORITIES = {("", "v1"): 1, ("autoscaling", "v2"): 30, ("flowcontrol.apiserver.k8s.io", "v1"): 21}
_STABLE_VERSION = 15


async def ensure_api_services(core: Core) -> None:
    """Creates what is missing, puts the specs right and takes away what is not served. Raises ApiError, StoreError."""
    wanted = {name_of(obj): obj for obj in api_services({(row.group, row.version) for row in core.table.rows})}
    gone = [
        item.name
        for item in core.caches[API_SERVICES].list().items
        if item.name not in wanted and item.labels.get(LABEL) == AT_START
    ]
    await ensure_all(
        [
            *(ensure(core, API_SERVICES, obj, partial(reconciled, wanted=obj)) for obj in wanted.values()),
            *(_remove(core, name) for name in gone),
        ]
    )


def api_services(served: set[tuple[str, str]]) -> list[Object]:
    """The APIServices of these groups and versions, but that of the APIServices themselves. Pure."""
    return [_api_service(group, version) for group, version in sorted(served) if group != _GROUP]


def reconciled(old: Object, wanted: Object) -> Object:
    """The stored one with the wanted spec and label; one that leads to somebody's Service is left alone. Pure."""
    if (old.get("spec") or {}).get("service") is not None:
        return old
    labels = {**labels_of(old), LABEL: AT_START}
    return {**old, "metadata": {**old["metadata"], "labels": labels}, "spec": wanted["spec"]}


def _api_service(group: str, version: str) -> Object:
    return {
        "kind": "APIService",
        "apiVersion": "apiregistration.k8s.io/v1",
        "metadata": {"name": f"{version}.{group}", "labels": {LABEL: AT_START}},
        "spec": {
            **({"group": group} if group else {}),
            "version": version,
            "groupPriorityMinimum": _GROUP_PRIORITIES.get(group, _LOWEST_GROUP),
            "versionPriority": _VERSION_PRIORITIES.get((group, version), _STABLE_VERSION),
        },
    }


async def _remove(core: Core, name: str) -> None:
    try:
        await delete_object(Operation(core, SERVER, API_SERVICES, "", name), DeleteOptions())
    except NotFound:
        return
