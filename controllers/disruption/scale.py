"""How many pods the controllers of some pods want in all; pure.

Follows ``getExpectedScale`` of ``k8s.io/kubernetes/pkg/controller/disruption``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from minikube_py.api.meta import Object, controller_of, join_key, name_of, namespace_of, uid_of
from minikube_py.api.resources import (
    DEPLOYMENTS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
    Resource,
    ResourceTable,
)

SCALED = (REPLICATION_CONTROLLERS, REPLICA_SETS, STATEFUL_SETS, DEPLOYMENTS)
"""The kinds that say how many pods they want."""
Find = Callable[[Resource, str], Object | None]
"""The object of a kind in :data:`SCALED` under ``namespace/name``, or None."""


class NoScale(Exception):
    """It cannot be told how many pods a controller wants."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How many pods are wanted in all, and the names of pods that nobody controls."""

    expected: int
    unmanaged: tuple[str, ...] = ()


def expected_scale(pods: Iterable[Object], find: Find, table: ResourceTable) -> Scale:
    """The wanted replicas of all controllers of the pods, each counted once. Raises NoScale."""
    replicas: dict[str, int] = {}
    looked_at: set[str] = set()
    unmanaged = []
    for pod in pods:
        reference = controller_of(pod)
        if reference is None:
            unmanaged.append(name_of(pod))
            continue
        if reference["uid"] in looked_at:
            continue
        looked_at.add(reference["uid"])
        controller = _controller(reference, namespace_of(pod), find, table)
        if controller is None:
            raise NoScale(f'found no controllers for pod "{name_of(pod)}"')
        wanted = controller["spec"].get("replicas")
        replicas[uid_of(controller)] = 1 if wanted is None else int(wanted)
    return Scale(sum(replicas.values()), tuple(unmanaged))


def _controller(reference: Object, namespace: str, find: Find, table: ResourceTable) -> Object | None:
    """Who wants a number of pods: a replica set's deployment where it has one, else the controller itself."""
    api_version, kind = reference.get("apiVersion", ""), reference.get("kind", "")
    resource = table.by_kind(api_version, kind)
    if resource is None:
        raise NoScale(f'no matches for kind "{kind}" in version "{api_version}"')
    if resource not in SCALED:
        name = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
        raise NoScale(f"{name} does not implement the scale subresource")
    controller = _referred(resource, reference, namespace, find)
    above = controller_of(controller) if controller is not None and resource == REPLICA_SETS else None
    if above is not None and table.by_kind(above.get("apiVersion", ""), above.get("kind", "")) == DEPLOYMENTS:
        return _referred(DEPLOYMENTS, above, namespace, find) or controller
    return controller


def _referred(resource: Resource, reference: Object, namespace: str, find: Find) -> Object | None:
    found = find(resource, join_key(namespace, reference["name"]))
    return found if found is not None and uid_of(found) == reference["uid"] else None
