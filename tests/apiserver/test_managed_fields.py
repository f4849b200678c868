"""Who is said to write."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.managed_fields import manager_errors, with_entries

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
ENTRY = {"manager": "a"}


@pytest.mark.parametrize(
    ("user_agent", "manager"),
    [
        pytest.param("kubectl/v1.32.0 (linux/amd64) kubernetes/70d3cc9", "kubectl", id="kubectl"),
        pytest.param("OpenAPI-Generator/32.0/python", "OpenAPI-Generator", id="the Python client"),
        pytest.param("curl", "curl", id="a name alone"),
        pytest.param("", "unknown", id="none"),
        pytest.param("a\tb/1", "ab", id="what cannot be printed is left out"),
        pytest.param("m" * 200 + "/1", "m" * 128, id="a long one is cut"),
    ],
)
async def test_the_user_agent_names_the_manager(api: Any, user_agent: str, manager: str) -> None:
    created = await api.ok(
        "POST", CONFIG_MAPS, {"metadata": {"name": "s"}, "data": {"a": "1"}}, headers={"user-agent": user_agent}
    )
    assert created["metadata"]["managedFields"][0]["manager"] == manager


async def test_what_the_server_makes_for_itself_is_its_own(api: Any) -> None:
    namespace = await api.ok("GET", "/api/v1/namespaces/kube-system")
    assert {entry["manager"] for entry in namespace["metadata"]["managedFields"]} == {"kube-apiserver"}


@pytest.mark.parametrize(
    ("manager", "details"),
    [
        pytest.param("helm", [], id="a plain name"),
        pytest.param("ü" * 64, [], id="as long as may be"),
        pytest.param("ü" * 65, ["Too long: may not be more than 128 bytes"], id="too many bytes"),
        pytest.param("a\n", ['Invalid value: "a\\n": should only contain printable characters'], id="a line break"),
    ],
)
def test_a_field_manager_is_checked(manager: str, details: list[str]) -> None:
    assert [str(error).partition(": ")[2] for error in manager_errors(manager)] == details


def test_an_object_that_has_its_entries_is_left_alone() -> None:
    entries = [ENTRY]
    obj = {"metadata": {"name": "a", "managedFields": entries}}
    assert with_entries(obj, entries) is obj
    assert with_entries(obj, []) == {"metadata": {"name": "a"}}
    bare = {"metadata": {"name": "a"}}
    assert with_entries(bare, []) is bare
    assert with_entries(bare, entries) == obj
    assert bare == {"metadata": {"name": "a"}}


async def test_a_version_that_is_not_served_is_forgotten_with_its_managers(api: Any) -> None:
    created = await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "s"}, "data": {"a": "1"}})
    old = {
        "manager": "old",
        "operation": "Update",
        "apiVersion": "v0",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:a": {}}},
    }
    created["metadata"]["managedFields"].append(old)
    created["data"]["b"] = "1"
    updated = await api.ok("PUT", f"{CONFIG_MAPS}/s", created)
    assert "old" not in {entry["manager"] for entry in updated["metadata"]["managedFields"]}
