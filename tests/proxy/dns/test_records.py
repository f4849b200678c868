from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from proxy.dns.records import NODATA, NXDOMAIN, Answer, Endpoint, Port, Record, Service, resolve, reverse_address

DOMAIN = "cluster.local"
HTTP = Port("http", 80, "TCP")
METRICS = Port("metrics", 9090, "TCP")


@dataclass
class View:
    """A cluster of one namespace."""

    services: dict[str, Service] = field(default_factory=dict)
    slices: dict[str, list[Endpoint]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)

    def has_namespace(self, name: str) -> bool:
        return name == "ns"

    def service(self, namespace: str, name: str) -> Service | None:
        return self.services.get(name) if namespace == "ns" else None

    def endpoints(self, namespace: str, name: str) -> Sequence[Endpoint]:
        return self.slices.get(name, [])

    def names_of(self, address: str) -> Sequence[str]:
        return self.names.get(address, [])


VIEW = View(
    services={
        "web": Service(cluster_ips=("10.96.0.7",), ports=(HTTP, METRICS)),
        "dual": Service(cluster_ips=("10.96.0.8", "fd00::8"), ports=(HTTP,)),
        "db": Service(headless=True, ports=(HTTP,)),
        "empty": Service(headless=True, ports=(HTTP,)),
        "bare": Service(headless=True),
        "out": Service(external_name="example.com."),
        "number": Service(external_name="192.0.2.1"),
    },
    slices={
        "db": [Endpoint("10.244.0.5", "db-0", (HTTP,)), Endpoint("10.244.0.6", "", (HTTP,))],
        "bare": [Endpoint("10.244.0.9", "", ())],
        "web": [Endpoint("10.244.0.7", "one", (HTTP,))],
    },
    names={"10.96.0.7": ["web.ns.svc"], "10.244.0.5": ["db-0.db.ns.svc", "db-0.all.ns.svc"]},
)


def ask(name: str, record_type: str = "A") -> Answer | None:
    return resolve(name, record_type, VIEW, DOMAIN, "10.96.0.10")


def data(answer: Answer | None) -> list[str]:
    assert answer is not None
    return [record.data for record in answer.records]


@pytest.mark.parametrize(
    ("name", "record_type", "expected"),
    [
        pytest.param("web.ns.svc.cluster.local", "A", ["10.96.0.7"], id="a Service's address"),
        pytest.param("dual.ns.svc.cluster.local", "AAAA", ["fd00::8"], id="its IPv6 address"),
        pytest.param("db.ns.svc.cluster.local", "A", ["10.244.0.5", "10.244.0.6"], id="a headless Service's endpoints"),
        pytest.param("bare.ns.svc.cluster.local", "A", ["10.244.0.9"], id="a headless Service without ports"),
        pytest.param("db-0.db.ns.svc.cluster.local", "A", ["10.244.0.5"], id="an endpoint by its host name"),
        pytest.param("10-244-0-6.db.ns.svc.cluster.local", "A", ["10.244.0.6"], id="an endpoint by its address"),
        pytest.param(
            "one.web.ns.svc.cluster.local", "A", ["10.244.0.7"], id="an endpoint of a Service with an address"
        ),
        pytest.param("_http._tcp.web.ns.svc.cluster.local", "A", ["10.96.0.7"], id="a port's address"),
        pytest.param("10-1-2-3.ns.pod.cluster.local", "A", ["10.1.2.3"], id="a pod's address"),
        pytest.param("fd00--1.ns.pod.cluster.local", "AAAA", ["fd00::1"], id="a pod's IPv6 address"),
        pytest.param("out.ns.svc.cluster.local", "CNAME", ["example.com"], id="an external name"),
        pytest.param("dns-version.cluster.local", "TXT", ["1.1.0"], id="the schema's version"),
        pytest.param("ns.dns.cluster.local", "A", ["10.96.0.10"], id="the server itself"),
        pytest.param("7.0.96.10.in-addr.arpa", "PTR", ["web.ns.svc.cluster.local"], id="whose a Service's address is"),
        pytest.param(
            "5.0.244.10.in-addr.arpa",
            "PTR",
            ["db-0.db.ns.svc.cluster.local", "db-0.all.ns.svc.cluster.local"],
            id="whose an endpoint's address is",
        ),
    ],
)
def test_a_name_has_records(name: str, record_type: str, expected: list[str]) -> None:
    assert data(ask(name, record_type)) == expected


@pytest.mark.parametrize(
    ("name", "record_type"),
    [
        pytest.param("web.ns.svc.cluster.local", "AAAA", id="no address of the other family"),
        pytest.param("web.ns.svc.cluster.local", "MX", id="no record of another type"),
        pytest.param("ns.svc.cluster.local", "A", id="a namespace"),
        pytest.param("svc.cluster.local", "A", id="all Services"),
        pytest.param("ns.pod.cluster.local", "A", id="a namespace's pods"),
        pytest.param("cluster.local", "A", id="the domain"),
        pytest.param("10-1-2-3.ns.pod.cluster.local", "AAAA", id="a pod's other family"),
        pytest.param("7.0.96.10.in-addr.arpa", "A", id="a reverse name's address"),
    ],
)
def test_a_name_that_exists_without_such_records_is_no_data(name: str, record_type: str) -> None:
    assert ask(name, record_type) == NODATA


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("missing.ns.svc.cluster.local", id="no such Service"),
        pytest.param("web.other.svc.cluster.local", id="no such namespace"),
        pytest.param("other.svc.cluster.local", id="a namespace that is not there"),
        pytest.param("empty.ns.svc.cluster.local", id="headless without ready endpoints"),
        pytest.param("x.db.ns.svc.cluster.local", id="no such endpoint"),
        pytest.param("_none._tcp.web.ns.svc.cluster.local", id="no such port"),
        pytest.param("_http._udp.web.ns.svc.cluster.local", id="no such protocol"),
        pytest.param("a.b.c.web.ns.svc.cluster.local", id="too deep"),
        pytest.param("web.ns.cluster.local", id="neither svc nor pod"),
        pytest.param("google.com.cluster.local", id="a search list's guess"),
        pytest.param("nonsense.ns.pod.cluster.local", id="a pod that is no address"),
        pytest.param("number.ns.svc.cluster.local", id="an address as external name"),
        pytest.param("x.out.ns.svc.cluster.local", id="an endpoint of an external name"),
    ],
)
def test_a_name_that_does_not_exist_is_nxdomain(name: str) -> None:
    assert ask(name) == NXDOMAIN


@pytest.mark.parametrize(
    "name",
    ["example.com", "notcluster.local", "1.2.0.192.in-addr.arpa", "0.192.in-addr.arpa"],
)
def test_other_names_are_for_others_to_answer(name: str) -> None:
    assert ask(name) is None


def test_srv_of_a_service_points_to_it_with_its_address() -> None:
    answer = ask("_http._tcp.web.ns.svc.cluster.local", "SRV")
    target = "web.ns.svc.cluster.local"
    assert answer == Answer(
        records=(Record("_http._tcp.web.ns.svc.cluster.local", "SRV", target, 80, 100),),
        additional=(Record(target, "A", "10.96.0.7"),),
    )


def test_srv_of_a_headless_service_points_to_each_endpoint() -> None:
    answer = ask("_http._tcp.db.ns.svc.cluster.local", "SRV")
    assert answer is not None
    targets = ["db-0.db.ns.svc.cluster.local", "10-244-0-6.db.ns.svc.cluster.local"]
    assert [(record.data, record.port, record.weight) for record in answer.records] == [
        (name, 80, 50) for name in targets
    ]
    assert [(record.name, record.data) for record in answer.additional] == [
        (targets[0], "10.244.0.5"),
        (targets[1], "10.244.0.6"),
    ]


def test_srv_without_a_port_gives_all_ports() -> None:
    answer = ask("web.ns.svc.cluster.local", "SRV")
    assert answer is not None
    assert [record.port for record in answer.records] == [80, 9090]
    assert len(answer.additional) == 1


def test_an_external_name_is_an_alias_whose_addresses_are_wanted() -> None:
    answer = ask("out.ns.svc.cluster.local")
    assert answer is not None
    assert answer.records == (Record("out.ns.svc.cluster.local", "CNAME", "example.com"),)
    assert answer.chase == "example.com"


@pytest.mark.parametrize(
    ("name", "address"),
    [
        pytest.param("4.3.2.1.in-addr.arpa", "1.2.3.4", id="IPv4"),
        pytest.param("1." + "0." * 27 + "0.0.d.f.ip6.arpa", "fd00::1", id="IPv6"),
        pytest.param("3.2.1.in-addr.arpa", "", id="not a whole address"),
        pytest.param("x.3.2.1.in-addr.arpa", "", id="not an address"),
    ],
)
def test_a_reverse_name_is_of_an_address(name: str, address: str) -> None:
    assert reverse_address(name) == address
