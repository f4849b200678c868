"""The pod's ``/etc/hosts``. Pure; follows upstream's ``kubelet_pods.go``."""

from __future__ import annotations

from collections.abc import Sequence

from minikube_py.api.meta import Object

_HEADER = "# Kubernetes-managed hosts file.\n"
_HEADER_HOST_NETWORK = "# Kubernetes-managed hosts file (host network).\n"
_LOOPBACK = (
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\n"
    "fe00::0\tip6-mcastprefix\n"
    "fe00::1\tip6-allnodes\n"
    "fe00::2\tip6-allrouters\n"
)


def managed_hosts(pod_ips: Sequence[str], hostname: str, domain: str, host_aliases: Sequence[Object]) -> str:
    """The file of a pod with a network of its own; ``domain`` is the pod's subdomain in full, or empty."""
    names = f"{hostname}.{domain}\t{hostname}" if domain else hostname
    own = "".join(f"{address}\t{names}\n" for address in pod_ips)
    return _HEADER + _LOOPBACK + own + _aliases(host_aliases)


def host_network_hosts(node_hosts: str, host_aliases: Sequence[Object]) -> str:
    """The file of a pod on the host's network: the host's own with the aliases added."""
    return _HEADER_HOST_NETWORK + node_hosts + _aliases(host_aliases)


def _aliases(host_aliases: Sequence[Object]) -> str:
    if not host_aliases:
        return ""
    lines = "".join("\t".join([alias["ip"], *(alias.get("hostnames") or [])]) + "\n" for alias in host_aliases)
    return "\n# Entries added by HostAliases.\n" + lines
