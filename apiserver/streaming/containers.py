"""Which container of a pod a stream is with, in upstream's words. Pure."""

from __future__ import annotations

from minikube_py.api.errors import BadRequest
from minikube_py.api.meta import Object, name_of


def _names(pod: Object, kind: str) -> list[str]:
    return [container["name"] for container in (pod.get("spec") or {}).get(kind) or ()]


def choose_container(pod: Object, wanted: str) -> str:
    """The container named, or the only one there is. Raises BadRequest."""
    containers = _names(pod, "containers")
    init, ephemeral = _names(pod, "initContainers"), _names(pod, "ephemeralContainers")
    name = name_of(pod)
    if wanted:
        if wanted in (*containers, *init, *ephemeral):
            return wanted
        raise BadRequest(f"container {wanted} is not valid for pod {name}")
    if len(containers) == 1:
        return containers[0]
    if not containers:
        raise BadRequest(f"a container name must be specified for pod {name}")
    message = f"a container name must be specified for pod {name}, choose one of: [{' '.join(containers)}]"
    if init:
        message += f" or one of the init containers: [{' '.join(init)}]"
    if ephemeral:
        message += f" or one of the ephemeral containers: [{' '.join(ephemeral)}]"
    raise BadRequest(message)
