from __future__ import annotations

import pytest

from kubelet.network.hostname import hostname_and_domain


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, ("p", ""), id="the pod's name"),
        pytest.param({"hostname": "h", "subdomain": "s"}, ("h", "s.ns.svc.cluster.local"), id="host and subdomain"),
        pytest.param(
            {"subdomain": "s", "setHostnameAsFQDN": True},
            ("p.s.ns.svc.cluster.local", "s.ns.svc.cluster.local"),
            id="the full name as host name",
        ),
    ],
)
def test_names(spec: dict[str, object], expected: tuple[str, str]) -> None:
    assert (
        hostname_and_domain({"metadata": {"name": "p", "namespace": "ns"}, "spec": spec}, "cluster.local") == expected
    )


def test_a_long_name_is_cut_and_does_not_end_in_a_dash() -> None:
    pod = {"metadata": {"name": "a" * 62 + "-bcd", "namespace": "ns"}, "spec": {}}
    assert hostname_and_domain(pod, "cluster.local")[0] == "a" * 62
