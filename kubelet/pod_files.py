"""Files that the kubelet makes for a pod beside its volumes: hosts, resolv.conf and termination logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kubelet.network.hostname import hostname_and_domain
from kubelet.network.hosts import host_network_hosts, managed_hosts
from kubelet.network.resolver import pod_resolver
from kubelet.node_context import NodeContext
from minikube_py.api.meta import Object

HOSTS = "etc-hosts"
RESOLV_CONF = "resolv.conf"
LONGEST_TERMINATION_MESSAGE = 4096
_FILE_MODE = 0o644
_LOG_MODE = 0o666


def prepare(directory: Path, pod: Object, node: NodeContext) -> tuple[tuple[str, str], ...]:
    """Makes ``resolv.conf``, and ``etc-hosts`` where there is none yet (blocking); returns warnings for events."""
    directory.mkdir(parents=True, exist_ok=True)
    resolver = pod_resolver(pod, node.host_resolver(), node.cluster_dns, node.cluster_domain)
    _write(directory / RESOLV_CONF, resolver.config.text())
    if not (directory / HOSTS).exists():
        write_hosts(directory, pod, node, ())
    return resolver.warnings


def write_hosts(directory: Path, pod: Object, node: NodeContext, pod_ips: Sequence[str]) -> None:
    """Makes ``etc-hosts`` with the pod's addresses (blocking), in place: containers have mounted the file."""
    aliases = pod["spec"].get("hostAliases") or []
    if pod["spec"].get("hostNetwork"):
        text = host_network_hosts(node.host_hosts(), aliases)
    else:
        hostname, domain = hostname_and_domain(pod, node.cluster_domain)
        text = managed_hosts(pod_ips, hostname.partition(".")[0], domain, aliases)
    _write(directory / HOSTS, text)


def termination_log(directory: Path, container: str, attempt: int) -> Path:
    """An empty file that a container may write its last words to (blocking)."""
    path = directory / "containers" / container / str(attempt)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    path.chmod(_LOG_MODE)
    return path


def read_termination_log(path: str) -> str:
    """A container's last words (blocking), cut as upstream cuts them; empty where there are none."""
    if not path:
        return ""
    try:
        with open(path, "rb") as file:
            return file.read(LONGEST_TERMINATION_MESSAGE).decode(errors="replace")
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(_FILE_MODE)
