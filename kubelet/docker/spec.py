"""The bodies of ``POST /containers/create`` for a pause container and for a pod's containers. Pure."""

from __future__ import annotations

from typing import Any, Final

from kubelet.docker import labels
from kubelet.runtime import (
    ContainerConfig,
    LinuxResources,
    Mount,
    MountPropagation,
    NamespaceMode,
    SandboxConfig,
    SecurityContext,
)

PAUSE_OOM_SCORE_ADJ: Final = -998
_PAUSE_CPU_SHARES: Final = 2
_LOG: Final = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "5"}}
_PROPAGATION: Final = {
    MountPropagation.HOST_TO_CONTAINER: "rslave",
    MountPropagation.BIDIRECTIONAL: "rshared",
}
_NO_HEALTH_CHECK: Final = {"Test": ["NONE"]}


def sandbox_body(
    config: SandboxConfig, *, owner: str, image: str, cgroup_parent: str, lowest_oom_score_adj: int
) -> dict[str, Any]:
    """The pause container: it holds the pod's network and IPC namespaces, and PID where they are shared."""
    on_host_network = config.network is NamespaceMode.NODE
    host: dict[str, Any] = {
        "NetworkMode": "host" if on_host_network else "none",
        "IpcMode": "host" if config.ipc is NamespaceMode.NODE else "shareable",
        "OomScoreAdj": max(PAUSE_OOM_SCORE_ADJ, lowest_oom_score_adj),
        "CpuShares": _PAUSE_CPU_SHARES,
        "SecurityOpt": ["no-new-privileges"],
        "LogConfig": _LOG,
    }
    if on_host_network:
        host["UTSMode"] = "host"
    if config.pid is NamespaceMode.NODE:
        host["PidMode"] = "host"
    if config.sysctls:
        host["Sysctls"] = dict(config.sysctls)
    if config.privileged:
        host["Privileged"] = True
    if config.runtime_handler:
        host["Runtime"] = config.runtime_handler
    if cgroup_parent:
        host["CgroupParent"] = cgroup_parent
    body: dict[str, Any] = {
        "Image": image,
        "Labels": labels.sandbox_labels(owner, config),
        "Healthcheck": _NO_HEALTH_CHECK,
        "HostConfig": host,
    }
    if config.hostname and not on_host_network:
        body["Hostname"] = config.hostname
    return body


def container_body(
    sandbox_id: str,
    sandbox: SandboxConfig,
    config: ContainerConfig,
    *,
    owner: str,
    user: str,
    seccomp_profile: str,
    cgroup_parent: str,
    lowest_oom_score_adj: int,
) -> dict[str, Any]:
    """A container in the pause container's namespaces.

    ``user`` is what ``--user`` would be, and ``seccomp_profile`` the profile's JSON or ``unconfined``; empty leaves the
    image's and the engine's own.
    """
    body: dict[str, Any] = {
        "Image": config.image,
        "Env": [f"{name}={value}" for name, value in config.env],
        "Labels": labels.container_labels(owner, sandbox_id, sandbox, config),
        "Tty": config.tty,
        "OpenStdin": config.stdin,
        "StdinOnce": config.stdin_once,
        "Healthcheck": _NO_HEALTH_CHECK,
        "HostConfig": {
            **_namespaces(sandbox_id, sandbox),
            **_target(sandbox, config),
            **_resources(config.resources, lowest_oom_score_adj),
            **_security(config.security, seccomp_profile),
            "Mounts": [_mount(mount) for mount in _mounts(config)],
            "LogConfig": _LOG,
        },
    }
    # A command replaces the image's entrypoint and, with it, the image's arguments.
    if config.command:
        body["Entrypoint"] = list(config.command)
        body["Cmd"] = list(config.args)
    elif config.args:
        body["Cmd"] = list(config.args)
    if config.working_dir:
        body["WorkingDir"] = config.working_dir
    if config.stop_signal:
        body["StopSignal"] = config.stop_signal
    if user:
        body["User"] = user
    if cgroup_parent:
        body["HostConfig"]["CgroupParent"] = cgroup_parent
    if sandbox.runtime_handler:
        body["HostConfig"]["Runtime"] = sandbox.runtime_handler
    return body


def _namespaces(sandbox_id: str, sandbox: SandboxConfig) -> dict[str, Any]:
    joined = f"container:{sandbox_id}"
    modes = {
        "NetworkMode": joined,
        "IpcMode": "host" if sandbox.ipc is NamespaceMode.NODE else joined,
    }
    if sandbox.network is NamespaceMode.NODE:
        modes["UTSMode"] = "host"
    if sandbox.pid is NamespaceMode.NODE:
        modes["PidMode"] = "host"
    elif sandbox.pid is NamespaceMode.POD:
        modes["PidMode"] = joined
    return modes


def _target(sandbox: SandboxConfig, config: ContainerConfig) -> dict[str, Any]:
    if config.target_container_id and sandbox.pid is NamespaceMode.CONTAINER:
        return {"PidMode": f"container:{config.target_container_id}"}
    return {}


def _resources(resources: LinuxResources, lowest_oom_score_adj: int) -> dict[str, Any]:
    settings: dict[str, Any] = {"OomScoreAdj": max(resources.oom_score_adj, lowest_oom_score_adj)}
    if resources.cpu_shares:
        settings["CpuShares"] = resources.cpu_shares
    if resources.cpu_quota:
        settings["CpuPeriod"] = resources.cpu_period
        settings["CpuQuota"] = resources.cpu_quota
    if resources.memory_limit_bytes:
        settings["Memory"] = resources.memory_limit_bytes
        settings["MemorySwap"] = resources.memory_limit_bytes  # equal: the container gets no swap
    if resources.pids_limit:
        settings["PidsLimit"] = resources.pids_limit
    return settings


def _security(security: SecurityContext, seccomp_profile: str) -> dict[str, Any]:
    options = []
    if security.no_new_privileges:
        options.append("no-new-privileges")
    if seccomp_profile:
        options.append(f"seccomp={seccomp_profile}")
    if security.app_armor:
        options.append(f"apparmor={security.app_armor}")
    settings: dict[str, Any] = {
        "Privileged": security.privileged,
        "ReadonlyRootfs": security.read_only_root_filesystem,
        "CapAdd": list(security.add_capabilities),
        "CapDrop": list(security.drop_capabilities),
        "GroupAdd": [str(group) for group in security.supplemental_groups],
        "SecurityOpt": options,
    }
    if security.unmasked_proc:
        settings["MaskedPaths"] = []
        settings["ReadonlyPaths"] = []
    return settings


def _mounts(config: ContainerConfig) -> tuple[Mount, ...]:
    if not (config.termination_message_path and config.termination_message_host_path):
        return config.mounts
    return (*config.mounts, Mount(config.termination_message_path, config.termination_message_host_path))


def _mount(mount: Mount) -> dict[str, Any]:
    options: dict[str, Any] = {}
    # What is not named is private, but where the path holds the engine's own directory, as the host's root does.
    if mount.propagation in _PROPAGATION:
        options["Propagation"] = _PROPAGATION[mount.propagation]
    if mount.read_only:
        options["ReadOnlyNonRecursive"] = True  # as recursiveReadOnly: Disabled; engines before 1.44 know nothing else
    return {
        "Type": "bind",
        "Source": mount.host_path,
        "Target": mount.container_path,
        "ReadOnly": mount.read_only,
        "BindOptions": options,
    }


def user_of(security: SecurityContext, image_user: str) -> str:
    """``uid[:gid]``; with a group alone, the image's user keeps its place."""
    if security.run_as_group is None:
        return "" if security.run_as_user is None else str(security.run_as_user)
    if security.run_as_user is None:
        return f"{image_user.split(':', maxsplit=1)[0] or '0'}:{security.run_as_group}"
    return f"{security.run_as_user}:{security.run_as_group}"


def cgroup_parent_of(path: str, driver: str) -> str:
    """``kubepods/burstable/pod<uid>`` as the engine's cgroup driver wants it; systemd's slices nest by name."""
    if not path:
        return ""
    if driver != "systemd":
        return f"/{path.strip('/')}"
    parts = [part.replace("-", "_") for part in path.strip("/").split("/")]
    return "-".join(parts) + ".slice"
