"""The controls that the restricted level has beyond the baseline's."""

from __future__ import annotations

from apiserver.admission.pod_security.baseline import Versions, seccomp_profile_19
from apiserver.admission.pod_security.results import (
    Violation,
    containers_named,
    containers_of,
    is_windows,
    nested,
    plural,
    quoted,
    security_context,
    setters,
)
from minikube_py.api.meta import Object

_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)


def allow_privilege_escalation(metadata: Object, spec: Object) -> Violation | None:
    """Every container says that it gains no privileges."""
    wrong = [c["name"] for c in containers_of(spec) if security_context(c).get("allowPrivilegeEscalation") is not False]
    detail = f"{containers_named(wrong)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail) if wrong else None


def allow_privilege_escalation_25(metadata: Object, spec: Object) -> Violation | None:
    """As before, but not for Windows."""
    return None if is_windows(spec) else allow_privilege_escalation(metadata, spec)


def capabilities(metadata: Object, spec: Object) -> Violation | None:
    """Every container drops all capabilities and adds at most one."""
    keeping, adding = [], []
    added: set[str] = set()
    for container in containers_of(spec):
        own = nested(container, "securityContext", "capabilities") or {}
        if "ALL" not in (own.get("drop") or ()):
            keeping.append(container["name"])
        beyond = set(own.get("add") or ()) - {"NET_BIND_SERVICE"}
        if beyond:
            adding.append(container["name"])
            added |= beyond
    details = []
    if keeping:
        details.append(f'{containers_named(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        listed = quoted(sorted(added))
        details.append(f"{containers_named(adding)} must not include {listed} in securityContext.capabilities.add")
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def capabilities_25(metadata: Object, spec: Object) -> Violation | None:
    """As before, but not for Windows."""
    return None if is_windows(spec) else capabilities(metadata, spec)


def restricted_volumes(metadata: Object, spec: Object) -> Violation | None:
    """Volumes are of the kinds that hold no more than the pod's own data, or claims."""
    volumes = []
    types: set[str] = set()
    for volume in spec.get("volumes") or ():
        kinds = {key for key, value in volume.items() if key != "name" and value is not None}
        if not kinds & _VOLUMES:
            volumes.append(volume["name"])
            types |= {min(kinds)} if kinds else {"unknown"}
    if not volumes:
        return None
    detail = (
        f"{plural('volume', 'volumes', len(volumes))} {quoted(volumes)} {plural('uses', 'use', len(volumes))} "
        f"{plural('restricted volume type', 'restricted volume types', len(types))} {quoted(sorted(types))}"
    )
    return Violation("restricted volume types", detail)


def run_as_non_root(metadata: Object, spec: Object) -> Violation | None:
    """Every container says, itself or by its pod, that it does not run as root."""
    pod = security_context(spec).get("runAsNonRoot")
    explicit, implicit = [], []
    for container in containers_of(spec):
        own = security_context(container).get("runAsNonRoot")
        if own is False:
            explicit.append(container["name"])
        elif own is None and pod is not True:
            implicit.append(container["name"])
    who = setters(pod is False, explicit)
    if who:
        return Violation("runAsNonRoot != true", f"{who} must not set securityContext.runAsNonRoot=false")
    if implicit:
        detail = f"pod or {containers_named(implicit)} must set securityContext.runAsNonRoot=true"
        return Violation("runAsNonRoot != true", detail)
    return None


def run_as_non_root_35(metadata: Object, spec: Object) -> Violation | None:
    """As before, but root is nobody in a pod with users of its own."""
    return None if spec.get("hostUsers") is False else run_as_non_root(metadata, spec)


def run_as_user(metadata: Object, spec: Object) -> Violation | None:
    """Nobody names user 0."""

    def is_wrong(obj: Object) -> bool:
        user = security_context(obj).get("runAsUser")
        return user is not None and user == 0

    who = setters(is_wrong(spec), [container["name"] for container in containers_of(spec) if is_wrong(container)])
    return Violation("runAsUser=0", f"{who} must not set runAsUser=0") if who else None


def run_as_user_35(metadata: Object, spec: Object) -> Violation | None:
    """As before, but root is nobody in a pod with users of its own."""
    return None if spec.get("hostUsers") is False else run_as_user(metadata, spec)


def seccomp_profile(metadata: Object, spec: Object) -> Violation | None:
    """Every container has, itself or by its pod, the runtime's seccomp profile or a local one."""
    wrong = seccomp_profile_19(metadata, spec)
    if wrong is not None:
        return wrong
    if security_context(spec).get("seccompProfile") is not None:
        return None
    implicit = [c["name"] for c in containers_of(spec) if security_context(c).get("seccompProfile") is None]
    if not implicit:
        return None
    allowed = '"RuntimeDefault" or "Localhost"'
    detail = f"pod or {containers_named(implicit)} must set securityContext.seccompProfile.type to {allowed}"
    return Violation("seccompProfile", detail)


def seccomp_profile_25(metadata: Object, spec: Object) -> Violation | None:
    """As before, but not for Windows."""
    return None if is_windows(spec) else seccomp_profile(metadata, spec)


CHECKS: dict[str, Versions] = {
    "allowPrivilegeEscalation": ((8, allow_privilege_escalation), (25, allow_privilege_escalation_25)),
    "capabilities_restricted": ((22, capabilities), (25, capabilities_25)),
    "restrictedVolumes": ((0, restricted_volumes),),
    "runAsNonRoot": ((0, run_as_non_root), (35, run_as_non_root_35)),
    "runAsUser": ((23, run_as_user), (35, run_as_user_35)),
    "seccompProfile_restricted": ((19, seccomp_profile), (25, seccomp_profile_25)),
}
"""The controls by upstream's identifiers."""
OVERRIDES = {
    "capabilities_restricted": "capabilities_baseline",
    "restrictedVolumes": "hostPathVolumes",
    "seccompProfile_restricted": "seccompProfile_baseline",
}
"""The baseline control that a restricted one takes the place of."""
