"""Writes a payload so that a reader sees either all of the old files or all of the new ones.

The layout is upstream's (``pkg/volume/util/atomic_writer.go``): the files are in a directory ``..<time>.<random>``,
``..data`` is a symbolic link to it that is replaced by a rename, and each name at the top is a link into ``..data``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path, PurePosixPath

from kubelet.volumes.ownership import set_group
from kubelet.volumes.plugin import Payload, VolumeError

_DATA = "..data"
_NEW_DATA = "..data_tmp"
_LONGEST_PATH = 4096
_LONGEST_NAME = 255


def write(directory: Path, payload: Payload, now: datetime, fs_group: int | None = None) -> bool:
    """Makes ``directory`` show exactly ``payload`` (blocking); False where it did already.

    Raises VolumeError for a path that would leave the directory.
    """
    for path in payload:
        _validate(path)
    current = directory / _DATA
    old_data = current.resolve() if current.is_symlink() and current.exists() else None
    if old_data is not None and _matches(old_data, payload):
        return False
    new_data = Path(tempfile.mkdtemp(prefix=f"..{now:%Y_%m_%d_%H_%M_%S}.", dir=directory))
    new_data.chmod(0o755)
    for path, file in payload.items():
        target = new_data / path
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        target.write_bytes(file.data)
        target.chmod(file.mode)
        if file.owner is not None:
            os.chown(target, file.owner, -1)
    if fs_group is not None:
        set_group(new_data, fs_group, read_only=True)
    link = directory / _NEW_DATA
    link.unlink(missing_ok=True)
    link.symlink_to(new_data.name)
    link.rename(current)
    tops = {PurePosixPath(path).parts[0] for path in payload}
    for top in tops:
        if not (directory / top).is_symlink():
            (directory / top).symlink_to(f"{_DATA}/{top}")
    for entry in directory.iterdir():
        if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in tops:
            entry.unlink()
    if old_data is not None:
        shutil.rmtree(old_data, ignore_errors=True)
    return True


def _validate(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or len(path) > _LONGEST_PATH:
        raise VolumeError(f"invalid path: must be relative and not empty: {path}")
    if ".." in parts:
        raise VolumeError(f"invalid path: must not contain '..': {path}")
    if parts[0].startswith(".."):
        raise VolumeError(f"invalid path: must not start with '..': {path}")
    if any(len(part) > _LONGEST_NAME for part in parts):
        raise VolumeError(f"invalid path: filename must be less than or equal to {_LONGEST_NAME} characters: {path}")


def _matches(data: Path, payload: Payload) -> bool:
    present = {str(path.relative_to(data)) for path in data.rglob("*") if not path.is_dir()}
    if present != {str(PurePosixPath(path)) for path in payload}:
        return False
    return all((data / path).read_bytes() == file.data for path, file in payload.items())
