"""Where audit events are written: a file that is rotated by size, or standard output."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

MEGABYTE = 1024 * 1024
_STAMP = "%Y-%m-%dT%H-%M-%S.%f"


class AuditLog:
    """Appends lines; ``path`` ``-`` is standard output.

    A file that would grow above ``max_megabytes`` is moved aside as ``NAME-TIME.EXTENSION``, as upstream's; at most
    ``max_backups`` of those are kept, none older than ``max_age_days`` (0: no limit each). Several processes may append
    to one file. Raises OSError where it can't be opened or written.
    """

    def __init__(self, path: str, *, max_megabytes: int = 0, max_backups: int = 0, max_age_days: int = 0) -> None:
        self._path = Path(path)
        self._limit = max_megabytes * MEGABYTE
        self._max_backups = max_backups
        self._max_age = timedelta(days=max_age_days)
        self._descriptor = sys.stdout.fileno() if path == "-" else self._open()
        self._is_file = path != "-"

    def _open(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, line: bytes) -> None:
        """Appends one line, newline included."""
        # Again, because the file that another process has begun meanwhile may be full as well.
        while self._is_file and self._limit and self._size() and self._size() + len(line) > self._limit:
            self._rotate(len(line))
        os.write(self._descriptor, line)

    def close(self) -> None:
        """Closes the file."""
        if self._is_file:
            os.close(self._descriptor)

    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def _rotate(self, coming: int) -> None:
        with self._alone():
            try:
                is_current = os.stat(self._path).st_ino == os.fstat(self._descriptor).st_ino
            except FileNotFoundError:
                is_current = False
            if is_current and self._size() and self._size() + coming > self._limit:
                self._path.rename(self._backup())
                self._prune()
        os.close(self._descriptor)
        self._descriptor = self._open()

    def _backup(self) -> Path:
        moment = datetime.now(UTC)
        while True:
            stamp = moment.strftime(_STAMP)[:-3]
            backup = self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}")
            if not backup.exists():
                return backup
            # Two within a millisecond must not become one.
            moment += timedelta(milliseconds=1)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps the other processes that write to the same file from moving it at the same time."""
        lock = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _prune(self) -> None:
        backups = sorted(self._path.parent.glob(f"{self._path.stem}-*{self._path.suffix}"), reverse=True)
        oldest = time.time() - self._max_age.total_seconds()
        for number, backup in enumerate(backups):
            too_many = self._max_backups and number >= self._max_backups
            too_old = self._max_age and backup.stat().st_mtime < oldest
            if too_many or too_old:
                backup.unlink(missing_ok=True)
