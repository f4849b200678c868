"""Mounting tmpfs and unmounting, by the C library: a subprocess for each would cost more than the volume."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any

from kubelet.volumes.plugin import VolumeError

_MNT_DETACH = 2


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def tmpfs(directory: Path, size_bytes: int | None) -> None:
    """Mounts a tmpfs (blocking). Raises VolumeError."""
    options = f"size={size_bytes}" if size_bytes else ""
    if _libc().mount(b"tmpfs", os.fsencode(directory), b"tmpfs", ctypes.c_ulong(0), options.encode()):
        raise VolumeError(f"mount of tmpfs on {directory} failed: {os.strerror(ctypes.get_errno())}")


def unmount(directory: Path) -> None:
    """Detaches what is mounted there (blocking). Raises VolumeError."""
    if _libc().umount2(os.fsencode(directory), _MNT_DETACH):
        raise VolumeError(f"unmount of {directory} failed: {os.strerror(ctypes.get_errno())}")
