"""Validation of what a pod may say on the operating system it names, and of users of its own."""

from __future__ import annotations

from collections.abc import Iterator

from minikube_py.api.errors import FieldError, field_forbidden, field_not_supported, field_required
from minikube_py.api.meta import Object

_SYSTEMS = ("linux", "windows")
_LINUX_POD_FIELDS = ("hostUsers", "hostPID", "hostIPC", "shareProcessNamespace")
_LINUX_POD_CONTEXT = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxChangePolicy",
)
_LINUX_CONTAINER_CONTEXT = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
)
_NOT_ON_WINDOWS = "cannot be set for a windows pod"
_NOT_ON_LINUX = "windows options cannot be set for a linux pod"


def operating_system(path: str, spec: Object) -> Iterator[FieldError]:
    """The system that ``spec.os`` names, and no field that means nothing there."""
    name = spec["os"].get("name") or ""
    if not name:
        yield field_required(f"{path}.os.name")
    elif name not in _SYSTEMS:
        yield field_not_supported(f"{path}.os.name", name, _SYSTEMS)
    contexts: list[tuple[str, Object, tuple[str, ...]]] = [
        (f"{path}.securityContext", spec.get("securityContext") or {}, _LINUX_POD_CONTEXT)
    ]
    for key in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(key) or []):
            here = f"{path}.{key}[{index}].securityContext"
            contexts.append((here, container.get("securityContext") or {}, _LINUX_CONTAINER_CONTEXT))
    if name == "linux":
        for here, context, _ in contexts:
            if context.get("windowsOptions") is not None:
                yield field_forbidden(f"{here}.windowsOptions", _NOT_ON_LINUX)
    elif name == "windows":
        for key in _LINUX_POD_FIELDS:
            if spec.get(key) is not None:
                yield field_forbidden(f"{path}.{key}", _NOT_ON_WINDOWS)
        for here, context, keys in contexts:
            for key in keys:
                if context.get(key) is not None:
                    yield field_forbidden(f"{here}.{key}", _NOT_ON_WINDOWS)


def own_users(path: str, spec: Object) -> Iterator[FieldError]:
    """A pod with users of its own shares no other namespace with the host."""
    for key, shown in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(key):
            yield field_forbidden(f"{path}.{shown}", "when `pod.Spec.HostUsers` is false")
