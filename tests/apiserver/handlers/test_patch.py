"""What upstream says of patches whose outcome is refused, by the type of the patch."""

from __future__ import annotations

from typing import Any

import pytest

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
JSON_PATCH = {"content-type": "application/json-patch+json"}
MERGE_PATCH = {"content-type": "application/merge-patch+json"}
STRATEGIC_PATCH = {"content-type": "application/strategic-merge-patch+json"}


@pytest.fixture
async def path(api: Any) -> str:
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "s"}, "data": {"a": "1"}})
    return f"{CONFIG_MAPS}/s"


@pytest.mark.parametrize(
    ("headers", "patch", "complaint"),
    [
        pytest.param(MERGE_PATCH, b'{"foo":1}', 'unknown field "foo"', id="an unknown field in a merge patch"),
        pytest.param(
            MERGE_PATCH, b'{"data":{"b":"1","b":"2"}}', 'duplicate field "data.b"', id="a field twice in a merge patch"
        ),
        pytest.param(STRATEGIC_PATCH, b'{"foo":1}', 'unknown field "foo"', id="an unknown field in a strategic patch"),
        pytest.param(
            STRATEGIC_PATCH,
            b'{"data":{"b":"1","b":"2"}}',
            'duplicate field "data.b"',
            id="a field twice in a strategic patch",
        ),
        pytest.param(
            JSON_PATCH,
            b'[{"op":"add","path":"/foo","value":1}]',
            'unknown field "foo"',
            id="an unknown field by a JSON patch",
        ),
    ],
)
async def test_complaints(api: Any, path: str, headers: Any, patch: bytes, complaint: str) -> None:
    strict = await api("PATCH", f"{path}?fieldValidation=Strict", patch, headers=headers)
    assert (strict.status, strict.json["reason"]) == (422, "Invalid")
    assert strict.message.startswith(' "" is invalid: patch: Invalid value: "')
    assert strict.message.endswith(f": strict decoding error: {complaint}")
    warned = await api("PATCH", path, patch, headers=headers)
    assert warned.status == 200
    assert [complaint.replace('"', '\\"') in warning for warning in warned.warnings] == [True]
    ignored = await api("PATCH", f"{path}?fieldValidation=Ignore", patch, headers=headers)
    assert (ignored.status, ignored.warnings) == (200, ())


async def test_a_strategic_patch_is_shown_as_go_prints_it(api: Any, path: str) -> None:
    answer = await api("PATCH", path, {"data": {"a": 1}}, headers=STRATEGIC_PATCH)
    assert answer.status == 422
    assert answer.message.startswith(' "" is invalid: patch: Invalid value: "map[data:map[a:1]]": ')


async def test_of_a_merge_patch_the_outcome_is_shown(api: Any, path: str) -> None:
    answer = await api("PATCH", path, {"data": {"a": 1}}, headers=MERGE_PATCH)
    assert answer.status == 422
    assert answer.message.startswith(' "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"v1\\",')
    assert answer.message.endswith("json: cannot unmarshal number into Go struct field ConfigMap.data of type string")
    assert answer.json["details"]["causes"][0]["field"] == "patch"
