from __future__ import annotations

import pytest

from kubelet.network.resolver import ResolverConfig, parse_resolv_conf, pod_resolver
from minikube_py.api.meta import Object

HOST = ResolverConfig(("1.1.1.1",), ("example.com",), ("timeout:2",))


def pod(**spec: object) -> Object:
    return {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(
            {"dnsPolicy": "ClusterFirst"},
            "search ns.svc.cluster.local svc.cluster.local cluster.local example.com\n"
            "nameserver 10.96.0.10\noptions timeout:2 ndots:5\n",
            id="ClusterFirst",
        ),
        pytest.param(
            {"dnsPolicy": "ClusterFirst", "hostNetwork": True},
            "search example.com\nnameserver 1.1.1.1\noptions timeout:2\n",
            id="ClusterFirst on the host's network is Default",
        ),
        pytest.param(
            {"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": True},
            "search ns.svc.cluster.local svc.cluster.local cluster.local example.com\n"
            "nameserver 10.96.0.10\noptions timeout:2 ndots:5\n",
            id="ClusterFirstWithHostNet",
        ),
        pytest.param(
            {"dnsPolicy": "Default"}, "search example.com\nnameserver 1.1.1.1\noptions timeout:2\n", id="Default"
        ),
        pytest.param(
            {
                "dnsPolicy": "None",
                "dnsConfig": {
                    "nameservers": ["9.9.9.9"],
                    "searches": ["x.y"],
                    "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
                },
            },
            "search x.y\nnameserver 9.9.9.9\noptions ndots:2 edns0\n",
            id="None with a config",
        ),
        pytest.param(
            {"dnsPolicy": "ClusterFirst", "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]}},
            "search ns.svc.cluster.local svc.cluster.local cluster.local example.com\n"
            "nameserver 10.96.0.10\noptions timeout:2 ndots:1\n",
            id="a config's option wins",
        ),
    ],
)
def test_policies(spec: dict[str, object], expected: str) -> None:
    result = pod_resolver(pod(**spec), HOST, ["10.96.0.10"], "cluster.local")
    assert result.config.text() == expected
    assert not result.warnings


def test_more_than_three_name_servers_are_cut_and_told() -> None:
    spec = {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.0.0.1", "1.0.0.2", "1.0.0.3", "1.0.0.4"]}}
    result = pod_resolver(pod(**spec), HOST, [], "cluster.local")
    assert len(result.config.nameservers) == 3
    assert result.warnings[0][0] == "DNSConfigForming"


def test_without_a_cluster_dns_the_host_s_settings_are_taken_and_it_is_told() -> None:
    result = pod_resolver(pod(dnsPolicy="ClusterFirst"), HOST, [], "cluster.local")
    assert result.config == HOST
    assert result.warnings[0][0] == "MissingClusterDNS"


def test_a_file_is_parsed_as_the_c_library_does() -> None:
    text = "# comment\nnameserver 1.1.1.1\nsearch a.b c.d.\noptions ndots:3 rotate ; more\nnameserver\n"
    assert parse_resolv_conf(text) == ResolverConfig(("1.1.1.1",), ("a.b", "c.d"), ("ndots:3", "rotate"))
