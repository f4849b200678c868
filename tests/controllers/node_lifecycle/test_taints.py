from datetime import UTC, datetime

import pytest

from controllers.node_lifecycle.taints import compute_taints
from minikube_py.api.meta import Object

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOT_READY, UNREACHABLE = ("not-ready", "NoSchedule"), ("unreachable", "NoSchedule")
NOT_READY_EVICTS, UNREACHABLE_EVICTS = ("not-ready", "NoExecute"), ("unreachable", "NoExecute")
FOREIGN = ("mine", "NoExecute")
Shown = tuple[str, str]


def node(taints: list[Shown], *, unschedulable: bool = False, **conditions: str) -> Object:
    return {
        "spec": {
            "unschedulable": unschedulable,
            "taints": [{"key": f"node.kubernetes.io/{key}", "effect": effect} for key, effect in taints],
        },
        "status": {"conditions": [{"type": name, "status": status} for name, status in conditions.items()]},
    }


@pytest.mark.parametrize(
    ("observed", "may_evict", "expected"),
    [
        pytest.param(node([NOT_READY]), True, [NOT_READY], id="a node that never reported keeps its taint of birth"),
        pytest.param(node([NOT_READY, NOT_READY_EVICTS], Ready="True"), False, [], id="a ready node loses all at once"),
        pytest.param(node([], Ready="False"), False, [NOT_READY], id="not ready, before the zone's turn"),
        pytest.param(node([], Ready="False"), True, [NOT_READY, NOT_READY_EVICTS], id="not ready, at the zone's turn"),
        pytest.param(
            node([NOT_READY, NOT_READY_EVICTS], Ready="Unknown"),
            False,
            [UNREACHABLE, UNREACHABLE_EVICTS],
            id="one taint is exchanged for the other at any time",
        ),
        pytest.param(node([FOREIGN], Ready="True"), True, [FOREIGN], id="other people's taints are kept"),
        pytest.param(
            node([], Ready="True", MemoryPressure="True", DiskPressure="True", PIDPressure="True"),
            True,
            [(f"{name}-pressure", "NoSchedule") for name in ("memory", "disk", "pid")],
            id="pressure",
        ),
        pytest.param(
            node([], Ready="True", NetworkUnavailable="True"),
            True,
            [("network-unavailable", "NoSchedule")],
            id="no network",
        ),
        pytest.param(
            node([], unschedulable=True, Ready="True"), True, [("unschedulable", "NoSchedule")], id="cordoned"
        ),
        pytest.param(node([("unschedulable", "NoSchedule")], Ready="True"), True, [], id="uncordoned"),
    ],
)
def test_taints(observed: Object, may_evict: bool, expected: list[Shown]) -> None:
    result = compute_taints(observed, may_evict=may_evict, all_disrupted=False, now=NOW)
    shown = [(taint["key"].removeprefix("node.kubernetes.io/"), taint["effect"]) for taint in result.taints]
    assert sorted(shown) == sorted(expected)
    assert result.changed == (result.taints != observed["spec"]["taints"])


def test_added_taints_tell_when() -> None:
    result = compute_taints(node([], Ready="False"), may_evict=True, all_disrupted=False, now=NOW)
    assert {taint["timeAdded"] for taint in result.taints} == {"2026-01-01T00:00:00Z"}
    assert result.evicts
    assert not result.awaits_eviction


def test_where_all_is_disrupted_nothing_is_evicted() -> None:
    observed = node([UNREACHABLE, UNREACHABLE_EVICTS], Ready="Unknown")
    result = compute_taints(observed, may_evict=True, all_disrupted=True, now=NOW)
    assert [taint["effect"] for taint in result.taints] == ["NoSchedule"]
    assert not result.evicts
    assert not result.awaits_eviction
