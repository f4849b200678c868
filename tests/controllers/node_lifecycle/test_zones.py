import pytest

from controllers.node_lifecycle.zones import EvictionLimits, assess
from minikube_py.api.meta import Object

LIMITS = EvictionLimits(rate=0.1, secondary_rate=0.01, unhealthy_threshold=0.55, large_cluster_size=50)


def nodes(zone: str, ready: int, unhealthy: int) -> list[Object]:
    return [
        {
            "metadata": {"name": f"{zone}-{number}", "labels": {"topology.kubernetes.io/zone": zone}},
            "status": {"conditions": [{"type": "Ready", "status": "True" if number < ready else "Unknown"}]},
        }
        for number in range(ready + unhealthy)
    ]


@pytest.mark.parametrize(
    ("cluster", "rates", "all_disrupted"),
    [
        pytest.param([], [], False, id="no nodes"),
        pytest.param(nodes("a", 5, 1), [0.1], False, id="one of many"),
        pytest.param(nodes("a", 1, 2), [0.1], False, id="two are never most"),
        pytest.param(nodes("a", 1, 3), [0.0], False, id="most of a small zone"),
        pytest.param(nodes("a", 20, 40), [0.01], False, id="most of a large zone"),
        pytest.param(nodes("a", 0, 1), [0.0], True, id="the only node"),
        pytest.param([*nodes("a", 0, 4), *nodes("b", 1, 0)], [0.1, 0.1], False, id="a whole zone of two"),
        pytest.param([*nodes("a", 0, 1), *nodes("b", 0, 1)], [0.0, 0.0], True, id="every zone"),
    ],
)
def test_assess(cluster: list[Object], rates: list[float], all_disrupted: bool) -> None:
    disruption = assess(cluster, LIMITS)
    assert list(disruption.rates.values()) == rates
    assert disruption.all_disrupted == all_disrupted
