from __future__ import annotations

from typing import Any

import pytest

from controllers.daemon_set.placement import Placement, daemon_pod, daemon_tolerations, placement, target_node
from minikube_py.api.meta import Object

RUN, STAY, LEAVE = Placement(True, True), Placement(False, True), Placement(False, False)


def daemon_set(**pod_spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {
            "name": "agent",
            "namespace": "default",
            "uid": "u",
            "annotations": {"deprecated.daemonset.template.generation": "3"},
        },
        "spec": {"template": {"metadata": {"labels": {"app": "agent"}}, "spec": pod_spec}},
    }


def node(*taints: tuple[str, str], **labels: str) -> Object:
    listed = [{"key": key, "effect": effect} for key, effect in taints]
    return {"metadata": {"name": "n1", "labels": labels}, "spec": {"taints": listed}}


def affinity(key: str, *values: str) -> Object:
    term = {"matchExpressions": [{"key": key, "operator": "In", "values": list(values)}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


@pytest.mark.parametrize(
    ("pod_spec", "on", "expected"),
    [
        pytest.param({}, node(), RUN, id="a plain daemon runs anywhere"),
        pytest.param({"nodeName": "n1"}, node(), RUN, id="a template that names this node"),
        pytest.param({"nodeName": "n2"}, node(), LEAVE, id="a template that names another node"),
        pytest.param({"nodeSelector": {"disk": "ssd"}}, node(disk="ssd"), RUN, id="the node selector matches"),
        pytest.param({"nodeSelector": {"disk": "ssd"}}, node(disk="hdd"), LEAVE, id="the node selector differs"),
        pytest.param({"affinity": affinity("disk", "ssd")}, node(disk="ssd"), RUN, id="the affinity matches"),
        pytest.param({"affinity": affinity("disk", "ssd")}, node(), LEAVE, id="the affinity does not match"),
        pytest.param({}, node(("mine", "NoSchedule")), STAY, id="a new NoSchedule taint leaves what runs"),
        pytest.param({}, node(("mine", "NoExecute")), LEAVE, id="a NoExecute taint drives out"),
        pytest.param({}, node(("mine", "PreferNoSchedule")), RUN, id="a preference is no reason"),
        pytest.param(
            {"tolerations": [{"operator": "Exists"}]}, node(("mine", "NoExecute")), RUN, id="everything is tolerated"
        ),
        *(
            pytest.param({}, node((f"node.kubernetes.io/{key}", effect)), RUN, id=f"{key} is tolerated")
            for key, effect in (
                ("not-ready", "NoExecute"),
                ("unreachable", "NoExecute"),
                ("disk-pressure", "NoSchedule"),
                ("memory-pressure", "NoSchedule"),
                ("pid-pressure", "NoSchedule"),
                ("unschedulable", "NoSchedule"),
            )
        ),
        pytest.param(
            {},
            node(("node.kubernetes.io/network-unavailable", "NoSchedule")),
            STAY,
            id="a node without network takes no pod of the pod network",
        ),
        pytest.param(
            {"hostNetwork": True},
            node(("node.kubernetes.io/network-unavailable", "NoSchedule")),
            RUN,
            id="a node without network takes a pod of its own network",
        ),
    ],
)
def test_placement(pod_spec: Object, on: Object, expected: Placement) -> None:
    assert placement(daemon_set(**pod_spec), on) == expected


def test_a_toleration_that_is_given_is_not_added_again() -> None:
    given = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
    tolerations = daemon_tolerations({"tolerations": [given]})
    assert tolerations[0] == given
    assert len(tolerations) == 6


def test_a_pod_is_pinned_to_its_node_in_place_of_what_chose_it() -> None:
    template = {"affinity": {**affinity("disk", "ssd"), "podAntiAffinity": {"x": []}}}
    pod = daemon_pod(daemon_set(**template), "n7", "abc")
    field = {"key": "metadata.name", "operator": "In", "values": ["n7"]}
    assert pod["spec"]["affinity"] == {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [field]}]}
        },
        "podAntiAffinity": {"x": []},
    }
    assert pod["metadata"]["labels"] == {
        "app": "agent",
        "controller-revision-hash": "abc",
        "pod-template-generation": "3",
    }
    assert pod["metadata"]["generateName"] == "agent-"
    assert target_node(pod) == "n7"
    assert "nodeName" not in pod["spec"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"nodeName": "n1"}, "n1", id="bound"),
        pytest.param({}, "", id="neither bound nor pinned"),
        pytest.param({"affinity": affinity("metadata.name", "n1")}, "", id="a label of that name is no pin"),
    ],
)
def test_target_node(spec: Object, expected: str) -> None:
    assert target_node({"spec": spec}) == expected
