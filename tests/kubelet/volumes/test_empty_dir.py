from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kubelet.volumes.empty_dir import EmptyDirVolume
from kubelet.volumes.plugin import VolumeError


def test_it_is_open_to_everybody_and_left_alone_the_second_time(tmp_path: Path) -> None:
    directory = EmptyDirVolume().set_up({}, {}, tmp_path / "v")
    assert stat.S_IMODE(directory.stat().st_mode) == 0o777
    directory.chmod(0o2770)
    EmptyDirVolume().set_up({}, {}, directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o2770


def test_an_unknown_medium_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match='unknown storage medium "Tape"'):
        EmptyDirVolume().set_up({}, {"medium": "Tape"}, tmp_path / "v")
