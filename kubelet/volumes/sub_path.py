"""``subPath`` and ``subPathExpr`` mounts: a path inside a volume that never leads out of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from kubelet.environment import ConfigurationError
from kubelet.expansion import expand_strictly
from minikube_py.api.meta import Object

_CREATED_MODE = 0o750


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


def resolve(volume: Path, path: str, mode: int = _CREATED_MODE) -> Path:
    """The path on the host, made as a directory where nothing is there (blocking). Raises ConfigurationError."""
    root = volume.resolve()
    target = (root / path).resolve()
    if not target.is_relative_to(root):
        raise ConfigurationError(f"failed to prepare subPath for volumeMount: {path} leads out of the volume")
    if not target.exists():
        try:
            target.mkdir(mode=mode, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"failed to create subPath directory for volumeMount: {error}") from error
    return target
