"""The ruleset's text, case by case. ``@`` stands for the hash in names."""

from __future__ import annotations

import re

import pytest

from proxy.endpoints import Backend, ServicePort
from proxy.rules import Network, port_rules, ruleset
from proxy.ruleset import replacement

CIDR = "10.244.0.0/16"
ONE, TWO = Backend("10.244.0.5", 8080), Backend("10.244.1.6", 8080)


def web(**given: object) -> ServicePort:
    defaults = {"cluster_endpoints": (ONE, TWO), "has_any_endpoint": True}
    return ServicePort("ns", "web", "http", "tcp", "10.96.0.7", 80, **(defaults | given))


def text(port: ServicePort) -> str:
    rules = port_rules(port, CIDR)
    lines = [f"{name}: {rule}" for name, chain in rules.chains for rule in chain.rules]
    lines += [f"set {name}: {declaration}" for name, declaration in rules.sets]
    lines += [f"{name} {{ {key} : {verdict} }}" for name, key, verdict in rules.elements]
    return re.sub(r"\b[A-Z2-7]{8}\b", "@", "\n".join(lines)) + "\n"


CLUSTER = """\
service-@-ns/web/tcp/http: numgen random mod 2 vmap { 0 : goto endpoint-@-ns/web/tcp/http__10.244.0.5/8080, \
1 : goto endpoint-@-ns/web/tcp/http__10.244.1.6/8080 }
"""
ENDPOINT_ONE = """\
endpoint-@-ns/web/tcp/http__10.244.0.5/8080: ip saddr 10.244.0.5 jump mark-for-masquerade
endpoint-@-ns/web/tcp/http__10.244.0.5/8080: meta l4proto tcp dnat to 10.244.0.5:8080
"""
ENDPOINTS = (
    ENDPOINT_ONE
    + """\
endpoint-@-ns/web/tcp/http__10.244.1.6/8080: ip saddr 10.244.1.6 jump mark-for-masquerade
endpoint-@-ns/web/tcp/http__10.244.1.6/8080: meta l4proto tcp dnat to 10.244.1.6:8080
"""
)
EXTERNAL = """\
external-@-ns/web/tcp/http: jump mark-for-masquerade
external-@-ns/web/tcp/http: goto service-@-ns/web/tcp/http
"""
EXTERNAL_LOCAL = """\
external-@-ns/web/tcp/http: ip saddr 10.244.0.0/16 goto service-@-ns/web/tcp/http
external-@-ns/web/tcp/http: fib saddr type local jump mark-for-masquerade
external-@-ns/web/tcp/http: fib saddr type local goto service-@-ns/web/tcp/http
"""
LOCAL = "local-@-ns/web/tcp/http: numgen random mod 1 vmap { 0 : goto endpoint-@-ns/web/tcp/http__10.244.0.5/8080 }\n"
ON_CLUSTER_IP = "service-ips { 10.96.0.7 . tcp . 80 : goto service-@-ns/web/tcp/http }\n"
ON_NODE_PORT = "service-nodeports { tcp . 30080 : goto external-@-ns/web/tcp/http }\n"


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        pytest.param(web(), CLUSTER + ENDPOINTS + ON_CLUSTER_IP, id="ClusterIP"),
        pytest.param(
            web(node_port=30080),
            CLUSTER + ENDPOINTS + EXTERNAL + ON_CLUSTER_IP + ON_NODE_PORT,
            id="NodePort",
        ),
        pytest.param(
            web(load_balancer_ips=("192.0.2.1",), external_ips=("203.0.113.1",)),
            CLUSTER
            + ENDPOINTS
            + EXTERNAL
            + ON_CLUSTER_IP
            + "service-ips { 192.0.2.1 . tcp . 80 : goto external-@-ns/web/tcp/http }\n"
            + "service-ips { 203.0.113.1 . tcp . 80 : goto external-@-ns/web/tcp/http }\n",
            id="load balancer's and external addresses",
        ),
        pytest.param(
            web(load_balancer_ips=("192.0.2.1",), node_port=30080, source_ranges=("10.1.2.3/8", "10.9.0.0/16")),
            CLUSTER
            + ENDPOINTS
            + EXTERNAL
            + "firewall-@-ns/web/tcp/http: ip saddr { 10.0.0.0/8 } goto external-@-ns/web/tcp/http\n"
            + "firewall-@-ns/web/tcp/http: drop\n"
            + ON_CLUSTER_IP
            + "service-ips { 192.0.2.1 . tcp . 80 : goto firewall-@-ns/web/tcp/http }\n"
            + ON_NODE_PORT,
            id="source ranges, which overlap",
        ),
        pytest.param(
            web(node_port=30080, external_local=True, local_endpoints=(ONE,)),
            CLUSTER
            + LOCAL
            + ENDPOINTS
            + EXTERNAL_LOCAL
            + "external-@-ns/web/tcp/http: goto local-@-ns/web/tcp/http\n"
            + ON_CLUSTER_IP
            + ON_NODE_PORT,
            id="external policy Local",
        ),
        pytest.param(
            web(node_port=30080, external_local=True),
            CLUSTER + ENDPOINTS + EXTERNAL_LOCAL + "external-@-ns/web/tcp/http: drop\n" + ON_CLUSTER_IP + ON_NODE_PORT,
            id="external policy Local with none here",
        ),
        pytest.param(
            web(internal_local=True, cluster_endpoints=(), local_endpoints=(ONE,)),
            LOCAL + ENDPOINT_ONE + "service-ips { 10.96.0.7 . tcp . 80 : goto local-@-ns/web/tcp/http }\n",
            id="internal policy Local",
        ),
        pytest.param(
            web(internal_local=True, cluster_endpoints=()),
            "no-endpoint-services { 10.96.0.7 . tcp . 80 : drop }\n",
            id="internal policy Local with none here",
        ),
        pytest.param(
            web(cluster_endpoints=(), has_any_endpoint=False, node_port=30080, load_balancer_ips=("192.0.2.1",)),
            "no-endpoint-services { 10.96.0.7 . tcp . 80 : goto reject-chain }\n"
            "no-endpoint-services { 192.0.2.1 . tcp . 80 : goto reject-chain }\n"
            "no-endpoint-nodeports { tcp . 30080 : goto reject-chain }\n",
            id="no endpoints",
        ),
        pytest.param(
            web(cluster_endpoints=(ONE,), affinity_seconds=60),
            """\
service-@-ns/web/tcp/http: ip saddr @affinity-60-@-ns/web/tcp/http__10.244.0.5/8080 goto \
endpoint-@-ns/web/tcp/http__10.244.0.5/8080
service-@-ns/web/tcp/http: numgen random mod 1 vmap { 0 : goto endpoint-@-ns/web/tcp/http__10.244.0.5/8080 }
endpoint-@-ns/web/tcp/http__10.244.0.5/8080: ip saddr 10.244.0.5 jump mark-for-masquerade
endpoint-@-ns/web/tcp/http__10.244.0.5/8080: update @affinity-60-@-ns/web/tcp/http__10.244.0.5/8080 { ip saddr }
endpoint-@-ns/web/tcp/http__10.244.0.5/8080: meta l4proto tcp dnat to 10.244.0.5:8080
set affinity-60-@-ns/web/tcp/http__10.244.0.5/8080: type ipv4_addr; flags dynamic,timeout; timeout 60s
"""
            + ON_CLUSTER_IP,
            id="session affinity",
        ),
    ],
)
def test_rules_of_a_port(port: ServicePort, expected: str):
    assert text(port) == expected


def test_the_table_without_services():
    network = Network("t", CIDR, "10.96.0.0/12")
    assert (
        replacement(ruleset([], network)).text
        == """\
add table ip t
delete table ip t
add table ip t
add map ip t no-endpoint-nodeports { type inet_proto . inet_service : verdict; }
add map ip t no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; }
add map ip t service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
add map ip t service-nodeports { type inet_proto . inet_service : verdict; }
add chain ip t filter-forward { type filter hook forward priority -5; policy accept; }
add chain ip t filter-input { type filter hook input priority -5; policy accept; }
add chain ip t filter-output { type filter hook output priority -5; policy accept; }
add chain ip t mark-for-masquerade
add chain ip t masquerading
add chain ip t nat-output { type nat hook output priority -100; policy accept; }
add chain ip t nat-postrouting { type nat hook postrouting priority 100; policy accept; }
add chain ip t nat-prerouting { type nat hook prerouting priority -100; policy accept; }
add chain ip t reject-chain
add chain ip t services
add rule ip t filter-forward ct state new ip daddr . meta l4proto . th dport vmap @no-endpoint-services
add rule ip t filter-forward ip daddr 10.96.0.0/12 goto reject-chain
add rule ip t filter-input ct state new ip daddr . meta l4proto . th dport vmap @no-endpoint-services
add rule ip t filter-input ct state new ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @no-endpoint-nodeports
add rule ip t filter-output ct state new ip daddr . meta l4proto . th dport vmap @no-endpoint-services
add rule ip t filter-output ip daddr 10.96.0.0/12 goto reject-chain
add rule ip t mark-for-masquerade meta mark set meta mark or 0x4000
add rule ip t masquerading meta mark and 0x4000 == 0x4000 meta mark set meta mark xor 0x4000 masquerade fully-random
add rule ip t masquerading ip saddr 10.244.0.0/16 ip daddr != { 10.244.0.0/16, 224.0.0.0/4 } masquerade fully-random
add rule ip t nat-output jump services
add rule ip t nat-postrouting jump masquerading
add rule ip t nat-prerouting jump services
add rule ip t reject-chain meta l4proto tcp reject with tcp reset
add rule ip t reject-chain reject
add rule ip t services ip daddr 10.96.0.0/12 ip saddr != 10.244.0.0/16 jump mark-for-masquerade
add rule ip t services ip daddr . meta l4proto . th dport vmap @service-ips
add rule ip t services ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @service-nodeports
"""
    )


def test_pods_on_one_bridge_are_masqueraded_where_their_frames_are_hidden():
    def masquerading(*, shown: bool) -> tuple[str, ...]:
        network = Network("t", CIDR, "10.96.0.0/12", "10.244.0.0/24", bridge_netfilter=shown)
        return ruleset([], network).chains["masquerading"].rules

    (added,) = set(masquerading(shown=False)) - set(masquerading(shown=True))
    assert added == "ct status dnat ip saddr 10.244.0.0/24 ip daddr 10.244.0.0/24 masquerade fully-random"


def test_the_first_of_two_ports_on_one_address_has_it():
    first = web(load_balancer_ips=("192.0.2.1",))
    second = ServicePort(
        "ns", "late", "http", "tcp", "10.96.0.8", 80, load_balancer_ips=("192.0.2.1",), cluster_endpoints=(ONE,)
    )
    found = ruleset([first, second], Network("t", CIDR, "10.96.0.0/12"))
    assert "/web/" in found.elements["service-ips"]["192.0.2.1 . tcp . 80"]
    assert "/late/" in found.elements["service-ips"]["10.96.0.8 . tcp . 80"]
