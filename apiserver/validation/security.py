"""Validation of security contexts."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.names import MAX_INT32, in_range
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object

_PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
_PROC_MOUNTS = ("Default", "Unmasked")
_CHANGE_POLICIES = ("Always", "OnRootMismatch")
_SUPPLEMENTAL_POLICIES = ("Merge", "Strict")


def pod_security_context(path: str, context: Object, spec: Object) -> Iterator[FieldError]:
    """The security context of a whole pod."""
    yield from _identifiers(path, context, ("fsGroup", "runAsUser", "runAsGroup"))
    for index, group in enumerate(context.get("supplementalGroups") or []):
        yield from in_range(f"{path}.supplementalGroups[{index}]", group, 0, MAX_INT32)
    if spec.get("hostPID") and spec.get("shareProcessNamespace"):
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        yield field_invalid(f"{path}.shareProcessNamespace", True, detail)
    yield from _sysctls(f"{path}.sysctls", context.get("sysctls") or [])
    yield from _supported(f"{path}.fsGroupChangePolicy", context.get("fsGroupChangePolicy"), _CHANGE_POLICIES)
    policy = context.get("supplementalGroupsPolicy")
    yield from _supported(f"{path}.supplementalGroupsPolicy", policy, _SUPPLEMENTAL_POLICIES)
    yield from _profiles(path, context)


def container_security_context(path: str, context: Object) -> Iterator[FieldError]:
    """The security context of one container."""
    yield from _identifiers(path, context, ("runAsUser", "runAsGroup"))
    yield from _supported(f"{path}.procMount", context.get("procMount"), _PROC_MOUNTS)
    yield from _profiles(path, context)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            yield field_invalid(path, context, detail)
        added = (context.get("capabilities") or {}).get("add") or []
        if "CAP_SYS_ADMIN" in added:
            detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            yield field_invalid(path, context, detail)


def _identifiers(path: str, context: Object, keys: tuple[str, ...]) -> Iterator[FieldError]:
    for key in keys:
        if context.get(key) is not None:
            yield from in_range(f"{path}.{key}", context[key], 0, MAX_INT32)


def _supported(path: str, value: str | None, values: tuple[str, ...]) -> Iterator[FieldError]:
    if value is not None and value not in values:
        yield field_not_supported(path, value, values)


def _profiles(path: str, context: Object) -> Iterator[FieldError]:
    for key, kind in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        profile = context.get(key)
        if profile is None:
            continue
        here, profile_type, local = f"{path}.{key}", profile.get("type") or "", profile.get("localhostProfile")
        if not profile_type:
            yield field_required(f"{here}.type", f"type is required when {key} is set")
        elif profile_type not in _PROFILE_TYPES:
            yield field_not_supported(f"{here}.type", profile_type, _PROFILE_TYPES)
        if profile_type == "Localhost" and not local:
            yield field_required(f"{here}.localhostProfile", f"must be set when {kind} type is Localhost")
        elif profile_type != "Localhost" and local is not None:
            yield field_invalid(f"{here}.localhostProfile", local, f"can only be set when {kind} type is Localhost")


def _sysctls(path: str, sysctls: list[Object]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, sysctl in enumerate(sysctls):
        name = sysctl.get("name") or ""
        if not name:
            yield field_required(f"{path}[{index}].name")
        elif name in seen:
            yield field_duplicate(f"{path}[{index}].name", name)
        elif len(name) > 253 or any(character.isspace() for character in name):
            yield field_forbidden(f"{path}[{index}].name", "must be a name of the form a.b.c or a/b/c")
        seen.add(name)
