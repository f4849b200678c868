from __future__ import annotations

from typing import Any

import pytest
from proxy_lab import make_endpoint, make_service, make_slice

from proxy.endpoints import Backend, ServicePort, is_relevant_slice, service_ports


def backends(*addresses: str, port: int = 8080) -> tuple[Backend, ...]:
    return tuple(Backend(address, port) for address in addresses)


def only_port(service: dict[str, Any], *slices: dict[str, Any]) -> ServicePort:
    (port,) = service_ports(service, slices, "here")
    return port


@pytest.mark.parametrize(
    ("endpoints", "chosen"),
    [
        pytest.param(
            [make_endpoint("10.0.0.1"), make_endpoint("10.0.0.2", ready=False)], ("10.0.0.1",), id="ready only"
        ),
        pytest.param([{"addresses": ["10.0.0.1"]}], ("10.0.0.1",), id="no conditions means ready"),
        pytest.param(
            [make_endpoint("10.0.0.1", ready=False, serving=True, terminating=True)],
            ("10.0.0.1",),
            id="ends but still serves, and there is no other",
        ),
        pytest.param(
            [make_endpoint("10.0.0.1", ready=False, serving=True, terminating=True), make_endpoint("10.0.0.2")],
            ("10.0.0.2",),
            id="ends but still serves, and there is another",
        ),
        pytest.param([make_endpoint("10.0.0.1", ready=False, serving=False, terminating=True)], (), id="ends"),
        pytest.param([{"addresses": []}], (), id="no address"),
        pytest.param([make_endpoint("10.0.0.2"), make_endpoint("10.0.0.1")], ("10.0.0.1", "10.0.0.2"), id="in order"),
    ],
)
def test_which_endpoints_serve(endpoints: list[dict[str, Any]], chosen: tuple[str, ...]):
    port = only_port(make_service(), make_slice(*endpoints))
    assert port.cluster_endpoints == backends(*chosen)
    assert port.has_any_endpoint == bool(chosen)


HERE, THERE = make_endpoint("10.0.0.1"), make_endpoint("10.0.0.2", node="there")
LEAVING = make_endpoint("10.0.0.1", ready=False, serving=True, terminating=True)
NODE_PORT = {"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}]}


@pytest.mark.parametrize(
    ("spec", "endpoints", "cluster", "local"),
    [
        pytest.param({}, [HERE, THERE], ("10.0.0.1", "10.0.0.2"), (), id="no policy"),
        pytest.param({"internalTrafficPolicy": "Local"}, [HERE, THERE], (), ("10.0.0.1",), id="internal Local"),
        pytest.param({"internalTrafficPolicy": "Local"}, [THERE], (), (), id="internal Local with none here"),
        pytest.param({"externalTrafficPolicy": "Local"}, [HERE], ("10.0.0.1",), (), id="external Local of a ClusterIP"),
        pytest.param(
            NODE_PORT | {"externalTrafficPolicy": "Local"},
            [HERE, THERE],
            ("10.0.0.1", "10.0.0.2"),
            ("10.0.0.1",),
            id="external Local",
        ),
        pytest.param(
            NODE_PORT | {"externalTrafficPolicy": "Local"},
            [LEAVING, THERE],
            ("10.0.0.2",),
            ("10.0.0.1",),
            id="external Local whose only one here is leaving",
        ),
        pytest.param(
            NODE_PORT | {"internalTrafficPolicy": "Local"},
            [HERE, THERE],
            ("10.0.0.1", "10.0.0.2"),
            ("10.0.0.1",),
            id="internal Local of a NodePort",
        ),
    ],
)
def test_traffic_policies(spec: dict[str, Any], endpoints: list[dict[str, Any]], cluster: Any, local: Any):
    port = only_port(make_service(**spec), make_slice(*endpoints))
    assert (port.cluster_endpoints, port.local_endpoints) == (backends(*cluster), backends(*local))


def test_ports_are_matched_by_name_and_protocol_across_slices():
    service = make_service(
        ports=[
            {"name": "http", "port": 80, "protocol": "TCP", "targetPort": "web"},
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "none", "port": 9},
        ]
    )
    old = make_slice(make_endpoint("10.0.0.1"), ports=[{"name": "http", "port": 8080, "protocol": "TCP"}])
    new = make_slice(
        make_endpoint("10.0.0.2"),
        name="web-2",
        ports=[
            {"name": "http", "port": 8081, "protocol": "TCP"},
            {"name": "dns", "port": 5353, "protocol": "UDP"},
            {"name": "none", "port": None, "protocol": "TCP"},
        ],
    )
    http, dns, none = service_ports(service, [old, new], "here")
    assert http.cluster_endpoints == (Backend("10.0.0.1", 8080), Backend("10.0.0.2", 8081))
    assert (dns.protocol, dns.cluster_endpoints) == ("udp", (Backend("10.0.0.2", 5353),))
    assert none.cluster_endpoints == ()


def test_an_address_in_two_slices_is_ready_where_either_says_so():
    one = make_slice(make_endpoint("10.0.0.1", ready=False))
    assert only_port(make_service(), one, make_slice(make_endpoint("10.0.0.1"))).cluster_endpoints == backends(
        "10.0.0.1"
    )


@pytest.mark.parametrize(
    "service",
    [
        pytest.param(make_service(clusterIP="None"), id="headless"),
        pytest.param(make_service(type="ExternalName", clusterIP=""), id="ExternalName"),
        pytest.param(make_service(clusterIP="fd00::1", clusterIPs=["fd00::1"]), id="IPv6 only"),
        pytest.param(make_service(labels={"service.kubernetes.io/service-proxy-name": "x"}), id="another proxy's"),
        pytest.param({"metadata": {"name": "x", "namespace": "default"}}, id="no spec"),
    ],
)
def test_services_that_are_passed_over(service: dict[str, Any]):
    assert service_ports(service, [make_slice(HERE)], "here") == ()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"addressType": "IPv6"}, id="IPv6"),
        pytest.param({"metadata": {"name": "x", "namespace": "default"}}, id="of no Service"),
        pytest.param(
            {"metadata": {"labels": {"kubernetes.io/service-name": "web", "service.kubernetes.io/headless": ""}}},
            id="of a headless Service",
        ),
    ],
)
def test_slices_that_are_passed_over(change: dict[str, Any]):
    assert not is_relevant_slice(make_slice(HERE) | change)
    assert is_relevant_slice(make_slice(HERE))


def test_what_else_a_service_says():
    port = only_port(
        make_service(
            type="LoadBalancer",
            clusterIP="fd00::1",
            clusterIPs=["fd00::1", "10.96.0.9"],
            ports=[{"name": "p", "port": 80, "protocol": "TCP", "nodePort": 30080}],
            externalIPs=["203.0.113.1", "fd00::2"],
            loadBalancerSourceRanges=["10.0.0.0/8 "],
            sessionAffinity="ClientIP",
            ingress=["192.0.2.1", "fd00::3"],
        )
    )
    assert (port.label, port.cluster_ip, port.node_port) == ("default/web:p", "10.96.0.9", 30080)
    assert (port.load_balancer_ips, port.external_ips) == (("192.0.2.1",), ("203.0.113.1",))
    assert (port.source_ranges, port.affinity_seconds) == (("10.0.0.0/8",), 10800)


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [([], ()), (["0.0.0.0/0", "10.0.0.0/8"], ()), (["fd00::/8"], ("0.0.0.0/32",))],
    ids=["none", "everybody", "IPv6 only admits nobody"],
)
def test_source_ranges(ranges: list[str], expected: tuple[str, ...]):
    service = make_service(type="LoadBalancer", ingress=["192.0.2.1"], loadBalancerSourceRanges=ranges)
    assert only_port(service).source_ranges == expected
