"""``emptyDir`` volumes, on disk or in memory."""

from __future__ import annotations

from pathlib import Path

from kubelet.volumes import mount
from kubelet.volumes.plugin import VolumeError
from minikube_py.api.meta import Object
from minikube_py.api.pods import limits
from minikube_py.api.quantity import Quantity

DIRECTORY = "kubernetes.io~empty-dir"
_MODE = 0o777


class EmptyDirVolume:
    """A directory that lives as long as the pod; medium ``Memory`` is a tmpfs of at most ``sizeLimit``."""

    def set_up(self, pod: Object, source: Object, directory: Path) -> Path:
        """The directory, open to every user. Raises VolumeError for a medium that is not supported."""
        medium = source.get("medium") or ""
        if medium not in ("", "Memory"):
            raise VolumeError(f'unknown storage medium "{medium}"')
        is_made = directory.is_mount() if medium else directory.exists()
        if not is_made:
            directory.mkdir(parents=True, exist_ok=True)
            if medium:
                mount.tmpfs(directory, _memory_limit(pod, source))
            directory.chmod(_MODE)
        return directory


def _memory_limit(pod: Object, source: Object) -> int | None:
    """Bytes: the smaller of the volume's limit and the pod's memory limit, None without either."""
    bounds = []
    if source.get("sizeLimit") is not None:
        bounds.append(Quantity.parse(source["sizeLimit"]).value())
    containers = pod["spec"].get("containers") or []
    if all("memory" in ((c.get("resources") or {}).get("limits") or {}) for c in containers):
        bounds.append(limits(pod)["memory"].value())
    bounds = [bound for bound in bounds if bound > 0]
    return min(bounds) if bounds else None
