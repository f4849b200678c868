"""``subPath`` and ``subPathExpr`` mounts: a path inside a volume that never leads out of it."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from kubelet.environment import ConfigurationError
from kubelet.expansion import expand_strictly
from minikube_py.api.meta import Object


def sub_path(mount: Object, variables: Mapping[str, str]) -> str:
    """The relative path that a volumeMount asks for, expanded; empty for the whole volume.

    Raises ConfigurationError for an unknown variable or a path that climbs.
    """
    path = str(mount.get("subPath") or "")
    expression = mount.get("subPathExpr") or ""
    if expression:
        try:
            path = expand_strictly(expression, variables)
        except KeyError:
            raise ConfigurationError(f"missing value for {expression}") from None
    if path.startswith("/"):
        raise ConfigurationError(f"error SubPath `{path}` must not be an absolute path")
    if ".." in PurePosixPath(path).parts:
        raise ConfigurationError(f"unable to provision SubPath `{path}`: must not contain '..'")
    return path


def resolve(volume: Path, path: str) -> Path:
    """The path on the host (blocking); where nothing is there, directories with the volume's own mode are made.

    Raises ConfigurationError.
    """
    root = volume.resolve()
    target = (root / path).resolve()
    if not target.is_relative_to(root):
        raise ConfigurationError(f"failed to prepare subPath for volumeMount: {path} leads out of the volume")
    if not target.exists():
        try:
            _make(root, target, stat.S_IMODE(root.stat().st_mode))
        except OSError as error:
            raise ConfigurationError(f"failed to create subPath directory for volumeMount: {error}") from error
    return target


def _make(root: Path, target: Path, mode: int) -> None:
    for directory in (*reversed(target.parents), target):
        if directory.is_relative_to(root) and not directory.exists():
            directory.mkdir()
            # The process's umask must not take from what the volume's mode gives.
            directory.chmod(mode)
