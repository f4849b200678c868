"""``fsGroup``: files of a volume belong to a group of the pod's. Follows upstream's ``volume_linux.go``."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_READ_WRITE = 0o660
_READ_ONLY = 0o440
_EXECUTE = 0o110


def set_group(directory: Path, group: int, *, read_only: bool) -> None:
    """Gives everything under ``directory`` to ``group`` (blocking); new files in it follow by the setgid bit."""
    for path in (directory, *directory.rglob("*")):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            os.lchown(path, -1, group)
            continue
        os.chown(path, -1, group)
        mask = _READ_ONLY if read_only else _READ_WRITE
        if stat.S_ISDIR(status.st_mode):
            mask |= _EXECUTE | stat.S_ISGID
        path.chmod(stat.S_IMODE(status.st_mode) | mask)
