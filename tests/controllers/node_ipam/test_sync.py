from ipaddress import ip_network

import pytest

from controllers.actions import Emit, Patch
from controllers.node_ipam.sync import Observation, subnet_numbers, sync
from minikube_py.api.meta import Object

CLUSTER = ip_network("10.244.0.0/16")


def node(**spec: object) -> Object:
    return {"metadata": {"name": "one", "uid": "u1"}, "spec": spec}


@pytest.mark.parametrize(
    ("observation", "cidr"),
    [
        pytest.param(Observation(node(), "", CLUSTER, 24, ()), "10.244.0.0/24", id="the first node gets the first"),
        pytest.param(Observation(node(), "", CLUSTER, 24, {0, 1}, 1), "10.244.2.0/24", id="the next one the next"),
        pytest.param(Observation(node(), "", CLUSTER, 24, {0, 2}, 2), "10.244.3.0/24", id="a freed one waits its turn"),
        pytest.param(Observation(node(), "", CLUSTER, 17, {1}, 1), "10.244.0.0/17", id="the search begins anew"),
        pytest.param(
            Observation(node(), "10.244.9.0/24", CLUSTER, 24, {9}), "10.244.9.0/24", id="what was promised is given"
        ),
        pytest.param(
            Observation(node(), "", ip_network("fd00::/48"), 64, {0}, 0), "fd00:0:0:1::/64", id="an IPv6 network"
        ),
    ],
)
def test_a_node_gets_its_network(observation: Observation, cidr: str) -> None:
    (action,) = sync(observation)
    assert isinstance(action, Patch)
    assert action.name == "one"
    given = action.patch["spec"]["podCIDR"]
    assert ip_network(given) == ip_network(cidr)
    assert action.patch == {"metadata": {"uid": "u1"}, "spec": {"podCIDR": given, "podCIDRs": [given]}}


def test_none_left_is_told() -> None:
    (action,) = sync(Observation(node(), "", CLUSTER, 17, {0, 1}))
    assert isinstance(action, Emit)
    assert (action.reason, action.message) == ("CIDRNotAvailable", "Node one status is now: CIDRNotAvailable")


def test_a_node_keeps_its_network() -> None:
    assert sync(Observation(node(podCIDR="10.244.5.0/24"), "", CLUSTER, 24, ())) == ()


@pytest.mark.parametrize(
    ("cidrs", "numbers"),
    [
        pytest.param(["10.244.3.0/24"], [3], id="one subnet"),
        pytest.param(["10.244.4.0/23"], [4, 5], id="a larger network takes several"),
        pytest.param(["10.244.4.128/25"], [4], id="a smaller one takes the whole"),
        pytest.param(["fd00::/64", "10.244.1.0/24"], [1], id="the other family is passed over"),
        pytest.param(["192.168.0.0/24"], [], id="another network takes nothing"),
        pytest.param([], [], id="no network"),
    ],
)
def test_subnet_numbers(cidrs: list[str], numbers: list[int]) -> None:
    assert list(subnet_numbers(CLUSTER, 24, cidrs)) == numbers
