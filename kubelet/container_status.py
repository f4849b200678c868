"""A container's entry in the pod's status. Pure; follows upstream's ``convertToAPIContainerStatuses``."""

from __future__ import annotations

from kubelet.observation import Failure, Observation
from kubelet.pod import init_containers, is_sidecar
from kubelet.probes.state import Result
from kubelet.runtime import ContainerState, ContainerStatus
from minikube_py.api.meta import Object
from minikube_py.api.times import format_time

DEFAULT_WAITING = "ContainerCreating"
INITIALIZING = "PodInitializing"
STATUS_UNKNOWN = "ContainerStatusUnknown"
_UNKNOWN_EXIT_CODE = 137
_UNKNOWN_MESSAGE = "The container could not be located when the pod was terminated"


def container_status(o: Observation, container: Object, failure: Failure | None, *, will_restart: bool) -> Object:
    """The entry. ``failure`` is why the container waits, ``will_restart`` whether a dead one will be launched again."""
    name = container["name"]
    previous = _previous(o.previous_status, name)
    newest = o.newest(name)
    if newest is None:
        state, last_state, restarts = _without_container(o, previous)
    else:
        state = _state(o, newest)
        last_state = _last_state(o, newest, previous)
        restarts = newest.attempt
    if failure is not None and "running" not in state and (will_restart or "terminated" not in state):
        if "terminated" in state:
            last_state = state
        state = {"waiting": {"reason": failure.reason, "message": failure.message}}
    elif "terminated" in state and f"launch/{name}" in o.under_way and "waiting" in (previous.get("state") or {}):
        last_state, state = state, previous["state"]
    ready, started = _ready(o, container, newest, state)
    status: Object = {
        "name": name,
        "state": state,
        "lastState": last_state,
        "ready": ready,
        "restartCount": restarts,
        "image": (newest.image if newest is not None and newest.image else container.get("image", "")),
        "imageID": newest.image_id if newest is not None else previous.get("imageID", ""),
        "started": started,
    }
    identity = f"docker://{newest.id}" if newest is not None and newest.started_at else previous.get("containerID")
    if identity:
        status["containerID"] = identity
    mounts = [_mount(m) for m in container.get("volumeMounts") or []]
    if mounts:
        status["volumeMounts"] = mounts
    return status


def ephemeral_container_status(o: Observation, container: Object, failure: Failure | None) -> Object:
    """The entry of an ephemeral container, which is never ready and never restarted."""
    status = container_status(o, container, failure, will_restart=False)
    status["ready"] = False
    del status["started"]
    return status


def _previous(pod_status: Object, name: str) -> Object:
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for status in pod_status.get(field) or []:
            if status["name"] == name:
                return dict(status)
    return {}


def _mount(mount: Object) -> Object:
    shown: Object = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if mount.get("readOnly"):
        shown["readOnly"] = True
        shown["recursiveReadOnly"] = "Disabled"
    return shown


def default_waiting(pod: Object) -> Object:
    """The state of a container that nothing is known of yet."""
    return {"waiting": {"reason": INITIALIZING if init_containers(pod) else DEFAULT_WAITING}}


def _without_container(o: Observation, previous: Object) -> tuple[Object, Object, int]:
    state = previous.get("state") or {}
    last_state = previous.get("lastState") or {}
    restarts = int(previous.get("restartCount") or 0)
    if "terminated" in state:
        return state, last_state, restarts
    if "running" in state:
        lost: Object = {
            "terminated": {
                "exitCode": _UNKNOWN_EXIT_CODE,
                "reason": STATUS_UNKNOWN,
                "message": _UNKNOWN_MESSAGE,
                "startedAt": None,
                "finishedAt": None,
            }
        }
        return (lost, last_state, restarts) if o.stop is not None else (default_waiting(o.pod), lost, restarts)
    return default_waiting(o.pod), last_state, restarts


def _state(o: Observation, container: ContainerStatus) -> Object:
    match container.state:
        case ContainerState.RUNNING if f"launch/{container.name}" not in o.under_way:
            started = container.started_at or container.created_at
            return {"running": {"startedAt": format_time(started)}}
        case ContainerState.EXITED:
            return terminated(container, o.termination_messages.get(container.id, ""))
        case ContainerState.UNKNOWN:
            return {"terminated": {"exitCode": _UNKNOWN_EXIT_CODE, "reason": STATUS_UNKNOWN}}
    return default_waiting(o.pod)


def terminated(container: ContainerStatus, message: str) -> Object:
    """The ``terminated`` state of an exited container."""
    state: Object = {
        "exitCode": container.exit_code,
        "reason": container.reason or ("Completed" if container.exit_code == 0 else "Error"),
        "startedAt": format_time(container.started_at) if container.started_at else None,
        "finishedAt": format_time(container.finished_at) if container.finished_at else None,
        "containerID": f"docker://{container.id}",
    }
    text = message or container.message
    if text:
        state["message"] = text
    return {"terminated": state}


def _last_state(o: Observation, newest: ContainerStatus, previous: Object) -> Object:
    assert o.runtime is not None
    for container in o.runtime.containers:
        if container.name == newest.name and container.attempt < newest.attempt:
            if container.state is ContainerState.EXITED:
                return terminated(container, o.termination_messages.get(container.id, ""))
            break
    if int(previous.get("restartCount") or 0) < newest.attempt and "terminated" in (previous.get("state") or {}):
        return dict(previous["state"])
    return dict(previous.get("lastState") or {})


def _ready(o: Observation, container: Object, newest: ContainerStatus | None, state: Object) -> tuple[bool, bool]:
    """``(ready, started)``."""
    initializing = container in init_containers(o.pod) and not is_sidecar(container)
    if "running" in state and newest is not None:
        results = o.results(newest)
        started = results.startup is Result.SUCCESS
        return (not initializing and started and results.readiness is Result.SUCCESS), started
    if initializing and "terminated" in state:
        return state["terminated"]["exitCode"] == 0, False
    return False, False
