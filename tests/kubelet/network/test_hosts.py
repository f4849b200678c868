from __future__ import annotations

from kubelet.network.hosts import host_network_hosts, managed_hosts

ALIASES = [{"ip": "1.2.3.4", "hostnames": ["a", "b"]}]


def test_the_pod_s_own_line_has_its_full_name_first() -> None:
    lines = managed_hosts(["10.0.0.5"], "web-0", "db.ns.svc.cluster.local", []).splitlines()
    assert lines[0] == "# Kubernetes-managed hosts file."
    assert lines[-1] == "10.0.0.5\tweb-0.db.ns.svc.cluster.local\tweb-0"


def test_aliases_come_last() -> None:
    assert managed_hosts(["10.0.0.5"], "p", "", ALIASES).endswith(
        "10.0.0.5\tp\n\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n"
    )


def test_a_pod_on_the_host_s_network_has_the_host_s_file() -> None:
    text = host_network_hosts("127.0.0.1 localhost\n", ALIASES)
    assert text.startswith("# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n")
    assert text.endswith("1.2.3.4\ta\tb\n")
