from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kubelet.node.facts import HostFacts
from kubelet.node.status import (
    NodeObservation,
    NodeSettings,
    Pressure,
    allocatable,
    new_node,
    node_status,
    not_ready_cause,
    significant,
    transitions,
)
from kubelet.runtime import ImageStatus, RuntimeCondition, RuntimeStatus, RuntimeVersion

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = HostFacts(4, 8 << 30, 100 << 30, "m", "s", "b", "6.1", "Debian", "amd64")
SETTINGS = NodeSettings("n", "10.0.0.1", 10250, "v1.32.0", memory_eviction_bytes=100 << 20, storage_eviction_share=0.1)
UP = RuntimeStatus(RuntimeCondition(True), RuntimeCondition(True))
SEEN = NodeObservation(NOW, UP, RuntimeVersion("docker", "20.10.24", "1.41"))


def test_allocatable_is_less_what_is_reserved_and_the_eviction_threshold() -> None:
    found = allocatable(replace(SETTINGS, reserved={"cpu": "500m", "memory": "1Gi"}), FACTS)
    assert found == {
        "cpu": "3500m",
        "memory": f"{(7 << 20) - (100 << 10)}Ki",
        "ephemeral-storage": str((100 << 30) * 9 // 10),
        "pods": "110",
    }


def test_a_ready_node() -> None:
    status = node_status(SETTINGS, FACTS, SEEN, {})
    assert [(c["type"], c["status"], c["reason"]) for c in status["conditions"]] == [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID"),
        ("Ready", "True", "KubeletReady"),
    ]
    assert status["nodeInfo"]["containerRuntimeVersion"] == "docker://20.10.24"
    assert status["capacity"]["cpu"] == "4"


def test_the_version_is_kept_while_the_runtime_is_down() -> None:
    before = node_status(SETTINGS, FACTS, SEEN, {})
    down = node_status(SETTINGS, FACTS, NodeObservation(NOW, None), before)
    assert down["nodeInfo"]["containerRuntimeVersion"] == "docker://20.10.24"


@pytest.mark.parametrize(
    ("runtime", "cause"),
    [
        pytest.param(UP, "", id="all is well"),
        pytest.param(None, "container runtime is down", id="the runtime is down"),
        pytest.param(
            RuntimeStatus(RuntimeCondition(True), RuntimeCondition(False, "NetworkPluginNotReady", "no config")),
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:no config",
            id="no network",
        ),
        pytest.param(
            RuntimeStatus(RuntimeCondition(False, "R", "r"), RuntimeCondition(False, "N", "n")),
            "[container runtime not ready: RuntimeReady=false reason:R message:r, "
            "container runtime network not ready: NetworkReady=false reason:N message:n]",
            id="both",
        ),
    ],
)
def test_why_a_node_is_not_ready(runtime: RuntimeStatus | None, cause: str) -> None:
    assert not_ready_cause(runtime) == cause


def test_times_of_conditions() -> None:
    first = node_status(SETTINGS, FACTS, SEEN, {})
    later = replace(SEEN, now=NOW + timedelta(minutes=1), pressure=Pressure(memory=True))
    second = node_status(SETTINGS, FACTS, later, first)
    memory, disk = second["conditions"][0], second["conditions"][1]
    assert memory["lastTransitionTime"] == disk["lastHeartbeatTime"] == "2026-01-01T00:01:00Z"
    assert disk["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert transitions(second, first) == ["NodeHasInsufficientMemory"]


def test_heartbeats_alone_are_not_significant() -> None:
    first = node_status(SETTINGS, FACTS, SEEN, {})
    second = node_status(SETTINGS, FACTS, replace(SEEN, now=NOW + timedelta(minutes=1)), first)
    assert significant(first) == significant(second)
    assert first != second


def test_the_largest_fifty_named_images_are_told() -> None:
    images = (*(ImageStatus(f"i{n}", (f"r:{n}",), size_bytes=n) for n in range(60)), ImageStatus("none"))
    shown = node_status(SETTINGS, FACTS, replace(SEEN, images=images), {})["images"]
    assert len(shown) == 50
    assert shown[0] == {"names": ["r:59"], "sizeBytes": 59}


def test_a_new_node_has_its_labels_and_taints() -> None:
    node = new_node(replace(SETTINGS, labels={"a": "b"}, taints=[{"key": "k", "effect": "NoSchedule"}]), FACTS, {})
    assert node["metadata"]["labels"]["a"] == "b"
    assert node["metadata"]["labels"]["kubernetes.io/arch"] == "amd64"
    assert node["spec"]["taints"] == [{"key": "k", "effect": "NoSchedule"}]
