from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kubelet.volumes.atomic_writer import write
from kubelet.volumes.plugin import File, VolumeError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_files_are_read_through_the_data_link(tmp_path: Path) -> None:
    assert write(tmp_path, {"a": File(b"1", 0o640), "d/b": File(b"2", 0o644)}, NOW)
    assert (tmp_path / "a").read_bytes() == b"1"
    assert (tmp_path / "d" / "b").read_bytes() == b"2"
    assert (tmp_path / "a").readlink() == Path("..data/a")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "..data").readlink().name.startswith("..2026_01_01_00_00_00.")


def test_the_same_payload_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1", 0o644)}, NOW)
    before = (tmp_path / "..data").readlink()
    assert not write(tmp_path, {"a": File(b"1", 0o644)}, NOW)
    assert (tmp_path / "..data").readlink() == before


def test_an_update_replaces_everything_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1", 0o644), "gone": File(b"x", 0o644)}, NOW)
    assert write(tmp_path, {"a": File(b"2", 0o644), "new": File(b"3", 0o644)}, NOW)
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith("..")) == ["a", "new"]
    assert (tmp_path / "a").read_bytes() == b"2"
    assert len([p for p in tmp_path.iterdir() if p.name.startswith("..2026")]) == 1


def test_an_empty_payload_is_an_empty_directory(tmp_path: Path) -> None:
    assert write(tmp_path, {}, NOW)
    assert not write(tmp_path, {}, NOW)


def test_fs_group_owns_every_file(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1", 0o600)}, NOW, fs_group=os.getgid())
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("path", ["../a", "/a", "..a", "a/../../b", "", "a" * 256])
def test_a_path_that_would_leave_or_hide_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(VolumeError, match="invalid path"):
        write(tmp_path, {path: File(b"", 0o644)}, NOW)
