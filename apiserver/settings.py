"""The API server's settings."""

from __future__ import annotations

import socket
from ipaddress import IPv4Network, ip_network
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from minikube_py.api.resources import minor_of


def _own_address() -> str:
    """The address that this host would reach others from; loopback where it has no route. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


class Settings(BaseModel):
    """What one API server process is told; an unknown field is an error. Paths are of PEM files."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    etcd_servers: list[str] = ["https://127.0.0.1:2379"]
    """Addresses of etcd members, ``scheme://host:port``. ``memory`` alone keeps everything in this process."""
    etcd_cafile: str = ""
    """CA that etcd's server certificate is verified by; needed for ``https``."""
    etcd_certfile: str = ""
    """Client certificate shown to etcd."""
    etcd_keyfile: str = ""
    """Key of the client certificate shown to etcd."""
    encryption_provider_config: str = ""
    """YAML file, kind EncryptionConfiguration, that says which kinds are encrypted in etcd and by which keys; empty
    stores all as it is."""
    bind_address: str = "0.0.0.0"
    """Address to listen on."""
    secure_port: int = 6443
    """Port to listen on with TLS."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes that answer requests on the one port, each with its own caches. What is counted, limited or checked in
    a process (``/metrics``, ``/readyz``, requests in flight) is that of the worker that happens to answer."""
    advertise_address: str = ""
    """Address that the Service ``default/kubernetes`` leads to; empty takes ``bind_address``, or where that is
    0.0.0.0 the address that the host's default route goes out from."""
    tls_cert_file: str
    """Server certificate, with intermediates."""
    tls_private_key_file: str
    """Key of the server certificate."""
    client_ca_file: str
    """CA of client certificates."""
    service_account_key_file: str
    """Public key that service-account tokens are verified by."""
    service_account_signing_key_file: str
    """Private key that service-account tokens are signed with."""
    service_account_issuer: str = "https://kubernetes.default.svc.cluster.local"
    """Issuer, and default audience, of service-account tokens."""
    kubelet_client_certificate: str = ""
    """Client certificate shown to kubelets (logs, exec)."""
    kubelet_client_key: str = ""
    """Key of the client certificate shown to kubelets."""
    kubelet_certificate_authority: str = ""
    """CA that kubelets' server certificates are verified by."""
    kubelet_preferred_address_types: list[str] = ["InternalIP", "ExternalIP", "Hostname"]
    """Which of a node's addresses is used to reach its kubelet, in this order."""
    service_cluster_ip_range: str = "10.96.0.0/12"
    """CIDR of ClusterIPs; IPv4, at most 2^20 addresses are used."""
    service_node_port_range: str = "30000-32767"
    """Ports of NodePort Services, both ends included."""
    kubernetes_version: str = "1.32"
    """API level presented: ``1.32`` or ``v1.32.3``."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged."""
    request_timeout_seconds: float = Field(default=60.0, gt=0)
    """How long a request may take that is no watch, log, exec or attach; a ``timeout`` in its URL may be shorter."""
    audit_policy_file: str = ""
    """YAML file, kind Policy of audit.k8s.io/v1, that says what is recorded of which requests."""
    audit_log_path: str = ""
    """File that audit events are appended to, one JSON object a line; ``-`` is standard output, empty writes none."""
    audit_log_maxsize: int = Field(default=0, ge=0)
    """Megabytes from which on the audit log is moved aside; 0 never does."""
    audit_log_maxbackup: int = Field(default=0, ge=0)
    """How many audit logs moved aside are kept; 0 keeps all."""
    audit_log_maxage: int = Field(default=0, ge=0)
    """Days that audit logs moved aside are kept; 0 keeps them for ever."""
    max_requests_inflight: int = Field(default=400, gt=0)
    """With ``max_mutating_requests_inflight`` the number of requests that are worked on at once; priority levels share
    it. Long-running ones do not count."""
    max_mutating_requests_inflight: int = Field(default=200, ge=0)
    """Adds to ``max_requests_inflight``."""
    shutdown_seconds: float = 5.0
    """How long requests in flight are waited for when stopping."""

    @field_validator("kubernetes_version")
    @classmethod
    def _check_version(cls, value: str) -> str:
        minor_of(value)
        return value

    @field_validator("service_cluster_ip_range")
    @classmethod
    def _check_cidr(cls, value: str) -> str:
        if "," in value:
            raise ValueError("dual-stack service ranges are not supported: give one IPv4 CIDR")
        network = ip_network(value)
        if not isinstance(network, IPv4Network):
            raise ValueError("IPv6 service ranges are not supported: give one IPv4 CIDR")
        if network.prefixlen > 30:
            raise ValueError("must leave room for at least 2 addresses (/30 or larger)")
        return value

    @field_validator("service_node_port_range")
    @classmethod
    def _check_ports(cls, value: str) -> str:
        first, _, last = value.partition("-")
        if not (first.isdigit() and last.isdigit() and 0 < int(first) <= int(last) <= 65535):
            raise ValueError("must be FIRST-LAST with ports between 1 and 65535")
        return value

    @field_validator("etcd_servers")
    @classmethod
    def _check_servers(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError("at least one address is needed")
        for server in value:
            if server != "memory" and not server.startswith(("http://", "https://", "unix://")):
                raise ValueError(f"{server!r} must begin with https://, http:// or unix://")
        return value

    @model_validator(mode="after")
    def _check_workers(self) -> Self:
        if self.workers > 1 and self.etcd_servers == ["memory"]:
            raise ValueError("a store in memory is of one process: it cannot serve several workers")
        if self.workers > 1 and not self.secure_port:
            raise ValueError("several workers need a port that is named: secure_port must not be 0")
        return self

    @model_validator(mode="after")
    def _check_advertised(self) -> Self:
        if not self.advertise_address:
            everywhere = self.bind_address in ("0.0.0.0", "::")
            self.advertise_address = _own_address() if everywhere else self.bind_address
        return self

    @property
    def version(self) -> tuple[str, str, str]:
        """``("1", "32", "0")`` of ``kubernetes_version``."""
        parts = self.kubernetes_version.removeprefix("v").split(".")
        return parts[0], parts[1], parts[2] if len(parts) > 2 else "0"

    @property
    def minor(self) -> str:
        """``1.32`` of ``kubernetes_version``."""
        return ".".join(self.version[:2])

    @property
    def service_network(self) -> IPv4Network:
        """``service_cluster_ip_range`` as a network."""
        return IPv4Network(self.service_cluster_ip_range)

    @property
    def node_ports(self) -> range:
        """``service_node_port_range`` as a range."""
        first, _, last = self.service_node_port_range.partition("-")
        return range(int(first), int(last) + 1)
