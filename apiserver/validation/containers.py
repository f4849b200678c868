"""Validation of containers, init containers and ephemeral containers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apiserver.validation.environment import environment, environment_from
from apiserver.validation.names import dns_label as check_label
from apiserver.validation.names import each_message, port_name_messages, port_number
from apiserver.validation.paths import local_path, no_backsteps
from apiserver.validation.probes import PROBES, lifecycle, probes
from apiserver.validation.resources import resource_requirements
from apiserver.validation.security import container_security_context
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_found,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object

PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
_PROPAGATIONS = ("None", "HostToContainer", "Bidirectional")
_CLAIMS = ("persistentVolumeClaim", "ephemeral")


@dataclass(frozen=True, slots=True)
class PodContext:
    """What the validation of a container needs to know of its pod."""

    volumes: Mapping[str, Object]
    grace_period: int | None
    standalone: bool
    """Whether this is a Pod, and not a template."""
    restart_policy: str = "Always"
    claims: frozenset[str] = frozenset()
    """The names of the pod's resource claims."""
    host_users: bool = True


def containers(path: str, items: list[Object], pod: PodContext) -> Iterator[FieldError]:
    """The regular containers: at least one, with unique names."""
    if not items:
        yield field_required(path)
        return
    seen: set[str] = set()
    for index, container in enumerate(items):
        here = f"{path}[{index}]"
        yield from _common(here, container, pod)
        yield from _unique(f"{here}.name", container.get("name") or "", seen)
        yield from lifecycle(f"{here}.lifecycle", container.get("lifecycle"), pod.grace_period)
        yield from probes(here, container)
        if container.get("restartPolicy") is not None:
            yield field_forbidden(f"{here}.restartPolicy", "may not be set for non-init containers")
    yield from _host_port_conflicts(path, items)


def init_containers(path: str, items: list[Object], regular: list[Object], pod: PodContext) -> Iterator[FieldError]:
    """Init containers, whose names differ from those of regular containers too; sidecars may have probes."""
    seen = {container.get("name") or "" for container in regular}
    for index, container in enumerate(items):
        here = f"{path}[{index}]"
        yield from _common(here, container, pod)
        policy = container.get("restartPolicy")
        if policy is not None and policy != "Always":
            yield field_not_supported(f"{here}.restartPolicy", policy, ("Always",))
        yield from _unique(f"{here}.name", container.get("name") or "", seen)
        yield from _host_port_conflicts(path, [container])
        if policy == "Always":
            yield from lifecycle(f"{here}.lifecycle", container.get("lifecycle"), pod.grace_period)
            yield from probes(here, container)
            continue
        if container.get("resizePolicy"):
            detail = "must not be set for init containers"
            yield field_invalid(f"{here}.resizePolicy", container["resizePolicy"], detail)
        for key in ("lifecycle", *PROBES):
            if container.get(key) is not None:
                detail = "may not be set for init containers without restartPolicy=Always"
                yield field_forbidden(f"{here}.{key}", detail)


def ephemeral_containers(path: str, items: list[Object], others: list[Object], pod: PodContext) -> Iterator[FieldError]:
    """Ephemeral containers, which lack ports, probes, resources and lifecycle."""
    targets = {container.get("name") or "" for container in others}
    seen = set(targets)
    for index, container in enumerate(items):
        here = f"{path}[{index}]"
        yield from _common(here, container, pod)
        yield from _unique(f"{here}.name", container.get("name") or "", seen)
        target = container.get("targetContainerName")
        if target and target not in targets:
            yield field_not_found(f"{here}.targetContainerName", target)
        for key in ("ports", *PROBES, "lifecycle", "resources", "resizePolicy", "restartPolicy"):
            if container.get(key):
                yield field_forbidden(f"{here}.{key}", "cannot be set for an Ephemeral Container")
        for position, mount in enumerate(container.get("volumeMounts") or []):
            for key in ("subPath", "subPathExpr"):
                if mount.get(key):
                    where = f"{here}.volumeMounts[{position}].{key}"
                    yield field_forbidden(where, "cannot be set for an Ephemeral Container")


def _common(path: str, container: Object, pod: PodContext) -> Iterator[FieldError]:
    if not container.get("name"):
        yield field_required(f"{path}.name")
    else:
        yield from check_label(f"{path}.name", container["name"])
    image = container.get("image") or ""
    if not image:
        yield field_required(f"{path}.image")
    elif pod.standalone and image != image.strip():
        yield field_invalid(f"{path}.image", image, "must not have leading or trailing whitespace")
    yield from _one_of(f"{path}.terminationMessagePolicy", container.get("terminationMessagePolicy"), _MESSAGE_POLICIES)
    yield from _ports(f"{path}.ports", container.get("ports") or [])
    yield from environment(f"{path}.env", container.get("env") or [])
    yield from environment_from(f"{path}.envFrom", container.get("envFrom") or [])
    yield from _volume_mounts(path, container, pod.volumes)
    yield from _volume_devices(path, container, pod.volumes)
    yield from _one_of(f"{path}.imagePullPolicy", container.get("imagePullPolicy"), _PULL_POLICIES)
    if container.get("resources"):
        yield from resource_requirements(f"{path}.resources", container["resources"], pod.claims)
    if container.get("resizePolicy"):
        yield from _resize_policy(f"{path}.resizePolicy", container["resizePolicy"], pod.restart_policy)
    if container.get("securityContext"):
        here = f"{path}.securityContext"
        yield from container_security_context(here, container["securityContext"], host_users=pod.host_users)


def _resize_policy(path: str, policies: list[Object], restart_policy: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, policy in enumerate(policies):
        resource, restart = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        yield from _unique(f"{path}[{index}]", resource, seen)
        yield from _one_of(path, resource, ("cpu", "memory"))
        yield from _one_of(path, restart, ("NotRequired", "RestartContainer"))
        if restart_policy == "Never" and restart != "NotRequired":
            yield field_invalid(path, restart, "must be 'NotRequired' when `restartPolicy` is 'Never'")


def _one_of(path: str, value: str | None, supported: tuple[str, ...]) -> Iterator[FieldError]:
    if not value:
        yield field_required(path)
    elif value not in supported:
        yield field_not_supported(path, value, supported)


def _unique(path: str, name: str, seen: set[str]) -> Iterator[FieldError]:
    if name and name in seen:
        yield field_duplicate(path, name)
    seen.add(name)


def _ports(path: str, ports: list[Object]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        here = f"{path}[{index}]"
        name = port.get("name")
        if name:
            messages = port_name_messages(name)
            yield from each_message(f"{here}.name", name, messages)
            if not messages:
                yield from _unique(f"{here}.name", name, seen)
        if not port.get("containerPort"):
            yield field_required(f"{here}.containerPort")
        else:
            yield from port_number(f"{here}.containerPort", port["containerPort"])
        if port.get("hostPort"):
            yield from port_number(f"{here}.hostPort", port["hostPort"])
        yield from _one_of(f"{here}.protocol", port.get("protocol"), PROTOCOLS)


def _host_port_conflicts(path: str, items: list[Object]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, container in enumerate(items):
        for position, port in enumerate(container.get("ports") or []):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP') or ''}/{port['hostPort']}"
            yield from _unique(f"{path}[{index}].ports[{position}].hostPort", key, seen)


def _volume_mounts(path: str, container: Object, volumes: Mapping[str, Object]) -> Iterator[FieldError]:
    base = f"{path}.volumeMounts"
    devices = container.get("volumeDevices") or []
    device_names = {device.get("name") for device in devices}
    device_paths = {device.get("devicePath") for device in devices}
    seen: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or []):
        here = f"{base}[{index}]"
        name, mount_path = mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            yield field_required(f"{here}.name")
        if name not in volumes:
            yield field_not_found(f"{here}.name", name)
        if not mount_path:
            yield field_required(f"{here}.mountPath")
        if mount_path in seen:
            yield field_invalid(f"{here}.mountPath", mount_path, "must be unique")
        seen.add(mount_path)
        if name in device_names:
            yield field_invalid(f"{here}.name", name, "must not already exist in volumeDevices")
        if mount_path in device_paths:
            detail = "must not already exist as a path in volumeDevices"
            yield field_invalid(f"{here}.mountPath", mount_path, detail)
        yield from _sub_path(base, here, mount)
        yield from _mount_options(base, mount, container)


def _sub_path(base: str, here: str, mount: Object) -> Iterator[FieldError]:
    # Upstream reports these without the index of the mount.
    if mount.get("subPath"):
        yield from local_path(f"{base}.subPath", mount["subPath"])
    if mount.get("subPathExpr"):
        if mount.get("subPath"):
            detail = "subPathExpr and subPath are mutually exclusive"
            yield field_invalid(f"{here}.subPathExpr", mount["subPathExpr"], detail)
        yield from local_path(f"{base}.subPathExpr", mount["subPathExpr"])


def _mount_options(base: str, mount: Object, container: Object) -> Iterator[FieldError]:
    propagation = mount.get("mountPropagation")
    if propagation is not None:
        if propagation not in _PROPAGATIONS:
            yield field_not_supported(f"{base}.mountPropagation", propagation, _PROPAGATIONS)
        privileged = (container.get("securityContext") or {}).get("privileged")
        if propagation == "Bidirectional" and not privileged:
            detail = "Bidirectional mount propagation is available only to privileged containers"
            yield field_forbidden(f"{base}.mountPropagation", detail)
    recursive = mount.get("recursiveReadOnly")
    if recursive is None or recursive == "Disabled":
        return
    if recursive not in ("Enabled", "IfPossible"):
        yield field_not_supported(f"{base}.recursiveReadOnly", recursive, ("Disabled", "IfPossible", "Enabled"))
    elif not mount.get("readOnly"):
        detail = "may only be specified when readOnly is true"
        yield field_forbidden(f"{base}.recursiveReadOnly", detail)
    if recursive in ("Enabled", "IfPossible") and propagation not in (None, "None"):
        detail = "may only be specified when mountPropagation is None or not specified"
        yield field_forbidden(f"{base}.recursiveReadOnly", detail)


def _volume_devices(path: str, container: Object, volumes: Mapping[str, Object]) -> Iterator[FieldError]:
    base = f"{path}.volumeDevices"
    seen_names: set[str] = set()
    seen_paths: set[str] = set()
    for index, device in enumerate(container.get("volumeDevices") or []):
        here = f"{base}[{index}]"
        name, device_path = device.get("name") or "", device.get("devicePath") or ""
        if not name:
            yield field_required(f"{here}.name")
        if name in seen_names:
            yield field_invalid(f"{here}.name", name, "must be unique")
        if name not in volumes:
            yield field_not_found(f"{here}.name", name)
        elif not any(volumes[name].get(claim) is not None for claim in _CLAIMS):
            detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            yield field_invalid(f"{here}.name", name, detail)
        if not device_path:
            yield field_required(f"{here}.devicePath")
        if device_path in seen_paths:
            yield field_invalid(f"{here}.devicePath", device_path, "must be unique")
        yield from no_backsteps(f"{here}.devicePath", device_path)
        seen_names.add(name)
        seen_paths.add(device_path)
