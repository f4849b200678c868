from typing import Any

import pytest

from minikube_py.api import nodes

TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}
NODE = {"metadata": {"name": "n1", "labels": {"zone": "a", "cores": "8"}}}


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        pytest.param({"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"}, True, id="equal"),
        pytest.param({"key": "k", "value": "v"}, True, id="any effect"),
        pytest.param({"key": "k", "operator": "Exists"}, True, id="exists"),
        pytest.param({"operator": "Exists"}, True, id="everything"),
        pytest.param({"key": "k", "value": "w"}, False, id="another value"),
        pytest.param({"key": "j", "operator": "Exists"}, False, id="another key"),
        pytest.param({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False, id="another effect"),
        pytest.param({"value": "v"}, False, id="no key"),
    ],
)
def test_tolerates(toleration: dict[str, Any], tolerated: bool) -> None:
    assert nodes.tolerates([toleration], TAINT) is tolerated
    assert nodes.untolerated([TAINT], [toleration]) == ([] if tolerated else [TAINT])


def test_a_preference_is_no_obstacle() -> None:
    assert nodes.untolerated([{**TAINT, "effect": "PreferNoSchedule"}], []) == []


@pytest.mark.parametrize(
    ("term", "matches"),
    [
        pytest.param({}, False, id="an empty term"),
        pytest.param({"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}, True, id="in"),
        pytest.param({"matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["a"]}]}, True, id="not in"),
        pytest.param({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}, False, id="does not exist"),
        pytest.param({"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["4"]}]}, True, id="greater"),
        pytest.param({"matchExpressions": [{"key": "cores", "operator": "Lt", "values": ["8"]}]}, False, id="less"),
        pytest.param({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}, True, id="name"),
    ],
)
def test_node_selector(term: dict[str, Any], matches: bool) -> None:
    assert nodes.node_selector_matches({"nodeSelectorTerms": [term]}, NODE) is matches
    pod = {
        "spec": {
            "nodeSelector": {"zone": "a"},
            "affinity": {
                "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
            },
        }
    }
    assert nodes.matches_node_affinity(pod, NODE) is matches


def test_standing() -> None:
    node = {
        "metadata": {"name": "n1"},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "Hostname", "address": "h"}, {"type": "InternalIP", "address": "10.0.0.1"}],
        },
    }
    assert nodes.is_ready(node)
    assert nodes.internal_ip(node) == "10.0.0.1"
    assert nodes.hostname(node) == "h"
