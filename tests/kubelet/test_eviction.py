from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kubelet.eviction import (
    MEMORY,
    NODE_FS,
    PressureState,
    Reading,
    Shortage,
    choose,
    next_pressure,
    parse_thresholds,
    shortages,
)
from minikube_py.api.meta import Object

from .pods import container, pod

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MI = 1 << 20


def asking(name: str, memory: str, **spec: object) -> Object:
    return pod(name, container(resources={"requests": {"memory": memory}} if memory else {}), **spec)


def test_thresholds_are_amounts_or_shares() -> None:
    found = shortages(
        parse_thresholds({NODE_FS: "10%", MEMORY: "100Mi"}),
        {MEMORY: Reading(99 * MI, 1000 * MI), NODE_FS: Reading(9, 100)},
    )
    assert found == (Shortage(MEMORY, 100 * MI, 99 * MI), Shortage(NODE_FS, 10, 9))


def test_enough_is_no_shortage() -> None:
    assert shortages(parse_thresholds({MEMORY: "100Mi"}), {MEMORY: Reading(100 * MI, 1000 * MI)}) == ()


def test_an_unknown_signal_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unsupported eviction signal pid\.available"):
        parse_thresholds({"pid.available": "10%"})


def test_pressure_is_taken_back_five_minutes_after_the_shortage() -> None:
    state = next_pressure(PressureState(), [Shortage(MEMORY, 2, 1)], NOW)
    assert state.under([MEMORY])
    assert next_pressure(state, [], NOW + timedelta(minutes=4)).under([MEMORY])
    assert not next_pressure(state, [], NOW + timedelta(minutes=5)).under([MEMORY])


@pytest.mark.parametrize(
    ("pods", "usage", "expected"),
    [
        pytest.param(
            [asking("small", "10Mi"), asking("greedy", "10Mi")],
            {"uid-small": {"c": 5 * MI}, "uid-greedy": {"c": 50 * MI}},
            "greedy",
            id="who uses more than it asked for",
        ),
        pytest.param(
            [asking("low", "", priority=0), asking("high", "", priority=10)],
            {"uid-low": {"c": 5 * MI}, "uid-high": {"c": 50 * MI}},
            "low",
            id="the lower priority among those",
        ),
        pytest.param(
            [asking("a", "", priority=0), asking("b", "")],
            {"uid-a": {"c": 5 * MI}, "uid-b": {"c": 6 * MI}},
            "b",
            id="the larger excess at last",
        ),
        pytest.param(
            [asking("critical", "", priority=2_000_000_000), asking("mine", "100Mi")],
            {"uid-critical": {"c": 500 * MI}, "uid-mine": {"c": 5 * MI}},
            "mine",
            id="never a critical pod",
        ),
    ],
)
def test_the_victim_of_a_memory_shortage(pods: list[Object], usage: dict[str, dict[str, int]], expected: str) -> None:
    victim = choose(Shortage(MEMORY, 100 * MI, 50 * MI), pods, usage)
    assert victim is not None
    assert victim.pod["metadata"]["name"] == expected


def test_the_message_names_the_containers_that_use_more_than_they_asked_for() -> None:
    victim = choose(Shortage(MEMORY, 100 * MI, 50 * MI), [asking("p", "10Mi")], {"uid-p": {"c": 20 * MI}})
    assert victim is not None
    assert victim.message == (
        "The node was low on resource: memory. Threshold quantity: 102400Ki, available: 51200Ki. "
        "Container c was using 20480Ki, request is 10Mi, has larger consumption of memory. "
    )


def test_nobody_is_evicted_where_all_are_critical() -> None:
    assert choose(Shortage(MEMORY, 2, 1), [asking("p", "", priority=2_000_000_000)], {}) is None


def test_a_disk_shortage_takes_the_lowest_quality_of_service() -> None:
    guaranteed = pod(
        "g", container(resources={"limits": {"cpu": "1", "memory": "1Mi"}, "requests": {"cpu": "1", "memory": "1Mi"}})
    )
    victim = choose(Shortage(NODE_FS, 2, 1), [guaranteed, asking("b", "")], {})
    assert victim is not None
    assert victim.pod["metadata"]["name"] == "b"
