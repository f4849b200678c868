from __future__ import annotations

import socket
from pathlib import Path

import pytest

from kubelet.volumes.host_path import HostPathVolume
from kubelet.volumes.plugin import VolumeError


def set_up(path: Path, kind: str) -> Path:
    return HostPathVolume().set_up({}, {"path": str(path), "type": kind}, path)


@pytest.mark.parametrize("kind", ["", "DirectoryOrCreate"])
def test_a_missing_directory_is_made(tmp_path: Path, kind: str) -> None:
    assert set_up(tmp_path / "a" / "b", kind).is_dir()


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    assert set_up(tmp_path / "f", "FileOrCreate").is_file()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Directory", "is not a directory"),
        ("File", "is not a file"),
        ("Socket", "is not a socket file"),
        ("CharDevice", "is not a character device"),
        ("BlockDevice", "is not a block device"),
    ],
)
def test_what_must_be_there_and_is_not_is_refused(tmp_path: Path, kind: str, message: str) -> None:
    with pytest.raises(VolumeError, match=f"hostPath type check failed: .*none {message}"):
        set_up(tmp_path / "none", kind)


def test_types_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="is not a file"):
        set_up(tmp_path, "File")
    assert set_up(Path("/dev/null"), "CharDevice") == Path("/dev/null")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert set_up(tmp_path / "s", "Socket")
