from __future__ import annotations

import pytest

from proxy.conntrack import Flow, UdpTargets, changed_targets, parse_flows, stale_flows
from proxy.endpoints import Backend

ONE, TWO = Backend("10.244.0.5", 53), Backend("10.244.0.6", 53)
NOTHING: frozenset[Backend] = frozenset()

LISTING = """\
udp      17 28 src=10.244.0.9 dst=10.96.0.10 sport=41000 dport=53 src=10.244.0.5 dst=10.244.0.9 sport=53 dport=41000 mark=0 use=1
udp      17 29 src=192.0.2.9 dst=192.0.2.10 sport=41000 dport=30053 [UNREPLIED] src=192.0.2.10 dst=192.0.2.9 sport=30053 dport=41000 mark=0 use=1
udp      17 29 src=10.244.0.9 dst=198.51.100.1 sport=41000 dport=30053 src=198.51.100.1 dst=192.0.2.10 sport=30053 dport=9 [ASSURED] use=1
garbage
"""  # noqa: E501
CLUSTER = Flow("10.96.0.10", 53, ONE)
HERE = Flow("192.0.2.10", 30053, Backend("192.0.2.10", 30053))
ELSEWHERE = Flow("198.51.100.1", 30053, Backend("198.51.100.1", 30053))


def test_flows_are_read_from_the_program():
    assert parse_flows(LISTING) == {CLUSTER, HERE, ELSEWHERE}


@pytest.mark.parametrize(
    ("targets", "stale"),
    [
        pytest.param(UdpTargets({("10.96.0.10", 53): frozenset({ONE, TWO})}), (), id="endpoint still there"),
        pytest.param(UdpTargets({("10.96.0.10", 53): frozenset({TWO})}), (CLUSTER,), id="endpoint gone"),
        pytest.param(UdpTargets({("10.96.0.10", 53): NOTHING}), (CLUSTER,), id="service gone"),
        pytest.param(UdpTargets({("10.96.0.10", 54): NOTHING}), (), id="another port"),
        pytest.param(UdpTargets({}, {30053: frozenset({ONE})}), (HERE,), id="node port, only on this host's address"),
    ],
)
def test_stale_flows(targets: UdpTargets, stale: tuple[Flow, ...]):
    assert stale_flows(parse_flows(LISTING), targets, lambda address: address == "192.0.2.10") == stale


def test_only_what_differs_is_looked_at():
    old = UdpTargets({("a", 1): frozenset({ONE}), ("b", 1): frozenset({ONE})}, {1: frozenset({ONE})})
    new = UdpTargets({("a", 1): frozenset({ONE}), ("c", 1): frozenset({TWO})}, {1: frozenset({TWO})})
    assert changed_targets(old, new) == UdpTargets(
        {("b", 1): NOTHING, ("c", 1): frozenset({TWO})}, {1: frozenset({TWO})}
    )
