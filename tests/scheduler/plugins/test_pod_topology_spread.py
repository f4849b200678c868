import pytest

from scheduler.cycle import Scheduled, Unschedulable, schedule
from scheduler.plugins.registry import default_plugins
from scheduler.snapshot import Snapshot

WEB = {"app": "web"}


def constraint(key="zone", skew=1, **fields):
    return {
        "topologyKey": key,
        "maxSkew": skew,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": WEB},
        **fields,
    }


def decide(make, spread, counts, **pod):
    """A pod with the constraint, on nodes named after their zones with so many pods each; None: no zone."""
    nodes = []
    for zone, count in counts.items():
        pods = [make.pod_info(f"{zone}{index}", node=zone, labels=WEB) for index in range(count or 0)]
        nodes.append(make.node_info(*pods, name=zone, labels={"zone": zone} if count is not None else {}))
    given = make.pod_info(labels=WEB, topologySpreadConstraints=[spread], **pod)
    return schedule(given, Snapshot(tuple(nodes)), default_plugins(), lambda count: 0)


@pytest.mark.parametrize(
    ("spread", "counts", "chosen"),
    [
        pytest.param(constraint(), {"a": 1, "b": 0}, "b", id="the emptier zone"),
        pytest.param(constraint(), {"a": 1, "b": 2, "c": 1}, "a", id="not the fullest"),
        pytest.param(constraint(whenUnsatisfiable="ScheduleAnyway"), {"a": 3, "b": 1}, "b", id="a preference"),
        pytest.param(constraint(), {"a": None, "b": 4}, "b", id="nodes without the label are no domain"),
    ],
)
def test_choice(make, spread, counts, chosen):
    outcome = decide(make, spread, counts)
    assert isinstance(outcome, Scheduled)
    assert outcome.node_name == chosen


@pytest.mark.parametrize(
    ("spread", "counts", "message"),
    [
        pytest.param(
            constraint(minDomains=2), {"a": 1}, "1 node(s) didn't match pod topology spread constraints.", id="domains"
        ),
        pytest.param(
            constraint(),
            {"a": None},
            "1 node(s) didn't match pod topology spread constraints (missing required label).",
            id="no label",
        ),
    ],
)
def test_messages(make, spread, counts, message):
    outcome = decide(make, spread, counts)
    assert isinstance(outcome, Unschedulable)
    assert message in outcome.message


def test_a_larger_skew_is_allowed_where_asked_for(make):
    outcome = decide(make, constraint(skew=5), {"a": 2, "b": 0}, nodeSelector={"zone": "a"})
    assert isinstance(outcome, Scheduled)


def test_nodes_that_the_pod_cannot_use_are_no_domains(make):
    outcome = decide(make, constraint(), {"a": 2, "b": 0}, nodeSelector={"zone": "a"})
    assert isinstance(outcome, Scheduled)
    everywhere = constraint(nodeAffinityPolicy="Ignore")
    assert isinstance(decide(make, everywhere, {"a": 2, "b": 0}, nodeSelector={"zone": "a"}), Unschedulable)
