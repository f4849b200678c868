"""What pods need to know of the node they run on."""

from __future__ import annotations

from dataclasses import dataclass, field

from kubelet.container_config import NodeFacts
from kubelet.network.resolver import ResolverConfig, parse_resolv_conf


@dataclass(slots=True)
class NodeContext:
    """Facts of the node; ``host_ips`` and ``allocatable`` become known when the node is registered."""

    name: str
    facts: NodeFacts
    host_ips: tuple[str, ...] = ()
    allocatable: dict[str, str] = field(default_factory=dict)
    cluster_dns: tuple[str, ...] = ()
    cluster_domain: str = "cluster.local"
    resolv_conf_file: str = "/etc/resolv.conf"
    hosts_file: str = "/etc/hosts"

    def host_resolver(self) -> ResolverConfig:
        """The host's resolver settings, read now (blocking); empty where there is no such file."""
        if not self.resolv_conf_file:
            return ResolverConfig()
        try:
            with open(self.resolv_conf_file, encoding="utf-8", errors="replace") as file:
                return parse_resolv_conf(file.read())
        except OSError:
            return ResolverConfig()

    def host_hosts(self) -> str:
        """The host's own ``/etc/hosts``, read now (blocking)."""
        try:
            with open(self.hosts_file, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""
