import pytest

from scheduler.cycle import NO_NODES, Scheduled, Unschedulable, schedule
from scheduler.plugins.registry import default_plugins
from scheduler.snapshot import Snapshot

PREFIX = "0/1 nodes are available: "
NO_VICTIMS = " preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
NOT_HELPFUL = " preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}


def decide(pod, *nodes):
    return schedule(pod, Snapshot(tuple(nodes)), default_plugins(), lambda count: 0)


@pytest.mark.parametrize(
    ("pod", "node", "message"),
    [
        pytest.param({"cpu": "4100m"}, {}, "1 Insufficient cpu." + NOT_HELPFUL, id="larger than the node"),
        pytest.param(
            {"cpu": "2", "memory": "1Gi"},
            {"taken": {"cpu": "3"}},
            "1 Insufficient cpu." + NO_VICTIMS,
            id="larger than what is left",
        ),
        pytest.param(
            {"cpu": "5", "memory": "9Gi"},
            {},
            "1 Insufficient cpu, 1 Insufficient memory." + NOT_HELPFUL,
            id="two resources",
        ),
        pytest.param({}, {"pods": "1", "taken": {}}, "1 Too many pods." + NO_VICTIMS, id="too many pods"),
        pytest.param(
            {"nodeSelector": {"a": "b"}},
            {},
            "1 node(s) didn't match Pod's node affinity/selector." + NOT_HELPFUL,
            id="selector",
        ),
        pytest.param({}, {"taints": [TAINT]}, "1 node(s) had untolerated taint {k: v}." + NOT_HELPFUL, id="taint"),
        pytest.param({}, {"unschedulable": True}, "1 node(s) were unschedulable." + NOT_HELPFUL, id="cordoned"),
        pytest.param(
            {"ports": [{"containerPort": 80, "hostPort": 80}]},
            {"taken": {"ports": [{"containerPort": 8080, "hostPort": 80}]}},
            "1 node(s) didn't have free ports for the requested pod ports." + NO_VICTIMS,
            id="port",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]},
            {},
            'persistentvolumeclaim "data" not found.' + NOT_HELPFUL,
            id="a claim that is not there",
        ),
        pytest.param(
            {"cpu": "5", "preemptionPolicy": "Never"},
            {},
            "1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.",
            id="no preemption wanted",
        ),
    ],
)
def test_messages_are_those_of_upstream(make, pod, node, message):
    taken = [make.pod_info("other", node="n1", **node.pop("taken"))] if "taken" in node else []
    outcome = decide(make.pod_info(**pod), make.node_info(*taken, **node))
    assert isinstance(outcome, Unschedulable)
    assert outcome.message == PREFIX + message


def test_reasons_of_several_nodes_are_counted(make):
    outcome = decide(
        make.pod_info(cpu="1"),
        make.node_info(name="a", cpu="500m"),
        make.node_info(name="b", cpu="500m"),
        make.node_info(name="c", taints=[TAINT]),
    )
    assert isinstance(outcome, Unschedulable)
    assert outcome.message == (
        "0/3 nodes are available: 1 node(s) had untolerated taint {k: v}, 2 Insufficient cpu. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    assert outcome.rejected_by == {"NodeResourcesFit", "TaintToleration"}


def test_no_nodes(make):
    assert decide(make.pod_info()) == Unschedulable(NO_NODES, frozenset())


def test_the_only_feasible_node_is_taken(make):
    outcome = decide(make.pod_info(cpu="1"), make.node_info(name="a", cpu="500m"), make.node_info(name="b"))
    assert outcome == Scheduled("b", evaluated_nodes=2, feasible_nodes=1)


@pytest.mark.parametrize(
    ("pod", "nodes", "chosen"),
    [
        pytest.param({"cpu": "1"}, [{"name": "a", "cpu": "4"}, {"name": "b", "cpu": "8"}], "b", id="most left"),
        pytest.param(
            {}, [{"name": "a", "taints": [TAINT | {"effect": "PreferNoSchedule"}]}, {"name": "b"}], "b", id="taints"
        ),
        pytest.param(
            {
                "affinity": {
                    "nodeAffinity": {
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            {
                                "weight": 10,
                                "preference": {"matchExpressions": [{"key": "ssd", "operator": "Exists"}]},
                            }
                        ]
                    }
                }
            },
            [{"name": "a"}, {"name": "b", "labels": {"ssd": "yes"}}],
            "b",
            id="preferred affinity",
        ),
        pytest.param({}, [{"name": "a"}, {"name": "b"}], "a", id="equal nodes: the choice is the caller's"),
    ],
)
def test_scores(make, pod, nodes, chosen):
    outcome = decide(make.pod_info(**pod), *(make.node_info(**node) for node in nodes))
    assert isinstance(outcome, Scheduled)
    assert outcome.node_name == chosen


def test_an_empty_node_is_preferred(make):
    busy = make.node_info(make.pod_info("x", cpu="2", memory="4Gi", node="a"), name="a")
    outcome = decide(make.pod_info(cpu="100m"), busy, make.node_info(name="b"))
    assert isinstance(outcome, Scheduled)
    assert outcome.node_name == "b"


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param({"tolerations": [{"operator": "Exists"}]}, id="tolerates everything"),
        pytest.param({"tolerations": [{"key": "k", "value": "v", "effect": "NoSchedule"}]}, id="tolerates the taint"),
    ],
)
def test_a_tolerated_taint_is_no_obstacle(make, pod):
    assert isinstance(decide(make.pod_info(**pod), make.node_info(taints=[TAINT])), Scheduled)


def test_ports_on_different_addresses_do_not_conflict(make):
    def at(address):
        return [{"containerPort": 80, "hostPort": 80, "hostIP": address}]

    taken = make.node_info(make.pod_info("x", node="n1", ports=at("10.0.0.1")))
    assert isinstance(decide(make.pod_info(ports=at("10.0.0.2")), taken), Scheduled)
    assert isinstance(decide(make.pod_info(ports=at("")), taken), Unschedulable)
