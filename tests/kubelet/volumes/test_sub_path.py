from __future__ import annotations

from pathlib import Path

import pytest

from kubelet.environment import ConfigurationError
from kubelet.volumes.sub_path import resolve, sub_path
from minikube_py.api.meta import Object


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        pytest.param({}, "", id="the whole volume"),
        pytest.param({"subPath": "a/b"}, "a/b", id="a path"),
        pytest.param({"subPathExpr": "$(POD)/x"}, "web/x", id="an expression"),
    ],
)
def test_paths(mount: Object, expected: str) -> None:
    assert sub_path(mount, {"POD": "web"}) == expected


@pytest.mark.parametrize(
    "mount",
    [
        pytest.param({"subPath": "../a"}, id="climbing"),
        pytest.param({"subPath": "/a"}, id="absolute"),
        pytest.param({"subPathExpr": "$(NONE)"}, id="an unknown variable"),
    ],
)
def test_bad_paths_are_refused(mount: Object) -> None:
    with pytest.raises(ConfigurationError):
        sub_path(mount, {})


def test_a_missing_directory_is_made_and_a_link_out_is_refused(tmp_path: Path) -> None:
    assert resolve(tmp_path, "a/b").is_dir()
    (tmp_path / "out").symlink_to("/etc")
    with pytest.raises(ConfigurationError, match="leads out of the volume"):
        resolve(tmp_path, "out/passwd")


def test_a_link_inside_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert resolve(tmp_path, "link") == (tmp_path / "real").resolve()


def test_made_directories_have_the_volume_s_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert resolve(tmp_path, "a/b").stat().st_mode & 0o777 == 0o777
