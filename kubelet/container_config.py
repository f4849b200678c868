"""What the runtime is told of a container. Pure; follows upstream's ``generateContainerConfig``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kubelet.environment import ConfigurationError
from kubelet.expansion import expand_all
from kubelet.pod import deletion_grace_period, describe
from kubelet.runtime import (
    ContainerConfig,
    ImageStatus,
    LinuxResources,
    Mount,
    NamespaceMode,
    PortMapping,
    SandboxConfig,
    SecurityContext,
)
from minikube_py.api.meta import Object, annotations_of, labels_of, name_of, namespace_of, uid_of
from minikube_py.api.pods import qos_class
from minikube_py.api.quantity import Quantity

CPU_PERIOD_MICROSECONDS = 100_000
_SHORTEST_QUOTA = 1000
_FEWEST_SHARES = 2
_SHARES_PER_CPU = 1024
_GUARANTEED_OOM_SCORE = -997
_BEST_EFFORT_OOM_SCORE = 1000
DEFAULT_TERMINATION_LOG = "/dev/termination-log"
_APP_ARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
_CRITICAL_PRIORITY = 2_000_000_000


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What of the node a container's settings depend on."""

    memory_capacity_bytes: int
    seccomp_profile_root: str = "/var/lib/kubelet/seccomp"


def spec_hash(container: Object) -> str:
    """Changes when a running container no longer is what its spec asks for: name and image, as upstream."""
    picked = json.dumps({"name": container["name"], "image": container.get("image", "")}, sort_keys=True)
    return hashlib.sha256(picked.encode()).hexdigest()[:16]


def sandbox_config(pod: Object, attempt: int, hostname: str) -> SandboxConfig:
    """The sandbox of a pod. Raises ConfigurationError for what this runtime cannot do."""
    spec = pod["spec"]
    security = spec.get("securityContext") or {}
    for field in ("windowsOptions",):
        if security.get(field):
            raise ConfigurationError(f"securityContext.{field} is not supported")
    if spec.get("hostUsers") is False:
        raise ConfigurationError("hostUsers: false is not supported")
    on_host = bool(spec.get("hostNetwork"))
    if spec.get("hostPID"):
        pid = NamespaceMode.NODE
    else:
        pid = NamespaceMode.POD if spec.get("shareProcessNamespace") else NamespaceMode.CONTAINER
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return SandboxConfig(
        name=name_of(pod),
        namespace=namespace_of(pod),
        uid=uid_of(pod),
        attempt=attempt,
        hostname="" if on_host else hostname,
        network=NamespaceMode.NODE if on_host else NamespaceMode.POD,
        pid=pid,
        ipc=NamespaceMode.NODE if spec.get("hostIPC") else NamespaceMode.POD,
        privileged=any((c.get("securityContext") or {}).get("privileged") for c in containers),
        port_mappings=() if on_host else _port_mappings(containers),
        sysctls={entry["name"]: entry["value"] for entry in security.get("sysctls") or []},
        labels=labels_of(pod),
    )


def _port_mappings(containers: Sequence[Object]) -> tuple[PortMapping, ...]:
    return tuple(
        PortMapping(
            container_port=int(port["containerPort"]),
            host_port=int(port["hostPort"]),
            protocol=port.get("protocol") or "TCP",
            host_ip=port.get("hostIP") or "",
        )
        for container in containers
        for port in container.get("ports") or []
        if port.get("hostPort")
    )


def container_config(
    pod: Object,
    container: Object,
    *,
    attempt: int,
    image: ImageStatus,
    environment: Mapping[str, str],
    mounts: Sequence[Mount],
    termination_log: str,
    node: NodeFacts,
    target_container_id: str = "",
) -> ContainerConfig:
    """One attempt of a container. Raises ConfigurationError where its security context cannot be honoured."""
    if container.get("volumeDevices"):
        raise ConfigurationError("volumeDevices are not supported")
    lifecycle = container.get("lifecycle") or {}
    return ContainerConfig(
        name=container["name"],
        attempt=attempt,
        image=image.id,
        image_name=container.get("image", ""),
        command=expand_all(container.get("command") or [], environment),
        args=expand_all(container.get("args") or [], environment),
        env=tuple(environment.items()),
        working_dir=container.get("workingDir") or "",
        mounts=tuple(mounts),
        tty=bool(container.get("tty")),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        stop_signal=lifecycle.get("stopSignal") or "",
        resources=linux_resources(pod, container, node),
        security=security_context(pod, container, image, node),
        termination_message_path=container.get("terminationMessagePath") or DEFAULT_TERMINATION_LOG,
        termination_message_policy=container.get("terminationMessagePolicy") or "File",
        termination_message_host_path=termination_log,
        spec_hash=spec_hash(container),
        grace_period_seconds=deletion_grace_period(pod),
        pre_stop=json.dumps(lifecycle["preStop"], sort_keys=True) if lifecycle.get("preStop") else "",
        ports=json.dumps(container["ports"]) if container.get("ports") else "",
        target_container_id=target_container_id,
    )


def linux_resources(pod: Object, container: Object, node: NodeFacts) -> LinuxResources:
    """cgroup settings from requests and limits."""
    resources = container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    cpu_limit = Quantity.parse(limits["cpu"]).milli() if limits.get("cpu") is not None else 0
    cpu_request = Quantity.parse(requests["cpu"]).milli() if requests.get("cpu") is not None else cpu_limit
    memory_limit = Quantity.parse(limits["memory"]).value() if limits.get("memory") is not None else 0
    memory_request = Quantity.parse(requests["memory"]).value() if requests.get("memory") is not None else memory_limit
    return LinuxResources(
        cpu_shares=max(_FEWEST_SHARES, cpu_request * _SHARES_PER_CPU // 1000),
        cpu_period=CPU_PERIOD_MICROSECONDS if cpu_limit else 0,
        cpu_quota=max(_SHORTEST_QUOTA, cpu_limit * CPU_PERIOD_MICROSECONDS // 1000) if cpu_limit else 0,
        memory_limit_bytes=memory_limit,
        oom_score_adj=_oom_score(pod, memory_request, node),
    )


def _oom_score(pod: Object, memory_request: int, node: NodeFacts) -> int:
    if int(pod["spec"].get("priority") or 0) >= _CRITICAL_PRIORITY:
        return _GUARANTEED_OOM_SCORE
    match qos_class(pod):
        case "Guaranteed":
            return _GUARANTEED_OOM_SCORE
        case "BestEffort":
            return _BEST_EFFORT_OOM_SCORE
    score = 1000 - 1000 * memory_request // max(1, node.memory_capacity_bytes)
    # One above the guaranteed and one below the best-effort bound, whatever is asked for.
    return max(1000 + _GUARANTEED_OOM_SCORE, min(score, _BEST_EFFORT_OOM_SCORE - 1))


def security_context(pod: Object, container: Object, image: ImageStatus, node: NodeFacts) -> SecurityContext:
    """The container's context over the pod's. Raises ConfigurationError where ``runAsNonRoot`` is broken."""
    of_pod = pod["spec"].get("securityContext") or {}
    own = container.get("securityContext") or {}

    def effective(field: str) -> object:
        return own[field] if own.get(field) is not None else of_pod.get(field)

    user = effective("runAsUser")
    group = effective("runAsGroup")
    if effective("runAsNonRoot"):
        _verify_not_root(pod, container, user, image)
    capabilities = own.get("capabilities") or {}
    privileged = bool(own.get("privileged"))
    groups = [int(entry) for entry in of_pod.get("supplementalGroups") or []]
    if of_pod.get("fsGroup") is not None:
        groups.append(int(of_pod["fsGroup"]))
    return SecurityContext(
        run_as_user=int(str(user)) if user is not None else None,
        run_as_group=int(str(group)) if group is not None else None,
        supplemental_groups=tuple(dict.fromkeys(groups)),
        privileged=privileged,
        add_capabilities=tuple(capabilities.get("add") or []),
        drop_capabilities=tuple(capabilities.get("drop") or []),
        read_only_root_filesystem=bool(own.get("readOnlyRootFilesystem")),
        no_new_privileges=own.get("allowPrivilegeEscalation") is False,
        seccomp=_seccomp(own.get("seccompProfile") or of_pod.get("seccompProfile") or {}, privileged, node),
        app_armor=_app_armor(pod, container, own.get("appArmorProfile") or of_pod.get("appArmorProfile") or {}),
        unmasked_proc=own.get("procMount") == "Unmasked",
    )


def _verify_not_root(pod: Object, container: Object, user: object, image: ImageStatus) -> None:
    where = f'(pod: "{describe(pod)}", container: {container["name"]})'
    if user is not None:
        if int(str(user)) == 0:
            raise ConfigurationError(f"container's runAsUser breaks non-root policy {where}")
        return
    name = image.user.partition(":")[0]
    if not name or name == "0":
        raise ConfigurationError(f"container has runAsNonRoot and image will run as root {where}")
    if not name.isdigit():
        raise ConfigurationError(
            f"container has runAsNonRoot and image has non-numeric user ({name}), "
            f"cannot verify user is non-root {where}"
        )


def _seccomp(profile: Object, privileged: bool, node: NodeFacts) -> str:
    """Without a profile a container is unconfined, as upstream without ``seccompDefault``."""
    match profile.get("type"):
        case "RuntimeDefault":
            return ""
        case "Localhost":
            return f"{node.seccomp_profile_root}/{profile['localhostProfile']}"
    return "Unconfined"


def _app_armor(pod: Object, container: Object, profile: Object) -> str:
    match profile.get("type"):
        case "Unconfined":
            return "unconfined"
        case "Localhost":
            return str(profile["localhostProfile"])
    annotation = annotations_of(pod).get(_APP_ARMOR_ANNOTATION + container["name"], "")
    if annotation == "unconfined":
        return annotation
    return annotation.removeprefix("localhost/") if annotation.startswith("localhost/") else ""
