from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api import resources


def slice_of(**endpoint: Any) -> dict[str, Any]:
    return {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"], **endpoint}], "ports": []}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(slice_of(hints={"forZones": [{"name": "a"}]}), [], id="a hint"),
        pytest.param(
            slice_of(hints={"forZones": [{"name": "a"}, {"name": "a"}]}),
            ['Duplicate endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
            id="a hint twice",
        ),
        pytest.param(
            slice_of(hints={"forZones": [{"name": f"z{index}"} for index in range(9)]}),
            ["TooMany endpoints[0].hints.forZones: Too many: 9: must have at most 8 items"],
            id="many hints",
        ),
        pytest.param(
            slice_of(deprecatedTopology={f"k{index}": "v" for index in range(17)}),
            ["TooMany endpoints[0].deprecatedTopology: Too many: 17: must have at most 16 items"],
            id="much topology",
        ),
    ],
)
def test_a_slice(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(resources.ENDPOINT_SLICES, obj)) == expected
