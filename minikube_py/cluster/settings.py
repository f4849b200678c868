"""What a one-host cluster is made of: its directory, addresses and ports, kept in ``cluster.yaml``.

The names and defaults are the command-line contract of DESIGN §6; upstream's ports are kept where it has one.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import socket
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from minikube_py.cluster.failures import SettingsError

DEFAULT_DATA_DIR = Path("/var/lib/minikube-py")
SUPPORTED_MINORS = range(25, 38)
Port = Annotated[int, Field(ge=1, le=65535)]


def default_node_name() -> str:
    """The host's name in lower case, as the kubelet registers itself."""
    return socket.gethostname().lower()


def default_node_ip() -> str:
    """The IPv4 address that the default route would send from. Raises SettingsError where there is none.

    Connecting a UDP socket only asks the routing table; nothing is sent.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError as error:
            raise SettingsError("no default route to take the node's address from: give --node-ip") from error
        return str(probe.getsockname()[0])


class ClusterSettings(BaseModel):
    """Everything ``minikube-py up`` needs to know; the same file serves ``down``, ``status`` and ``reset``."""

    model_config = ConfigDict(extra="forbid")

    data_dir: Path = DEFAULT_DATA_DIR
    kubernetes_version: str = "1.32"
    node_name: str = Field(default_factory=default_node_name)
    node_ip: str = ""
    docker_host: str = "unix:///var/run/docker.sock"
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/12"
    cluster_domain: str = "cluster.local"
    node_port_range: str = "30000-32767"
    api_port: Port = 6443
    api_workers: Annotated[int, Field(ge=1, le=64)] = 1
    encryption_provider_config: Path | None = None
    audit_policy_file: Path | None = None
    etcd_port: Port = 2379
    etcd_peer_port: Port = 2380
    kubelet_port: Port = 10250
    kubelet_healthz_port: Port = 10248
    scheduler_port: Port = 10259
    controller_manager_port: Port = 10257
    proxy_healthz_port: Port = 10256
    proxy_metrics_port: Port = 10249
    dns_port: Port = 10053
    dns_metrics_port: Port = 9153
    log_level: str = "info"

    @field_validator("kubernetes_version")
    @classmethod
    def _supported_version(cls, value: str) -> str:
        match = re.fullmatch(r"v?1\.(\d+)(\.\d+)?", value)
        if match is None or int(match[1]) not in SUPPORTED_MINORS:
            raise ValueError(f"must be one of 1.{SUPPORTED_MINORS[0]} to 1.{SUPPORTED_MINORS[-1]}, not {value!r}")
        return f"1.{match[1]}"

    @field_validator("pod_cidr", "service_cidr")
    @classmethod
    def _ipv4_network(cls, value: str) -> str:
        try:
            network = ipaddress.IPv4Network(value)
        except ValueError as error:
            raise ValueError(f"{value!r} is not an IPv4 network in CIDR notation: {error}") from error
        if network.prefixlen > 24:
            raise ValueError(f"{value!r} is too small: /24 is the smallest that can be used")
        return value

    @field_validator("node_ip")
    @classmethod
    def _ipv4_address(cls, value: str) -> str:
        if value:
            ipaddress.IPv4Address(value)
        return value

    @field_validator("node_port_range")
    @classmethod
    def _port_range(cls, value: str) -> str:
        match = re.fullmatch(r"(\d+)-(\d+)", value)
        if match is None or not 0 < int(match[1]) <= int(match[2]) <= 65535:
            raise ValueError(f"{value!r} is not a port range such as 30000-32767")
        return value

    @model_validator(mode="after")
    def _networks_apart(self) -> ClusterSettings:
        if ipaddress.IPv4Network(self.pod_cidr).overlaps(ipaddress.IPv4Network(self.service_cidr)):
            raise ValueError(f"pod CIDR {self.pod_cidr} and service CIDR {self.service_cidr} overlap")
        return self

    @property
    def api_address(self) -> str:
        """The first address of the service CIDR: the ClusterIP of the ``kubernetes`` Service."""
        return str(ipaddress.IPv4Network(self.service_cidr)[1])

    @property
    def dns_address(self) -> str:
        """The tenth address of the service CIDR: the ClusterIP of ``kube-dns``, as kubeadm chooses it."""
        return str(ipaddress.IPv4Network(self.service_cidr)[10])

    @property
    def suffix(self) -> str:
        """Empty for the default directory, otherwise a short hash of it.

        Names that are global on a host (bridge, nftables table) carry it, so that clusters in different
        directories can stand side by side.
        """
        if self.data_dir == DEFAULT_DATA_DIR:
            return ""
        return hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:6]

    @property
    def bridge(self) -> str:
        """The pod bridge: upstream's customary ``cni0`` for the default directory."""
        return f"cni{self.suffix or '0'}"

    @property
    def nft_table(self) -> str:
        """The one nftables table that the proxy owns."""
        return f"minikube-py-{self.suffix}" if self.suffix else "minikube-py"

    @property
    def file(self) -> Path:
        """Where these settings are kept."""
        return self.data_dir / "cluster.yaml"

    def ports(self) -> dict[str, tuple[str, int]]:
        """Every TCP port the cluster listens on: ``{what: (address, port)}``."""
        return {
            "api": ("0.0.0.0", self.api_port),
            "etcd": ("127.0.0.1", self.etcd_port),
            "etcd-peer": ("127.0.0.1", self.etcd_peer_port),
            "kubelet": ("0.0.0.0", self.kubelet_port),
            "kubelet-healthz": ("127.0.0.1", self.kubelet_healthz_port),
            "scheduler": ("127.0.0.1", self.scheduler_port),
            "controller-manager": ("127.0.0.1", self.controller_manager_port),
            "proxy-healthz": ("0.0.0.0", self.proxy_healthz_port),
            "proxy-metrics": ("127.0.0.1", self.proxy_metrics_port),
            "dns": (self.node_ip or "0.0.0.0", self.dns_port),
            "dns-metrics": ("127.0.0.1", self.dns_metrics_port),
        }

    def save(self) -> None:
        """Writes ``cluster.yaml`` atomically."""
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o755)
        temporary = self.file.with_suffix(".tmp")
        temporary.write_text(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False))
        os.replace(temporary, self.file)


def stored_settings(data_dir: Path) -> ClusterSettings | None:
    """The settings of the cluster in ``data_dir``, or None. Raises SettingsError where the file can't be read."""
    file = data_dir / "cluster.yaml"
    try:
        text = file.read_text()
    except FileNotFoundError:
        return None
    try:
        return ClusterSettings.model_validate(yaml.safe_load(text))
    except (ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"{file} can't be used: {error}") from error


def require_settings(data_dir: Path) -> ClusterSettings:
    """The settings of the cluster in ``data_dir``. Raises SettingsError where there is no cluster."""
    settings = stored_settings(data_dir)
    if settings is None:
        raise SettingsError(f"no cluster in {data_dir}: run 'minikube-py up' first, or name its --data-dir")
    return settings
