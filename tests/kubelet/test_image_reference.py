from __future__ import annotations

import pytest

from kubelet.image_reference import InvalidImageName, parse

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        pytest.param("busybox", "docker.io/library/busybox:latest", id="a bare name"),
        pytest.param("busybox:1.36", "docker.io/library/busybox:1.36", id="a tag"),
        pytest.param("asbubam/hello-node", "docker.io/asbubam/hello-node:latest", id="a user's"),
        pytest.param("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10", id="another registry"),
        pytest.param("localhost/a", "localhost/a:latest", id="localhost"),
        pytest.param("host:5000/a/b", "host:5000/a/b:latest", id="a registry's port is no tag"),
        pytest.param(f"busybox@{DIGEST}", f"docker.io/library/busybox@{DIGEST}", id="a digest"),
        pytest.param(f"busybox:1@{DIGEST}", f"docker.io/library/busybox:1@{DIGEST}", id="a tag and a digest"),
        pytest.param("index.docker.io/library/x", "docker.io/library/x:latest", id="Docker Hub's other name"),
    ],
)
def test_a_reference_is_completed(text: str, normal: str) -> None:
    assert str(parse(text)) == normal


@pytest.mark.parametrize("text", ["", "BusyBox", "a:", "a b", "a//b", "a@sha256:x", "a:-x", "-a", "http://a/b"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidImageName, match="couldn't parse image name"):
        parse(text)
