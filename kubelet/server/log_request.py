"""What a request for logs asks, and which container's log it means.

Pure; follows upstream's ``validateContainerLogStatus``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelet.runtime import LogOptions
from minikube_py.api.meta import Object
from minikube_py.api.times import parse_time

_RUNTIME_SCHEME = "docker://"
_WAITING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


class InvalidLogRequest(ValueError):
    """A query that cannot be; ``str`` names the parameter and the cause."""


class LogUnavailable(Exception):
    """There is no log to show; ``str`` is upstream's text."""


@dataclass(frozen=True, slots=True)
class LogRequest:
    """The query's meaning; ``limit_bytes`` None means all."""

    options: LogOptions
    previous: bool = False
    limit_bytes: int | None = None


def parse(query: Mapping[str, str], now: datetime) -> LogRequest:
    """The query parameters of ``/containerLogs``, as the API's ``PodLogOptions``. Raises InvalidLogRequest."""
    tail = _number(query, "tailLines", least=0)
    limit = _number(query, "limitBytes", least=1)
    seconds = _number(query, "sinceSeconds", least=1)
    since = now - timedelta(seconds=seconds) if seconds is not None else None
    if query.get("sinceTime"):
        if seconds is not None:
            raise InvalidLogRequest("at most one of `sinceTime` or `sinceSeconds` may be specified")
        try:
            since = parse_time(query["sinceTime"])
        except ValueError as error:
            raise InvalidLogRequest(f"sinceTime: Invalid value: {query['sinceTime']!r}: {error}") from error
    options = LogOptions(
        follow=_flag(query, "follow"), tail_lines=tail, since=since, timestamps=_flag(query, "timestamps")
    )
    return LogRequest(options, _flag(query, "previous"), limit)


def _flag(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "")
    if text.lower() in ("", "0", "f", "false"):
        return False
    if text.lower() in ("1", "t", "true"):
        return True
    raise InvalidLogRequest(f"{name}: Invalid value: {text!r}: must be a boolean")


def _number(query: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        number = int(text)
    except ValueError as error:
        raise InvalidLogRequest(f"{name}: Invalid value: {text!r}: must be an integer") from error
    if number < least:
        cause = "must be greater than or equal to 0" if least == 0 else "must be greater than 0"
        raise InvalidLogRequest(f"{name}: Invalid value: {number}: {cause}")
    return number


def container_spec(pod: Object, name: str) -> Object | None:
    """The init, app or ephemeral container of that name."""
    spec = pod["spec"]
    lists = (spec.get(field) or () for field in ("initContainers", "containers", "ephemeralContainers"))
    return next((container for found in lists for container in found if container["name"] == name), None)


def container_status(pod: Object, name: str) -> Object | None:
    """Its entry in the pod's status."""
    status = pod.get("status") or {}
    fields = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    lists = (status.get(field) or () for field in fields)
    return next((container for found in lists for container in found if container["name"] == name), None)


def log_container_id(pod: Object, name: str, *, previous: bool) -> str:
    """The id of the container whose log is meant: the newest that ran, or the one before. Raises LogUnavailable."""
    pod_name = pod["metadata"]["name"]
    shown = f'container "{name}" in pod "{pod_name}"'
    status = container_status(pod, name)
    if status is None:
        raise LogUnavailable(f"{shown} is not available")
    state = status.get("state") or {}
    terminated = state.get("terminated")
    ended_before = _id((status.get("lastState") or {}).get("terminated"))
    if previous:
        if not ended_before:
            raise LogUnavailable(f"previous terminated {shown} not found")
        return ended_before
    if "running" in state:
        return _id(status)
    if terminated is not None or (status.get("lastState") or {}).get("terminated") is not None:
        found = _id(terminated) or ended_before
        if not found:
            raise LogUnavailable(f"{shown} is terminated")
        return found
    if "waiting" in state:
        reason = (state["waiting"] or {}).get("reason", "")
        raise LogUnavailable(f"{shown} is waiting to start: {_WAITING.get(reason, reason)}")
    raise LogUnavailable(f"{shown} is waiting to start - no logs yet")


def running_container_id(pod: Object, name: str) -> str | None:
    """The id of the container if it runs."""
    status = container_status(pod, name)
    if status is None or "running" not in (status.get("state") or {}):
        return None
    return _id(status) or None


def _id(entry: Object | None) -> str:
    return str((entry or {}).get("containerID") or "").removeprefix(_RUNTIME_SCHEME)
