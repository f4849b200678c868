"""What is not served is told in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/api/v1/namespaces/default/pods/p/nonsense", id="no such subresource"),
        pytest.param("/api/v1/namespaces/default/pods/p/resize", id="a subresource of a later version"),
        pytest.param("/apis/networking.k8s.io/v1/ipaddresses", id="a kind of a later version"),
        pytest.param("/apis/resource.k8s.io/v1/deviceclasses", id="a group of a later version"),
    ],
)
async def test_a_path_that_nobody_serves(api: Any, path: str) -> None:
    answer = await api("GET", path)
    assert (answer.status, answer.json["reason"], answer.json["details"]) == (404, "NotFound", {})
    assert answer.message == "the server could not find the requested resource"
