from __future__ import annotations

from typing import Any

import pytest

CONFIG_MAP = {"metadata": {"name": "x"}}


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_namespaces_that_are_needed_stay(api: Any, name: str) -> None:
    answer = await api("DELETE", f"/api/v1/namespaces/{name}")
    assert (answer.status, answer.message) == (
        403,
        f'namespaces "{name}" is forbidden: this namespace may not be deleted',
    )


async def test_nothing_is_created_in_a_namespace_that_is_not_there(api: Any) -> None:
    answer = await api("POST", "/api/v1/namespaces/x/configmaps", CONFIG_MAP)
    assert (answer.status, answer.message) == (404, 'namespaces "x" not found')


async def test_nothing_is_created_in_a_namespace_that_is_going(api: Any) -> None:
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "x"}})
    await api.ok("POST", "/api/v1/namespaces/x/configmaps", {"metadata": {"name": "kept"}})
    await api("DELETE", "/api/v1/namespaces/x")
    await api.ok("GET", "/api/v1/namespaces")
    answer = await api("POST", "/api/v1/namespaces/x/configmaps", CONFIG_MAP)
    assert (answer.status, answer.message) == (
        403,
        'configmaps "x" is forbidden: unable to create new content in namespace x because it is being terminated',
    )
    assert answer.json["details"]["causes"] == [
        {
            "reason": "NamespaceTerminating",
            "message": "namespace x is being terminated",
            "field": "metadata.namespace",
        }
    ]
    patch = {"data": {"a": "b"}}
    headers = {"content-type": "application/merge-patch+json"}
    assert (await api("PATCH", "/api/v1/namespaces/x/configmaps/kept", patch, headers=headers)).status == 200
