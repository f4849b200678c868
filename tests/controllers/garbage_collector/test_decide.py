from __future__ import annotations

from typing import Any

import pytest

from controllers.garbage_collector.decide import DeleteItem, Observation, OwnerState, RewriteOwners, decide

SOLID, DANGLING, WAITING = OwnerState.SOLID, OwnerState.DANGLING, OwnerState.WAITING


def item(*uids: str, **metadata: Any) -> dict[str, Any]:
    references = [{"uid": uid, "blockOwnerDeletion": True} for uid in uids]
    return {"metadata": {"ownerReferences": references, **metadata}}


@pytest.mark.parametrize(
    ("given", "states", "dependents", "expected"),
    [
        pytest.param(item(), {}, "none", (), id="no owner at all"),
        pytest.param(item("a"), {"a": SOLID}, "none", (), id="its owner is there"),
        pytest.param(item("a"), {"a": DANGLING}, "none", (DeleteItem("Background"),), id="its owner is gone"),
        pytest.param(
            item("a", "b"),
            {"a": SOLID, "b": DANGLING},
            "none",
            (RewriteOwners(({"uid": "a", "blockOwnerDeletion": True},)),),
            id="one of two owners is gone",
        ),
        pytest.param(
            item("a", "b"),
            {"a": SOLID, "b": WAITING},
            "some",
            (RewriteOwners(({"uid": "a", "blockOwnerDeletion": True},)),),
            id="one of two owners is being deleted in the foreground",
        ),
        pytest.param(
            item("a"), {"a": WAITING}, "none", (DeleteItem("Background"),), id="a leaf of a foreground deletion"
        ),
        pytest.param(item("a"), {"a": WAITING}, "some", (DeleteItem("Foreground"),), id="a branch of one"),
        pytest.param(
            item("a"),
            {"a": WAITING},
            "waiting",
            (RewriteOwners(({"uid": "a", "blockOwnerDeletion": False},)), DeleteItem("Foreground")),
            id="a cycle is broken by unblocking",
        ),
        pytest.param(
            item("a", finalizers=["orphan"]), {"a": DANGLING}, "some", (DeleteItem("Orphan"),), id="it asks to orphan"
        ),
        pytest.param(
            item("a", finalizers=["foregroundDeletion"]),
            {"a": DANGLING},
            "some",
            (DeleteItem("Foreground"),),
            id="it asks for the foreground",
        ),
        pytest.param(
            item("a", deletionTimestamp="2026-01-01T00:00:00Z"), {"a": DANGLING}, "none", (), id="it is going already"
        ),
        pytest.param(item("new"), {"old": DANGLING}, "none", (), id="its owners are others by now"),
    ],
)
def test_decide(given, states, dependents, expected):
    observation = Observation(given, states, dependents != "none", dependents == "waiting")
    assert decide(observation) == expected
