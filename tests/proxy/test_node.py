from __future__ import annotations

from typing import Any

import pytest

from proxy.node import Peer, Route, desired_routes, is_ours, parse_routes, peers

CIDRS = {"cluster_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/12"}


def node(name: str, address: str = "192.0.2.2", cidr: str = "10.244.1.0/24") -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"podCIDR": cidr, "podCIDRs": [cidr]} if cidr else {},
        "status": {"addresses": [{"type": "InternalIP", "address": address}] if address else []},
    }


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param([node("other")], (Peer("192.0.2.2", "10.244.1.0/24"),), id="another node"),
        pytest.param([node("here")], (), id="this node"),
        pytest.param([node("other", cidr="")], (), id="no pod CIDR yet"),
        pytest.param([node("other", address="")], (), id="no address yet"),
        pytest.param([node("other", address="fd00::1", cidr="fd01::/64")], (), id="IPv6 only"),
    ],
)
def test_peers(nodes: list[dict[str, Any]], expected: tuple[Peer, ...]):
    assert peers(nodes, "here") == expected


def test_routes_of_a_node_with_a_peer():
    routes = desired_routes([Peer("192.0.2.2", "10.244.1.0/24")], **CIDRS, source="192.0.2.1")
    assert [" ".join(route.words()) for route in routes] == [
        "unreachable 10.244.0.0/16 metric 4096 proto 109",
        "unicast 10.96.0.0/12 dev lo src 192.0.2.1 metric 4096 mtu 1500 proto 109",
        "unicast 10.244.1.0/24 via 192.0.2.2 proto 109",
    ]


def test_routes_are_read_back_as_they_were_made():
    text = """[
      {"type":"unicast","dst":"10.96.0.0/12","dev":"lo","protocol":"109","scope":"link","prefsrc":"192.0.2.1",
       "metric":4096,"flags":[],"metrics":[{"mtu":1500}]},
      {"type":"unreachable","dst":"10.244.0.0/16","dev":"lo","protocol":"109","scope":"global","metric":4096,"flags":[]},
      {"type":"unicast","dst":"10.244.1.0/24","gateway":"192.0.2.2","dev":"eth0","protocol":"109","flags":[]}
    ]"""
    desired = desired_routes([Peer("192.0.2.2", "10.244.1.0/24")], **CIDRS, source="192.0.2.1")
    assert set(parse_routes(text)) == set(desired)
    assert parse_routes("") == ()


@pytest.mark.parametrize(
    ("destination", "ours"),
    [("10.244.3.0/24", True), ("10.96.0.0/12", True), ("10.245.0.0/16", False), ("10.96.0.0/16", False)],
)
def test_routes_of_another_cluster_are_left_alone(destination: str, ours: bool):
    assert is_ours(Route(destination), **CIDRS) is ours
