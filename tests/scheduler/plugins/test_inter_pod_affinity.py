import pytest

from scheduler.cycle import Scheduled, Unschedulable, schedule
from scheduler.plugins.registry import default_plugins
from scheduler.snapshot import Snapshot

WEB = {"app": "web"}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def term(key="kubernetes.io/hostname", **fields):
    return {"labelSelector": {"matchLabels": WEB}, "topologyKey": key, **fields}


def required(kind, *terms):
    return {kind: {REQUIRED: list(terms)}}


def decide(pod, *nodes, namespaces=None):
    return schedule(pod, Snapshot(tuple(nodes), namespaces or {}), default_plugins(), lambda count: 0)


def nodes_with(make, *pods):
    """Nodes ``a`` (with the pods) and ``b``, in zones of the same names."""
    return (
        make.node_info(*pods, name="a", labels={"zone": "a"}),
        make.node_info(name="b", labels={"zone": "b"}),
    )


@pytest.mark.parametrize(
    ("affinity", "chosen"),
    [
        pytest.param(required("podAffinity", term()), "a", id="near"),
        pytest.param(required("podAffinity", term("zone")), "a", id="in the same zone"),
        pytest.param(required("podAntiAffinity", term()), "b", id="not near"),
        pytest.param({"podAffinity": {PREFERRED: [{"weight": 50, "podAffinityTerm": term()}]}}, "a", id="rather near"),
        pytest.param(
            {"podAntiAffinity": {PREFERRED: [{"weight": 50, "podAffinityTerm": term()}]}}, "b", id="rather not"
        ),
    ],
)
def test_terms_of_the_pod(make, affinity, chosen):
    outcome = decide(make.pod_info(affinity=affinity), *nodes_with(make, make.pod_info("other", node="a", labels=WEB)))
    assert isinstance(outcome, Scheduled)
    assert outcome.node_name == chosen


def test_an_existing_pod_keeps_others_away(make):
    lonely = make.pod_info("other", node="a", labels=WEB, affinity=required("podAntiAffinity", term("zone")))
    nodes = nodes_with(make, lonely)
    outcome = decide(make.pod_info(labels=WEB), *nodes)
    assert isinstance(outcome, Scheduled)
    assert outcome.node_name == "b"
    alone = decide(make.pod_info(labels=WEB), nodes[0])
    assert isinstance(alone, Unschedulable)
    assert "1 node(s) didn't satisfy existing pods anti-affinity rules." in alone.message
    assert alone.rejected_by == {"InterPodAffinity"}


def test_the_first_of_a_group_may_start_anywhere(make):
    affinity = required("podAffinity", term())
    assert isinstance(decide(make.pod_info(labels=WEB, affinity=affinity), *nodes_with(make)), Scheduled)
    outcome = decide(make.pod_info(affinity=affinity), *nodes_with(make))
    assert isinstance(outcome, Unschedulable)
    assert "2 node(s) didn't match pod affinity rules." in outcome.message


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        pytest.param({}, False, id="its own namespace alone"),
        pytest.param({"namespaces": ["shop"]}, True, id="named"),
        pytest.param({"namespaceSelector": {}}, True, id="all"),
        pytest.param({"namespaceSelector": {"matchLabels": {"team": "x"}}}, True, id="by label"),
        pytest.param({"namespaceSelector": {"matchLabels": {"team": "y"}}}, False, id="by another label"),
    ],
)
def test_namespaces(make, fields, matches):
    other = make.pod("other", node="a", labels=WEB)
    other["metadata"]["namespace"] = "shop"
    node = make.node_info(type(make.pod_info()).of(other), name="a")
    affinity = required("podAntiAffinity", term(**fields))
    outcome = decide(make.pod_info(affinity=affinity), node, namespaces={"shop": {"team": "x"}, "default": {}})
    assert isinstance(outcome, Unschedulable) is matches
