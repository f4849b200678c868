from __future__ import annotations

from typing import Any

import pytest

from apiserver.admission.priority import (
    NO_CLASS,
    PREEMPT,
    SYSTEM_CLASSES,
    PriorityClass,
    default_class,
    kept,
    with_priority,
)
from minikube_py.api.errors import Forbidden

CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
PODS = "/api/v1/namespaces/default/pods"
MINE = PriorityClass("mine", 7, "Never")


@pytest.mark.parametrize(
    ("spec", "chosen", "priority", "policy"),
    [
        pytest.param({}, NO_CLASS, 0, PREEMPT, id="no class"),
        pytest.param({}, MINE, 7, "Never", id="a class"),
        pytest.param({"priority": 7, "preemptionPolicy": "Never"}, MINE, 7, "Never", id="what it would get"),
        pytest.param({}, SYSTEM_CLASSES["system-node-critical"], 2_000_001_000, PREEMPT, id="node critical"),
    ],
)
def test_a_pod_gets_what_its_class_says(spec: Any, chosen: PriorityClass, priority: int, policy: str) -> None:
    given = with_priority({"spec": spec}, chosen, "p")["spec"]
    assert (given["priority"], given["preemptionPolicy"]) == (priority, policy)
    assert given.get("priorityClassName", "") == chosen.name


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"priority": 8},
            'pods "p" is forbidden: the integer value of priority (8) must not be provided in pod spec; priority '
            "admission controller computed 7 from the given PriorityClass name",
        ),
        (
            {"preemptionPolicy": PREEMPT},
            f'pods "p" is forbidden: the string value of PreemptionPolicy ({PREEMPT}) must not be provided in pod '
            "spec; priority admission controller computed Never from the given PriorityClass name",
        ),
    ],
)
def test_a_priority_of_ones_own_is_refused(spec: Any, message: str) -> None:
    with pytest.raises(Forbidden) as refused:
        with_priority({"spec": spec}, MINE, "p")
    assert refused.value.message == message


def test_the_lowest_of_two_defaults_counts() -> None:
    two = [PriorityClass("b", 9, PREEMPT, True), PriorityClass("a", 5, PREEMPT, True), MINE]
    assert default_class(two).name == "a"
    assert default_class([MINE]) is NO_CLASS


def test_an_update_keeps_what_it_leaves_out() -> None:
    old = {"spec": {"priority": 7, "preemptionPolicy": "Never"}}
    assert kept({"spec": {"x": 1}}, old)["spec"] == {"x": 1, **old["spec"]}
    assert kept(old, old) is old


async def test_classes_over_a_server(api: Any) -> None:
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "x"}], "priorityClassName": "high"},
    }
    answer = await api("POST", PODS, pod)
    assert answer.message == 'pods "p" is forbidden: no PriorityClass with name high was found'
    await api.ok("POST", CLASSES, {"metadata": {"name": "high"}, "value": 1000, "globalDefault": True})
    await api.ok("GET", CLASSES)
    assert (await api.ok("POST", PODS, pod))["spec"]["priority"] == 1000
    del pod["spec"]["priorityClassName"]
    pod["metadata"] = {"name": "q"}
    assert (await api.ok("POST", PODS, pod))["spec"]["priorityClassName"] == "high"
    answer = await api("POST", CLASSES, {"metadata": {"name": "other"}, "value": 1, "globalDefault": True})
    assert answer.message == (
        'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass high is already marked as default. '
        "Only one default can exist"
    )
