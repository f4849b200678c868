"""The controls of the baseline level."""

from __future__ import annotations

from apiserver.admission.pod_security.results import (
    Check,
    Violation,
    containers_named,
    containers_of,
    nested,
    plural,
    quoted,
    security_context,
    setters,
)
from minikube_py.api.meta import Object

_APP_ARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_POD_ANNOTATION = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_ANNOTATION = "container.seccomp.security.alpha.kubernetes.io/"
_PROFILES = ("RuntimeDefault", "Localhost")
_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
)
_SYSCTLS_27 = (*_SYSCTLS, "net.ipv4.ip_local_reserved_ports")
_SYSCTLS_29 = (
    *_SYSCTLS_27,
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
)
_SYSCTLS_32 = (*_SYSCTLS_29, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem")
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t")


def app_armor_profile(metadata: Object, spec: Object) -> Violation | None:
    """Fields name the runtime's profile or a local one; so do annotations of old."""
    values: set[str] = set()

    def is_wrong(obj: Object) -> bool:
        profile = security_context(obj).get("appArmorProfile")
        if profile is None or profile.get("type") in _PROFILES:
            return False
        values.add(profile.get("type", ""))
        return True

    pod = is_wrong(spec)
    wrong = [container["name"] for container in containers_of(spec) if is_wrong(container)]
    annotations = sorted(
        f"{key}={quoted([value])}"
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith(_APP_ARMOR_ANNOTATION) and value not in ("", "runtime/default")
        if not value.startswith("localhost/")
    )
    told = [text for text in (setters(pod, wrong),) if text]
    if annotations:
        told.append(plural("annotation", "annotations", len(annotations)))
    if not told:
        return None
    listed = sorted(values) + annotations
    reason = plural("forbidden AppArmor profile", "forbidden AppArmor profiles", len(listed))
    return Violation(reason, f"{' and '.join(told)} must not set AppArmor profile type to {quoted(listed)}")


def capabilities(metadata: Object, spec: Object) -> Violation | None:
    """No capability is added beyond the default set."""
    added: set[str] = set()
    wrong = []
    for container in containers_of(spec):
        beyond = set(nested(container, "securityContext", "capabilities", "add") or ()) - _CAPABILITIES
        if beyond:
            wrong.append(container["name"])
            added |= beyond
    if not wrong:
        return None
    detail = f"{containers_named(wrong)} must not include {quoted(sorted(added))} in securityContext.capabilities.add"
    return Violation("non-default capabilities", detail)


def host_namespaces(metadata: Object, spec: Object) -> Violation | None:
    """No namespace of the host is shared."""
    shared = [field for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    return Violation("host namespaces", ", ".join(f"{field}=true" for field in shared)) if shared else None


def host_path_volumes(metadata: Object, spec: Object) -> Violation | None:
    """No volume is a directory of the host."""
    volumes = [volume["name"] for volume in spec.get("volumes") or () if volume.get("hostPath") is not None]
    if not volumes:
        return None
    return Violation("hostPath volumes", f"{plural('volume', 'volumes', len(volumes))} {quoted(volumes)}")


def host_ports(metadata: Object, spec: Object) -> Violation | None:
    """No port of the host is taken."""
    ports: set[str] = set()
    wrong = []
    for container in containers_of(spec):
        taken = {str(port["hostPort"]) for port in container.get("ports") or () if port.get("hostPort")}
        if taken:
            wrong.append(container["name"])
            ports |= taken
    if not wrong:
        return None
    uses, noun = plural("uses", "use", len(wrong)), plural("hostPort", "hostPorts", len(ports))
    return Violation("hostPort", f"{containers_named(wrong)} {uses} {noun} {', '.join(sorted(ports))}")


def host_probes(metadata: Object, spec: Object) -> Violation | None:
    """No probe and no handler goes to another host."""
    hosts: set[str] = set()
    wrong = []
    for container in containers_of(spec):
        lifecycle = container.get("lifecycle") or {}
        handlers = [container.get(field) for field in ("livenessProbe", "readinessProbe", "startupProbe")]
        handlers += [lifecycle.get("postStart"), lifecycle.get("preStop")]
        found = {
            host
            for handler in handlers
            for kind in ("httpGet", "tcpSocket")
            if (host := nested(handler or {}, kind, "host"))
        }
        if found:
            wrong.append(container["name"])
            hosts |= found
    if not wrong:
        return None
    uses = plural("uses", "use", len(wrong))
    noun = plural("probe or lifecycle host", "probe or lifecycle hosts", len(hosts))
    wrong = sorted(set(wrong))
    return Violation("probe or lifecycle host", f"{containers_named(wrong)} {uses} {noun} {quoted(sorted(hosts))}")


def privileged(metadata: Object, spec: Object) -> Violation | None:
    """No container is privileged."""
    wrong = [c["name"] for c in containers_of(spec) if security_context(c).get("privileged")]
    detail = f"{containers_named(wrong)} must not set securityContext.privileged=true"
    return Violation("privileged", detail) if wrong else None


def proc_mount(metadata: Object, spec: Object) -> Violation | None:
    """``/proc`` stays masked."""
    types: set[str] = set()
    wrong = []
    for container in containers_of(spec):
        mount = security_context(container).get("procMount")
        if mount is not None and mount != "Default":
            wrong.append(container["name"])
            types.add(mount)
    if not wrong:
        return None
    detail = f"{containers_named(wrong)} must not set securityContext.procMount to {quoted(sorted(types))}"
    return Violation("procMount", detail)


def proc_mount_35(metadata: Object, spec: Object) -> Violation | None:
    """As before, but a pod with users of its own may see ``/proc`` as it is."""
    return None if spec.get("hostUsers") is False else proc_mount(metadata, spec)


def selinux_options(types: tuple[str, ...]) -> Check:
    """The control for a set of types that may be set; user and role never may."""

    def check(metadata: Object, spec: Object) -> Violation | None:
        wrong_types: set[str] = set()
        set_fields: set[str] = set()

        def is_wrong(obj: Object) -> bool:
            options = security_context(obj).get("seLinuxOptions") or {}
            kind = options.get("type") or ""
            own = {field for field in ("user", "role") if options.get(field)}
            set_fields.update(own)
            if kind not in types:
                wrong_types.add(kind)
            return bool(own) or kind not in types

        pod = is_wrong(spec)
        wrong = [container["name"] for container in containers_of(spec) if is_wrong(container)]
        who = setters(pod, wrong)
        if not who:
            return None
        data = [f"{plural('type', 'types', len(wrong_types))} {quoted(sorted(wrong_types))}"] if wrong_types else []
        data += [f"{field} may not be set" for field in ("user", "role") if field in set_fields]
        return Violation("seLinuxOptions", f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(data)}")

    return check


def seccomp_profile_0(metadata: Object, spec: Object) -> Violation | None:
    """Annotations of old name the runtime's profile or a local one."""
    annotations = metadata.get("annotations") or {}
    keys = [_SECCOMP_POD_ANNOTATION, *(_SECCOMP_ANNOTATION + container["name"] for container in containers_of(spec))]
    wrong = sorted(
        {
            f"{key}={quoted([annotations[key]])}"
            for key in keys
            if key in annotations and annotations[key] not in ("runtime/default", "docker/default")
            if not annotations[key].startswith("localhost/")
        }
    )
    if not wrong:
        return None
    return Violation(
        "seccompProfile", f"forbidden {plural('annotation', 'annotations', len(wrong))} {', '.join(wrong)}"
    )


def seccomp_profile_19(metadata: Object, spec: Object) -> Violation | None:
    """A seccomp profile that is set is the runtime's or a local one."""
    values: set[str] = set()

    def is_wrong(obj: Object) -> bool:
        profile = security_context(obj).get("seccompProfile")
        if profile is None or profile.get("type") in _PROFILES:
            return False
        values.add(profile.get("type", ""))
        return True

    who = setters(is_wrong(spec), [container["name"] for container in containers_of(spec) if is_wrong(container)])
    detail = f"{who} must not set securityContext.seccompProfile.type to {quoted(sorted(values))}"
    return Violation("seccompProfile", detail) if who else None


def sysctls(allowed: tuple[str, ...]) -> Check:
    """The control for a set of sysctls that may be set."""

    def check(metadata: Object, spec: Object) -> Violation | None:
        names = [item.get("name", "") for item in security_context(spec).get("sysctls") or ()]
        wrong = [name for name in names if name not in allowed]
        return Violation("forbidden sysctls", ", ".join(wrong)) if wrong else None

    return check


def windows_host_process(metadata: Object, spec: Object) -> Violation | None:
    """Nothing runs as a process of a Windows host."""

    def is_wrong(obj: Object) -> bool:
        return bool(nested(obj, "securityContext", "windowsOptions", "hostProcess"))

    who = setters(is_wrong(spec), [container["name"] for container in containers_of(spec) if is_wrong(container)])
    return (
        Violation("hostProcess", f"{who} must not set securityContext.windowsOptions.hostProcess=true") if who else None
    )


Versions = tuple[tuple[int, Check], ...]
"""A control as it was from which minor version on, oldest first."""
CHECKS: dict[str, Versions] = {
    "appArmorProfile": ((0, app_armor_profile),),
    "capabilities_baseline": ((0, capabilities),),
    "hostNamespaces": ((0, host_namespaces),),
    "hostPathVolumes": ((0, host_path_volumes),),
    "hostPorts": ((0, host_ports),),
    "hostProbesAndHostLifecycle": ((34, host_probes),),
    "privileged": ((0, privileged),),
    "procMount": ((0, proc_mount), (35, proc_mount_35)),
    "seLinuxOptions": (
        (0, selinux_options(_SELINUX_TYPES)),
        (31, selinux_options((*_SELINUX_TYPES, "container_engine_t"))),
    ),
    "seccompProfile_baseline": ((0, seccomp_profile_0), (19, seccomp_profile_19)),
    "sysctls": (
        (0, sysctls(_SYSCTLS)),
        (27, sysctls(_SYSCTLS_27)),
        (29, sysctls(_SYSCTLS_29)),
        (32, sysctls(_SYSCTLS_32)),
    ),
    "windowsHostProcess": ((0, windows_host_process),),
}
"""The controls by upstream's identifiers."""
