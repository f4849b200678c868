"""What is not supported is refused by name."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        pytest.param("POST", "pods/p/portforward", "port-forward (pods/portforward)", id="port-forward"),
        pytest.param("PATCH", "pods/p/ephemeralcontainers", "ephemeral containers", id="debug"),
        pytest.param("POST", "pods/p/eviction", "eviction", id="eviction"),
        pytest.param("GET", "services/s/proxy", "proxying to services", id="proxy"),
    ],
)
async def test_a_subresource_is_refused_by_name(api: Any, method: str, path: str, name: str) -> None:
    answer = await api(method, f"/api/v1/namespaces/default/{path}", {})
    assert (answer.status, answer.json["reason"], answer.json["details"]) == (404, "NotFound", {})
    assert f"{name} " in answer.message or f"{name}(" in answer.message
    assert answer.message.endswith("is not supported by this server")


async def test_a_path_that_nobody_serves_is_told_in_upstreams_words(api: Any) -> None:
    answer = await api("GET", "/api/v1/namespaces/default/pods/p/nonsense")
    assert answer.message == "the server could not find the requested resource"
