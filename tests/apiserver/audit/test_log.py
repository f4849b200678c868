from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from apiserver.audit.log import MEGABYTE, AuditLog

LINE = b"x" * (MEGABYTE // 2) + b"\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "audit.log"


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob("audit-*.log"))


def test_lines_are_appended_to_what_is_there(path: Path) -> None:
    for text in (b"one\n", b"two\n"):
        log = AuditLog(str(path))
        log.write(text)
        log.close()
    assert path.read_bytes() == b"one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_is_moved_aside_before_it_grows_too_large(path: Path) -> None:
    log = AuditLog(str(path), max_megabytes=1)
    for _ in range(3):
        log.write(LINE)
    assert path.stat().st_size == len(LINE)
    assert [backup.stat().st_size for backup in backups(path)] == [len(LINE), len(LINE)]


def test_only_so_many_are_kept(path: Path) -> None:
    log = AuditLog(str(path), max_megabytes=1, max_backups=2)
    for _ in range(6):
        log.write(LINE)
    assert len(backups(path)) == 2


def test_old_ones_are_removed(path: Path) -> None:
    log = AuditLog(str(path), max_megabytes=1, max_age_days=1)
    log.write(LINE)
    log.write(LINE)
    long_ago = time.time() - 2 * 86400
    os.utime(backups(path)[0], (long_ago, long_ago))
    log.write(LINE)
    assert len(backups(path)) == 1


def test_two_writers_of_one_file_move_it_once(path: Path) -> None:
    first, second = (AuditLog(str(path), max_megabytes=1) for _ in range(2))
    first.write(LINE)
    first.write(LINE)
    second.write(b"y" * 10 + b"\n")
    second.write(LINE)
    assert len(backups(path)) == 2
    kept = b"".join(file.read_bytes() for file in [*backups(path), path])
    assert kept.count(b"\n") == 4
