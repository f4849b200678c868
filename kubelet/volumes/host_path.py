"""``hostPath`` volumes, with every type that the API knows."""

from __future__ import annotations

import stat
from pathlib import Path

from kubelet.volumes.plugin import VolumeError
from minikube_py.api.meta import Object

_CREATED_MODE = 0o755
_CREATED_FILE_MODE = 0o644
_CHECKS = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


class HostPathVolume:
    """A path of the host, checked or made as its type says."""

    def set_up(self, pod: Object, source: Object, directory: Path) -> Path:
        """The host's path itself. Raises VolumeError where the type check fails."""
        path = Path(source["path"])
        kind = source.get("type") or ""
        try:
            if not path.exists():
                self._create(path, kind)
            if not kind:
                return path
            check, description = _CHECKS[kind]
            matches = path.exists() and check(path.stat().st_mode)
        except KeyError:
            raise VolumeError(f"unsupported hostPath type {kind}") from None
        except OSError as error:
            raise VolumeError(f"hostPath type check failed: {error}") from error
        if not matches:
            raise VolumeError(f"hostPath type check failed: {path} is not {description}")
        return path

    def _create(self, path: Path, kind: str) -> None:
        match kind:
            case "" | "DirectoryOrCreate":
                path.mkdir(mode=_CREATED_MODE, parents=True, exist_ok=True)
            case "FileOrCreate":
                path.touch(mode=_CREATED_FILE_MODE)
