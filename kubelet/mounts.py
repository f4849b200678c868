"""What of the host a container sees: its volumes, and the files that the kubelet makes for every pod."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kubelet.environment import ConfigurationError
from kubelet.pod_files import HOSTS, RESOLV_CONF
from kubelet.runtime import Mount, MountPropagation
from kubelet.volumes.sub_path import resolve, sub_path
from minikube_py.api.meta import Object

_HOSTS_PATH = "/etc/hosts"
_RESOLV_CONF_PATH = "/etc/resolv.conf"


def container_mounts(
    pod: Object, container: Object, volumes: Mapping[str, Path], directory: Path, variables: Mapping[str, str]
) -> tuple[Mount, ...]:
    """Every mount of a container (blocking: sub-paths are made). Raises ConfigurationError."""
    mounts = [_volume_mount(entry, volumes, variables) for entry in container.get("volumeMounts") or []]
    taken = {mount.container_path for mount in mounts}
    for path, name in ((_HOSTS_PATH, HOSTS), (_RESOLV_CONF_PATH, RESOLV_CONF)):
        if path not in taken:
            mounts.append(Mount(path, str(directory / name)))
    return tuple(mounts)


def _volume_mount(entry: Object, volumes: Mapping[str, Path], variables: Mapping[str, str]) -> Mount:
    name = entry["name"]
    if name not in volumes:
        raise ConfigurationError(f'cannot find volume "{name}" to mount into container')
    if entry.get("recursiveReadOnly") == "Enabled":
        raise ConfigurationError("recursiveReadOnly: Enabled is not supported by the container runtime")
    host_path = volumes[name]
    inner = sub_path(entry, variables)
    if inner:
        host_path = resolve(host_path, inner)
    return Mount(
        container_path=entry["mountPath"] if entry["mountPath"].startswith("/") else f"/{entry['mountPath']}",
        host_path=str(host_path),
        read_only=bool(entry.get("readOnly")),
        propagation=MountPropagation(entry.get("mountPropagation") or "None"),
    )
