"""Small questions about a pod's spec that the kubelet's parts share. Pure."""

from __future__ import annotations

from typing import cast

from minikube_py.api.meta import Object, name_of, namespace_of, uid_of

DEFAULT_GRACE_PERIOD_SECONDS = 30


def describe(pod: Object) -> str:
    """``name_namespace(uid)``, as upstream's ``format.Pod``."""
    return f"{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"


def init_containers(pod: Object) -> list[Object]:
    """``spec.initContainers`` with the restartable ones (sidecars) among them."""
    return cast(list[Object], pod["spec"].get("initContainers") or [])


def app_containers(pod: Object) -> list[Object]:
    """``spec.containers``."""
    return cast(list[Object], pod["spec"].get("containers") or [])


def ephemeral_containers(pod: Object) -> list[Object]:
    """``spec.ephemeralContainers``, that are added to a pod that runs, and are never restarted."""
    return cast(list[Object], pod["spec"].get("ephemeralContainers") or [])


def container_named(pod: Object, name: str) -> Object | None:
    """The init, app or ephemeral container of that name, or None."""
    every = (*init_containers(pod), *app_containers(pod), *ephemeral_containers(pod))
    return next((c for c in every if c["name"] == name), None)


def is_sidecar(container: Object) -> bool:
    """Whether this is an init container that keeps running beside the app containers."""
    return container.get("restartPolicy") == "Always"


def restart_policy(pod: Object) -> str:
    """``spec.restartPolicy`` with its default."""
    return cast(str, pod["spec"].get("restartPolicy") or "Always")


def container_field_path(pod: Object, name: str) -> str:
    """``spec.containers{name}`` or the other lists' like, for an event's involvedObject."""
    kind = "containers"
    if any(c["name"] == name for c in init_containers(pod)):
        kind = "initContainers"
    elif any(c["name"] == name for c in ephemeral_containers(pod)):
        kind = "ephemeralContainers"
    return f"spec.{kind}{{{name}}}"


def deletion_grace_period(pod: Object) -> int:
    """Seconds that a deleted pod's containers have, by the deletion request or else the spec."""
    requested = pod["metadata"].get("deletionGracePeriodSeconds")
    if requested is not None:
        return int(requested)
    return spec_grace_period(pod)


def spec_grace_period(pod: Object) -> int:
    """``spec.terminationGracePeriodSeconds`` with its default."""
    value = pod["spec"].get("terminationGracePeriodSeconds")
    return DEFAULT_GRACE_PERIOD_SECONDS if value is None else int(value)


def resolved_port(container: Object, port: int | str) -> int:
    """The number of a port given by number or by the name of one of the container's ports. Raises ValueError."""
    if isinstance(port, int):
        return port
    for declared in container.get("ports") or []:
        if declared.get("name") == port:
            return int(declared["containerPort"])
    if port.isdigit():
        return int(port)
    raise ValueError(f"couldn't find port: {port} in container {container.get('name', '')}")
