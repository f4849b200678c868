"""Validation of security contexts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from apiserver.validation.names import MAX_INT32, in_range
from apiserver.validation.paths import local_path
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_invalid,
    field_not_supported,
    field_required,
    field_too_long,
)
from minikube_py.api.meta import Object

_PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
_PROC_MOUNTS = ("Default", "Unmasked")
_CHANGE_POLICIES = ("Always", "OnRootMismatch")
_SUPPLEMENTAL_POLICIES = ("Merge", "Strict")
_SELINUX_POLICIES = ("MountOption", "Recursive")
_LONGEST_PROFILE = 4095
_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_APP_ARMOR_CONTAINER = "container.apparmor.security.beta.kubernetes.io/"
_LONGEST_SYSCTL = 253
_SYSCTL = re.compile(r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?")
_IPC_SYSCTLS = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")


def pod_security_context(path: str, context: Object, spec: Object) -> Iterator[FieldError]:
    """The security context of a whole pod."""
    yield from _identifiers(path, context, ("fsGroup", "runAsUser", "runAsGroup"))
    for index, group in enumerate(context.get("supplementalGroups") or []):
        yield from in_range(f"{path}.supplementalGroups[{index}]", group, 0, MAX_INT32)
    if spec.get("hostPID") and spec.get("shareProcessNamespace"):
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        yield field_invalid(f"{path}.shareProcessNamespace", True, detail)
    if context.get("sysctls"):
        yield from _sysctls(f"{path}.sysctls", context["sysctls"], spec)
    yield from _supported(f"{path}.fsGroupChangePolicy", context.get("fsGroupChangePolicy"), _CHANGE_POLICIES)
    policy = context.get("supplementalGroupsPolicy")
    yield from _supported(f"{path}.supplementalGroupsPolicy", policy, _SUPPLEMENTAL_POLICIES)
    yield from _supported(f"{path}.seLinuxChangePolicy", context.get("seLinuxChangePolicy"), _SELINUX_POLICIES)
    yield from _profiles(path, context)


def container_security_context(path: str, context: Object, *, host_users: bool = True) -> Iterator[FieldError]:
    """The security context of one container, whose pod shares the host's users or has its own."""
    yield from _identifiers(path, context, ("runAsUser", "runAsGroup"))
    yield from _supported(f"{path}.procMount", context.get("procMount"), _PROC_MOUNTS)
    if context.get("procMount") == "Unmasked" and host_users:
        yield field_invalid(f"{path}.procMount", "Unmasked", "`hostUsers` must be false to use `Unmasked`")
    yield from _profiles(path, context)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            yield field_invalid(path, context, detail)
        added = (context.get("capabilities") or {}).get("add") or []
        if "CAP_SYS_ADMIN" in added:
            detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            yield field_invalid(path, context, detail)


def profile_annotations(path: str, annotations: Mapping[str, str], spec: Object) -> Iterator[FieldError]:
    """The annotations that named profiles before there were fields for them."""
    containers = {
        container.get("name")
        for key in ("initContainers", "containers", "ephemeralContainers")
        for container in spec.get(key) or []
    }
    for key, value in sorted(annotations.items()):
        if key == _SECCOMP_POD or key.startswith(_SECCOMP_CONTAINER):
            if value.startswith("localhost/"):
                yield from local_path(f"{path}.{key}", value.removeprefix("localhost/"))
            elif value not in ("runtime/default", "docker/default", "unconfined"):
                yield field_invalid(f"{path}.{key}", value, "must be a valid seccomp profile")
        elif key.startswith(_APP_ARMOR_CONTAINER):
            name = key.removeprefix(_APP_ARMOR_CONTAINER)
            if name not in containers:
                yield field_invalid(f"{path}[{key}]", name, "container not found")
            if value not in ("", "runtime/default", "unconfined") and not value.startswith("localhost/"):
                yield field_invalid(f"{path}[{key}]", value, f'invalid AppArmor profile name: "{value}"')


def _identifiers(path: str, context: Object, keys: tuple[str, ...]) -> Iterator[FieldError]:
    for key in keys:
        if context.get(key) is not None:
            yield from in_range(f"{path}.{key}", context[key], 0, MAX_INT32)


def _supported(path: str, value: str | None, values: tuple[str, ...]) -> Iterator[FieldError]:
    if value is not None and value not in values:
        yield field_not_supported(path, value, values)


def _profiles(path: str, context: Object) -> Iterator[FieldError]:
    seccomp, app_armor = context.get("seccompProfile"), context.get("appArmorProfile")
    if seccomp is not None:
        yield from _seccomp_profile(f"{path}.seccompProfile", seccomp)
    if app_armor is not None:
        yield from _app_armor_profile(f"{path}.appArmorProfile", app_armor)


def _profile_type(path: str, profile_type: str, field: str) -> Iterator[FieldError]:
    if not profile_type:
        yield field_required(f"{path}.type", f"type is required when {field} is set")
    elif profile_type not in _PROFILE_TYPES:
        yield field_not_supported(f"{path}.type", profile_type, _PROFILE_TYPES)


def _seccomp_profile(path: str, profile: Object) -> Iterator[FieldError]:
    profile_type, local = profile.get("type") or "", profile.get("localhostProfile")
    yield from _profile_type(path, profile_type, "seccompProfile")
    here = f"{path}.localhostProfile"
    if profile_type == "Localhost":
        if not local:
            yield field_required(here, "must be set when seccomp type is Localhost")
        else:
            yield from local_path(here, local)
    elif local is not None:
        yield field_invalid(here, local, "can only be set when seccomp type is Localhost")


def _app_armor_profile(path: str, profile: Object) -> Iterator[FieldError]:
    profile_type, local = profile.get("type") or "", profile.get("localhostProfile")
    yield from _profile_type(path, profile_type, "appArmorProfile")
    here = f"{path}.localhostProfile"
    if profile_type == "Localhost":
        if not local:
            yield field_required(here, "must be set when AppArmor type is Localhost")
        elif local != local.strip():
            yield field_invalid(here, local, "must not be padded with whitespace")
        if local and len(local) > _LONGEST_PROFILE:
            yield field_too_long(here, _LONGEST_PROFILE)
    elif profile_type in _PROFILE_TYPES and local is not None:
        yield field_invalid(here, local, "can only be set when AppArmor type is Localhost")


def _sysctls(path: str, sysctls: list[Object], spec: Object) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, sysctl in enumerate(sysctls):
        here, name = f"{path}[{index}].name", sysctl.get("name") or ""
        if not name:
            yield field_required(here)
        elif len(name) > _LONGEST_SYSCTL or not _SYSCTL.fullmatch(name):
            detail = f"must have at most {_LONGEST_SYSCTL} characters and match regex ^{_SYSCTL.pattern}$"
            yield field_invalid(here, name, detail)
        elif name in seen:
            yield field_duplicate(here, name)
        dotted = _dotted(name)
        if spec.get("hostNetwork") and dotted.startswith("net."):
            yield field_invalid(here, name, "may not be specified when 'hostNetwork' is true")
        elif spec.get("hostIPC") and dotted.startswith(_IPC_SYSCTLS):
            yield field_invalid(here, name, "may not be specified when 'hostIPC' is true")
        seen.add(name)


def _dotted(name: str) -> str:
    """A sysctl's name with dots, which slashes may stand for."""
    first = next((character for character in name if character in "./"), "")
    return name.translate(str.maketrans("./", "/.")) if first == "/" else name
