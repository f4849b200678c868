"""The printers of Deployment and ReplicaSet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, NONE, Column, Printer, age, documented
from minikube_py.api.meta import Object, name_of
from minikube_py.api.selectors import LabelSelector

_CONTAINERS = Column("Containers", "Names of each container in the template.", priority=1)
_IMAGES = Column("Images", "Images referenced by each container in the template.", priority=1)

DEPLOYMENT_COLUMNS = (
    NAME,
    Column("Ready", "Number of the pod with ready state"),
    Column("Up-to-date", documented("apps.v1.DeploymentStatus", "updatedReplicas")),
    Column("Available", documented("apps.v1.DeploymentStatus", "availableReplicas")),
    AGE,
    _CONTAINERS,
    _IMAGES,
    Column("Selector", documented("apps.v1.DeploymentSpec", "selector"), priority=1),
)

REPLICA_SET_COLUMNS = (
    NAME,
    Column("Desired", documented("apps.v1.ReplicaSetSpec", "replicas"), type="integer"),
    Column("Current", documented("apps.v1.ReplicaSetStatus", "replicas"), type="integer"),
    Column("Ready", documented("apps.v1.ReplicaSetStatus", "readyReplicas"), type="integer"),
    AGE,
    _CONTAINERS,
    _IMAGES,
    Column("Selector", documented("apps.v1.ReplicaSetSpec", "selector"), priority=1),
)


def deployment_cells(deployment: Object, now: datetime) -> list[Any]:
    """Name, ready of desired, updated, available, age, containers, images and selector."""
    spec, status = deployment.get("spec") or {}, deployment.get("status") or {}
    return [
        name_of(deployment),
        f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}",
        status.get("updatedReplicas") or 0,
        status.get("availableReplicas") or 0,
        age(deployment, now),
        *_template_cells(spec),
    ]


def replica_set_cells(replica_set: Object, now: datetime) -> list[Any]:
    """Name, desired, current, ready, age, containers, images and selector."""
    spec, status = replica_set.get("spec") or {}, replica_set.get("status") or {}
    return [
        name_of(replica_set),
        spec.get("replicas") or 0,
        status.get("replicas") or 0,
        status.get("readyReplicas") or 0,
        age(replica_set, now),
        *_template_cells(spec),
    ]


def _template_cells(spec: Object) -> list[str]:
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or []
    return [
        ",".join(container.get("name", "") for container in containers),
        ",".join(container.get("image", "") for container in containers),
        str(LabelSelector.from_object(spec.get("selector"))) or NONE,
    ]


PRINTERS = {
    ("apps", "Deployment"): Printer(DEPLOYMENT_COLUMNS, deployment_cells),
    ("apps", "ReplicaSet"): Printer(REPLICA_SET_COLUMNS, replica_set_cells),
}
