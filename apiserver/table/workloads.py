"""The printers of the workloads that keep pods running, and of what they are made from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, NONE, Column, Printer, age, documented, format_labels
from minikube_py.api.meta import Object, labels_of, name_of, owner_references
from minikube_py.api.selectors import LabelSelector

CONTAINERS = Column("Containers", "Names of each container in the template.", priority=1)
IMAGES = Column("Images", "Images referenced by each container in the template.", priority=1)

DEPLOYMENT_COLUMNS = (
    NAME,
    Column("Ready", "Number of the pod with ready state"),
    Column("Up-to-date", documented("apps.v1.DeploymentStatus", "updatedReplicas")),
    Column("Available", documented("apps.v1.DeploymentStatus", "availableReplicas")),
    AGE,
    CONTAINERS,
    IMAGES,
    Column("Selector", documented("apps.v1.DeploymentSpec", "selector"), priority=1),
)

REPLICA_SET_COLUMNS = (
    NAME,
    Column("Desired", documented("apps.v1.ReplicaSetSpec", "replicas"), type="integer"),
    Column("Current", documented("apps.v1.ReplicaSetStatus", "replicas"), type="integer"),
    Column("Ready", documented("apps.v1.ReplicaSetStatus", "readyReplicas"), type="integer"),
    AGE,
    CONTAINERS,
    IMAGES,
    Column("Selector", documented("apps.v1.ReplicaSetSpec", "selector"), priority=1),
)

STATEFUL_SET_COLUMNS = (NAME, Column("Ready", "Number of the pod with ready state"), AGE, CONTAINERS, IMAGES)


def _daemon_set_column(name: str, field: str) -> Column:
    return Column(name, documented("apps.v1.DaemonSetStatus", field), type="integer")


DAEMON_SET_COLUMNS = (
    NAME,
    _daemon_set_column("Desired", "desiredNumberScheduled"),
    _daemon_set_column("Current", "currentNumberScheduled"),
    _daemon_set_column("Ready", "numberReady"),
    _daemon_set_column("Up-to-date", "updatedNumberScheduled"),
    _daemon_set_column("Available", "numberAvailable"),
    Column("Node Selector", documented("core.v1.PodSpec", "nodeSelector")),
    AGE,
    CONTAINERS,
    IMAGES,
    Column("Selector", documented("apps.v1.DaemonSetSpec", "selector"), priority=1),
)

REPLICATION_CONTROLLER_COLUMNS = (
    NAME,
    Column("Desired", documented("core.v1.ReplicationControllerSpec", "replicas"), type="integer"),
    Column("Current", documented("core.v1.ReplicationControllerStatus", "replicas"), type="integer"),
    Column("Ready", documented("core.v1.ReplicationControllerStatus", "readyReplicas"), type="integer"),
    AGE,
    CONTAINERS,
    IMAGES,
    Column("Selector", documented("core.v1.ReplicationControllerSpec", "selector"), priority=1),
)

POD_TEMPLATE_COLUMNS = (
    NAME,
    Column("Containers", "Names of each container in the template."),
    Column("Images", "Images referenced by each container in the template."),
    Column("Pod Labels", "The labels for the pod template."),
)

CONTROLLER_REVISION_COLUMNS = (
    NAME,
    Column("Controller", "Controller of the object"),
    Column("Revision", documented("apps.v1.ControllerRevision", "revision")),
    AGE,
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
        *template_cells(spec),
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
        *template_cells(spec),
    ]


def stateful_set_cells(stateful_set: Object, now: datetime) -> list[Any]:
    """Name, ready of desired, age, containers and images."""
    spec, status = stateful_set.get("spec") or {}, stateful_set.get("status") or {}
    return [
        name_of(stateful_set),
        f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}",
        age(stateful_set, now),
        *container_cells(spec),
    ]


def daemon_set_cells(daemon_set: Object, now: datetime) -> list[Any]:
    """Name, desired, current, ready, updated, available, node selector, age, containers, images and selector."""
    spec, status = daemon_set.get("spec") or {}, daemon_set.get("status") or {}
    pod_spec = (spec.get("template") or {}).get("spec") or {}
    return [
        name_of(daemon_set),
        status.get("desiredNumberScheduled") or 0,
        status.get("currentNumberScheduled") or 0,
        status.get("numberReady") or 0,
        status.get("updatedNumberScheduled") or 0,
        status.get("numberAvailable") or 0,
        format_labels(pod_spec.get("nodeSelector")),
        age(daemon_set, now),
        *template_cells(spec),
    ]


def replication_controller_cells(controller: Object, now: datetime) -> list[Any]:
    """Name, desired, current, ready, age, containers, images and selector."""
    spec, status = controller.get("spec") or {}, controller.get("status") or {}
    return [
        name_of(controller),
        spec.get("replicas") or 0,
        status.get("replicas") or 0,
        status.get("readyReplicas") or 0,
        age(controller, now),
        *container_cells(spec),
        format_labels(spec.get("selector")),
    ]


def pod_template_cells(template: Object, now: datetime) -> list[Any]:
    """Name, containers, images and labels of the pods."""
    return [name_of(template), *container_cells(template), format_labels(labels_of(template.get("template") or {}))]


def controller_revision_cells(revision: Object, now: datetime) -> list[Any]:
    """Name, the object it is a revision of, its number, age."""
    owner = next((reference for reference in owner_references(revision) if reference.get("controller")), None)
    return [
        name_of(revision),
        _resource_name(owner) if owner else NONE,
        revision.get("revision") or 0,
        age(revision, now),
    ]


def _resource_name(reference: Object) -> str:
    group = reference.get("apiVersion", "").rpartition("/")[0]
    kind = reference.get("kind", "").lower()
    return f"{kind}.{group}/{reference.get('name')}" if group else f"{kind}/{reference.get('name')}"


def container_cells(spec: Object) -> list[str]:
    """The names and the images of a pod template's containers."""
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or []
    return [
        ",".join(container.get("name", "") for container in containers),
        ",".join(container.get("image", "") for container in containers),
    ]


def template_cells(spec: Object) -> list[str]:
    """The names and the images of a pod template's containers, and the selector beside it."""
    return [*container_cells(spec), str(LabelSelector.from_object(spec.get("selector"))) or NONE]


PRINTERS = {
    ("", "PodTemplate"): Printer(POD_TEMPLATE_COLUMNS, pod_template_cells),
    ("", "ReplicationController"): Printer(REPLICATION_CONTROLLER_COLUMNS, replication_controller_cells),
    ("apps", "ControllerRevision"): Printer(CONTROLLER_REVISION_COLUMNS, controller_revision_cells),
    ("apps", "DaemonSet"): Printer(DAEMON_SET_COLUMNS, daemon_set_cells),
    ("apps", "Deployment"): Printer(DEPLOYMENT_COLUMNS, deployment_cells),
    ("apps", "ReplicaSet"): Printer(REPLICA_SET_COLUMNS, replica_set_cells),
    ("apps", "StatefulSet"): Printer(STATEFUL_SET_COLUMNS, stateful_set_cells),
}
