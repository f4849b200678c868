"""Which changes wake a pod that a plugin rejected."""

import pytest

from scheduler.plugins.plugin import Change, ClusterEvent
from scheduler.plugins.registry import default_plugins

PLUGINS = {plugin.name: plugin for plugin in default_plugins()}
TAINT = {"key": "k", "effect": "NoSchedule"}
PORT = [{"containerPort": 80, "hostPort": 80}]


@pytest.mark.parametrize(
    ("plugin", "pod", "old", "new", "helps"),
    [
        pytest.param("NodeResourcesFit", {"cpu": "2"}, None, {"cpu": "4"}, True, id="a large node comes"),
        pytest.param("NodeResourcesFit", {"cpu": "2"}, None, {"cpu": "1"}, False, id="a small node comes"),
        pytest.param("NodeResourcesFit", {"cpu": "2"}, {"cpu": "1"}, {"cpu": "4"}, True, id="a node grows"),
        pytest.param("NodeResourcesFit", {"cpu": "2"}, {}, {"labels": {"a": "b"}}, False, id="a heartbeat for fit"),
        pytest.param("NodeAffinity", {"nodeSelector": {"a": "b"}}, {}, {"labels": {"a": "b"}}, True, id="a label"),
        pytest.param("NodeAffinity", {"nodeSelector": {"a": "b"}}, {}, {"cpu": "9"}, False, id="no label"),
        pytest.param("TaintToleration", {}, {"taints": [TAINT]}, {}, True, id="the taint is gone"),
        pytest.param("TaintToleration", {}, {"taints": [TAINT]}, {"taints": [TAINT]}, False, id="it is not gone"),
        pytest.param("TaintToleration", {}, {}, {}, False, id="there was none"),
        pytest.param("NodeUnschedulable", {}, {"unschedulable": True}, {}, True, id="uncordoned"),
        pytest.param("NodeUnschedulable", {}, {}, {"unschedulable": True}, False, id="cordoned"),
        pytest.param("NodePorts", {"ports": PORT}, {}, {"cpu": "9"}, False, id="ports need more than a larger node"),
        pytest.param("NodePorts", {"ports": PORT}, None, {}, True, id="a node with free ports"),
        pytest.param("InterPodAffinity", {}, {}, {"labels": {"zone": "b"}}, True, id="another zone for affinity"),
        pytest.param("InterPodAffinity", {}, {}, {}, False, id="a heartbeat for affinity"),
        pytest.param("PodTopologySpread", {}, {}, {"labels": {"zone": "b"}}, True, id="another zone for spread"),
        pytest.param("PodTopologySpread", {}, {}, {}, False, id="a heartbeat for spread"),
        pytest.param("VolumeBinding", {}, None, {}, False, id="a node brings no claim"),
    ],
)
def test_node_events(make, plugin, pod, old, new, helps):
    event = ClusterEvent(
        Change.NODE_ADDED if old is None else Change.NODE_UPDATED,
        old_node=None if old is None else make.node(**old),
        new_node=make.node(**new),
    )
    assert PLUGINS[plugin].helps(make.pod_info(**pod), event) is helps


@pytest.mark.parametrize(
    ("plugin", "pod", "gone", "helps"),
    [
        pytest.param("NodeResourcesFit", {"cpu": "2"}, {"cpu": "1"}, True, id="room is made"),
        pytest.param("NodePorts", {"ports": PORT}, {"ports": PORT}, True, id="the port is given back"),
        pytest.param("NodePorts", {"ports": PORT}, {}, False, id="no port is given back"),
        pytest.param("NodeAffinity", {}, {}, False, id="pods don't change labels of nodes"),
        pytest.param("TaintToleration", {}, {}, False, id="nor taints"),
        pytest.param("NodeUnschedulable", {}, {}, False, id="nor cordons"),
    ],
)
def test_a_pod_is_gone(make, plugin, pod, gone, helps):
    event = ClusterEvent(Change.POD_DELETED, old_pod=make.pod_info("gone", node="n1", **gone))
    assert PLUGINS[plugin].helps(make.pod_info(**pod), event) is helps
