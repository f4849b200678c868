from __future__ import annotations

from random import Random
from typing import Any

import pytest

from apiserver.streaming.locations import (
    Location,
    Security,
    Target,
    node_location,
    parse_target,
    pod_location,
    service_location,
)
from minikube_py.api.errors import ApiError, BadRequest, ServiceUnavailable


@pytest.mark.parametrize(
    ("text", "target"),
    [
        pytest.param("web", Target("", "web", ""), id="a name"),
        pytest.param("web:80", Target("", "web", "80"), id="a name and a port"),
        pytest.param("web:http", Target("", "web", "http"), id="a name and a port's name"),
        pytest.param("https:web:443", Target("https", "web", "443"), id="a scheme too"),
        pytest.param("https:web:", Target("https", "web", ""), id="a scheme and no port"),
        pytest.param(":web:80", Target("", "web", "80"), id="an empty scheme"),
    ],
)
def test_a_target_is_taken_apart(text: str, target: Target) -> None:
    assert parse_target("service", text) == target


@pytest.mark.parametrize("text", ["", ":80", "ftp:web:21", "a:b:c:d"])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="invalid service request"):
        parse_target("service", text)


def node(address: str) -> dict[str, Any]:
    status = {
        "addresses": [{"type": "InternalIP", "address": address}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
    }
    return {"metadata": {"name": "n"}, "status": status}


@pytest.mark.parametrize(
    ("text", "location"),
    [
        pytest.param("n", Location("10.0.0.9", 10250, Security.KUBELET), id="the kubelet by default"),
        pytest.param("n:10250", Location("10.0.0.9", 10250, Security.KUBELET), id="the kubelet's port"),
        pytest.param("n:9100", Location("10.0.0.9", 9100, Security.PLAIN), id="another port"),
        pytest.param("https:n:9443", Location("10.0.0.9", 9443, Security.UNVERIFIED), id="another port with TLS"),
    ],
)
def test_a_node_leads_to_its_kubelet_or_another_port(text: str, location: Location) -> None:
    assert node_location(node("10.0.0.9"), parse_target("node", text), ["InternalIP"]) == location


def pod(ip: str = "10.1.0.5", *ports: int) -> dict[str, Any]:
    containers = [{"name": "a"}, {"name": "b", "ports": [{"containerPort": port} for port in ports]}]
    status = {"podIPs": [{"ip": ip}]} if ip else {}
    return {"metadata": {"name": "web"}, "spec": {"containers": containers}, "status": status}


@pytest.mark.parametrize(
    ("ports", "text", "location"),
    [
        pytest.param((8080, 9090), "web", Location("10.1.0.5", 8080, Security.PLAIN), id="the first declared port"),
        pytest.param((8080,), "web:81", Location("10.1.0.5", 81, Security.PLAIN), id="the port asked for"),
        pytest.param((), "web", Location("10.1.0.5", 80, Security.PLAIN), id="no declared port"),
        pytest.param((), "https:web:", Location("10.1.0.5", 443, Security.UNVERIFIED), id="TLS without a port"),
    ],
)
def test_a_pod_leads_to_its_address(ports: tuple[int, ...], text: str, location: Location) -> None:
    assert pod_location(pod("10.1.0.5", *ports), parse_target("pod", text)) == location


@pytest.mark.parametrize("ip", ["", "127.0.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "::1"])
def test_addresses_that_are_no_pods_are_not_led_to(ip: str) -> None:
    with pytest.raises(BadRequest, match="address not allowed"):
        pod_location(pod(ip), Target("", "web", "80"))


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_pods_port_is_a_number(port: str) -> None:
    with pytest.raises(BadRequest, match="invalid port"):
        pod_location(pod(), Target("", "web", port))


SERVICE = {
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"ports": [{"name": "http", "port": 80}, {"name": "admin", "port": 9000}]},
}


def endpoint(pod_name: str, ip: str, **more: object) -> dict[str, Any]:
    return {"addresses": [ip], "targetRef": {"kind": "Pod", "name": pod_name}, "conditions": {"ready": True}, **more}


def found(text: str, *endpoints: dict[str, Any], ips: dict[str, list[str]] | None = None) -> Location:
    slices = [{"ports": [{"name": "http", "port": 8080}], "endpoints": list(endpoints)}]
    known = {"a": ["10.1.0.1"], "b": ["10.1.0.2"]} if ips is None else ips
    target = parse_target("service", text)
    return service_location(SERVICE, slices, target, lambda name: known.get(name, []), Random(1))


@pytest.mark.parametrize("text", ["web:http", "web:80"])
def test_a_service_leads_to_an_endpoint_by_the_name_or_the_number_of_its_port(text: str) -> None:
    assert found(text, endpoint("a", "10.1.0.1")) == Location("10.1.0.1", 8080, Security.PLAIN)


@pytest.mark.parametrize(
    ("text", "endpoints", "message"),
    [
        pytest.param("web:81", [endpoint("a", "10.1.0.1")], "no service port 81 found", id="a port it does not have"),
        pytest.param("web:http", [], "no endpoints available", id="no endpoint"),
        pytest.param("web:admin", [endpoint("a", "10.1.0.1")], "no endpoints available", id="a port nobody serves"),
        pytest.param(
            "web:http",
            [endpoint("a", "10.1.0.1", conditions={"ready": False})],
            "no endpoints available",
            id="an endpoint that is not ready",
        ),
        pytest.param(
            "web:http", [endpoint("a", "10.9.9.9")], "no endpoints available", id="an address that is not the pod's"
        ),
        pytest.param("web:http", [{"addresses": ["10.1.0.1"]}], "no endpoints available", id="an address of nobody"),
    ],
)
def test_a_service_without_a_fitting_endpoint_is_unavailable(
    text: str, endpoints: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ServiceUnavailable, match=message) as raised:
        found(text, *endpoints)
    assert isinstance(raised.value, ApiError)


def test_endpoints_are_chosen_at_random() -> None:
    both = [endpoint("a", "10.1.0.1"), endpoint("b", "10.1.0.2")]
    random = Random(7)
    slices = [{"ports": [{"name": "http", "port": 8080}], "endpoints": both}]
    ips = {"a": ["10.1.0.1"], "b": ["10.1.0.2"]}
    target = Target("", "web", "http")
    hosts = {service_location(SERVICE, slices, target, ips.__getitem__, random).host for _ in range(20)}
    assert hosts == {"10.1.0.1", "10.1.0.2"}
