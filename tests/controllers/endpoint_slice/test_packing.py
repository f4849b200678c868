from __future__ import annotations

from typing import Any

import pytest

from controllers.endpoint_slice.packing import pack


def endpoint(number: int, *, ready: bool = True) -> dict[str, Any]:
    return {"addresses": [f"10.0.0.{number}"], "conditions": {"ready": ready}, "targetRef": {"uid": f"uid-{number}"}}


def slice_(name: str, *numbers: int) -> dict[str, Any]:
    return {"metadata": {"name": name}, "endpoints": [endpoint(number) for number in numbers]}


def summary(packing) -> dict[str, Any]:
    def numbers(endpoints):
        return sorted(int(e["addresses"][0].rpartition(".")[2]) for e in endpoints)

    return {
        "unchanged": sorted(s["metadata"]["name"] for s in packing.unchanged),
        "update": {s["metadata"]["name"]: numbers(endpoints) for s, endpoints in packing.update},
        "create": [numbers(endpoints) for endpoints in packing.create],
        "empty": sorted(s["metadata"]["name"] for s in packing.empty),
    }


@pytest.mark.parametrize(
    ("slices", "desired", "expected"),
    [
        pytest.param([], [1, 2], {"create": [[1, 2]]}, id="the first endpoints make a slice"),
        pytest.param([slice_("a", 1, 2)], [1, 2], {"unchanged": ["a"]}, id="nothing has changed"),
        pytest.param([slice_("a", 1, 2)], [1], {"update": {"a": [1]}}, id="one is gone"),
        pytest.param([slice_("a", 1, 2)], [], {"empty": ["a"]}, id="all are gone"),
        pytest.param([slice_("a", 1)], [1, 2, 3], {"update": {"a": [1, 2, 3]}}, id="a slice with room is filled"),
        pytest.param(
            [slice_("a", 1, 2, 3), slice_("b", 4, 5, 6)],
            [1, 2, 4, 5, 6, 7],
            {"unchanged": ["b"], "update": {"a": [1, 2, 7]}},
            id="the slice that is written anyway takes the new one",
        ),
        pytest.param(
            [slice_("a", 1), slice_("b", 2, 3)],
            [1, 2, 3, 4],
            {"unchanged": ["a"], "update": {"b": [2, 3, 4]}},
            id="the fullest slice with room takes the new one",
        ),
        pytest.param(
            [slice_("a", 1, 2)],
            [1, 2, 3, 4],
            {"unchanged": ["a"], "create": [[3, 4]]},
            id="what has no room together makes a slice of its own",
        ),
        pytest.param([], range(1, 8), {"create": [[1, 2, 3], [4, 5, 6], [7]]}, id="full slices first"),
        pytest.param(
            [slice_("a", 1, 2, 3, 4)], [1, 2, 3, 4], {"update": {"a": [1, 2, 3]}, "create": [[4]]}, id="too full"
        ),
    ],
)
def test_pack(slices, desired, expected):
    packing = pack(slices, [endpoint(number) for number in desired], 3)
    assert summary(packing) == {"unchanged": [], "update": {}, "create": [], "empty": []} | expected


def test_a_changed_condition_is_written_in_place():
    packing = pack([slice_("a", 1, 2)], [endpoint(1), endpoint(2, ready=False)], 3)
    ((_, endpoints),) = packing.update
    assert [e["conditions"]["ready"] for e in endpoints] == [True, False]
