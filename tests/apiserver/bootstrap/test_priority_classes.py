"""The priority classes that a cluster is born with."""

from __future__ import annotations

from typing import Any


async def test_the_system_classes_are_there(api: Any) -> None:
    items = (await api.ok("GET", "/apis/scheduling.k8s.io/v1/priorityclasses"))["items"]
    assert {item["metadata"]["name"]: item["value"] for item in items} == {
        "system-cluster-critical": 2_000_000_000,
        "system-node-critical": 2_000_001_000,
    }


async def test_a_user_cannot_make_one_of_that_name(api: Any) -> None:
    body = {"metadata": {"name": "system-mine"}, "value": 2_000_000_000}
    assert (await api("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", body)).status in (403, 422)
