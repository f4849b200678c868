"""Which processes a one-host cluster has, with which settings: pure, from the cluster's settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from minikube_py.cluster.settings import ClusterSettings
from minikube_py.cluster.supervisor import ProcessSpec

ETCD_QUOTA_BYTES = 2 * 1024**3
AUDIT_LOG_MEGABYTES = 100
AUDIT_LOG_BACKUPS = 10


def etcd_command(settings: ClusterSettings) -> tuple[str, ...]:
    """etcd as a single, loopback-only member.

    One member elects itself, so the short election time only makes a start quicker; durability is untouched.
    """
    client = f"http://127.0.0.1:{settings.etcd_port}"
    peer = f"http://127.0.0.1:{settings.etcd_peer_port}"
    return (
        "etcd",
        "--name=default",
        f"--data-dir={settings.data_dir / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--heartbeat-interval=50",
        "--election-timeout=250",
        f"--quota-backend-bytes={ETCD_QUOTA_BYTES}",
        "--log-level=warn",
        "--logger=zap",
    )


def component_settings(settings: ClusterSettings) -> dict[str, dict[str, Any]]:
    """The settings file of every component, as a mapping: what it must know beyond its own defaults."""
    data = settings.data_dir
    pki = data / "pki"

    def conf(name: str) -> str:
        return str(data / f"{name}.conf")

    level = settings.log_level
    return {
        "apiserver": {
            "etcd_servers": [f"http://127.0.0.1:{settings.etcd_port}"],
            "bind_address": "0.0.0.0",
            "secure_port": settings.api_port,
            "workers": settings.api_workers,
            "advertise_address": settings.node_ip,
            "tls_cert_file": str(pki / "apiserver.crt"),
            "tls_private_key_file": str(pki / "apiserver.key"),
            "client_ca_file": str(pki / "ca.crt"),
            "service_account_key_file": str(pki / "sa.pub"),
            "service_account_signing_key_file": str(pki / "sa.key"),
            "service_account_issuer": f"https://kubernetes.default.svc.{settings.cluster_domain}",
            "kubelet_client_certificate": str(pki / "apiserver-kubelet-client.crt"),
            "kubelet_client_key": str(pki / "apiserver-kubelet-client.key"),
            "kubelet_certificate_authority": str(pki / "ca.crt"),
            "service_cluster_ip_range": settings.service_cidr,
            "service_node_port_range": settings.node_port_range,
            "kubernetes_version": settings.kubernetes_version,
            "encryption_provider_config": str(settings.encryption_provider_config or ""),
            "audit_policy_file": str(settings.audit_policy_file or ""),
            "audit_log_path": str(data / "logs" / "audit.log") if settings.audit_policy_file else "",
            "audit_log_maxsize": AUDIT_LOG_MEGABYTES,
            "audit_log_maxbackup": AUDIT_LOG_BACKUPS,
            "log_level": level,
        },
        "scheduler": {
            "kubeconfig": conf("scheduler"),
            "port": settings.scheduler_port,
            "log_level": level,
        },
        "controller-manager": {
            "kubeconfig": conf("controller-manager"),
            "port": settings.controller_manager_port,
            "cluster_cidr": settings.pod_cidr,
            "root_ca_file": str(pki / "ca.crt"),
            "cluster_signing_cert_file": str(pki / "ca.crt"),
            "cluster_signing_key_file": str(pki / "ca.key"),
            "kubernetes_version": settings.kubernetes_version,
            "log_level": level,
        },
        "kubelet": {
            "kubeconfig": conf("kubelet"),
            "node_name": settings.node_name,
            "node_ip": settings.node_ip,
            "root_dir": str(data / "kubelet"),
            "cni_conf_dir": str(data / "cni" / "net.d"),
            "cni_state_dir": str(data / "cni"),
            "bridge_name": settings.bridge,
            "docker_host": settings.docker_host,
            "cluster_dns": [settings.dns_address],
            "cluster_domain": settings.cluster_domain,
            "port": settings.kubelet_port,
            "healthz_port": settings.kubelet_healthz_port,
            "tls_cert_file": str(pki / "kubelet-server.crt"),
            "tls_private_key_file": str(pki / "kubelet-server.key"),
            "client_ca_file": str(pki / "ca.crt"),
            "kubernetes_version": settings.kubernetes_version,
            "log_level": level,
        },
        "proxy": {
            "kubeconfig": conf("proxy"),
            "node_name": settings.node_name,
            "node_ip": settings.node_ip,
            "cluster_cidr": settings.pod_cidr,
            "service_cidr": settings.service_cidr,
            "table_name": settings.nft_table,
            "healthz_port": settings.proxy_healthz_port,
            "metrics_port": settings.proxy_metrics_port,
            "log_level": level,
        },
        "dns": {
            "kubeconfig": conf("dns"),
            "node_name": settings.node_name,
            "node_ip": settings.node_ip,
            "port": settings.dns_port,
            "metrics_port": settings.dns_metrics_port,
            "cluster_dns": settings.dns_address,
            "cluster_domain": settings.cluster_domain,
            "log_level": level,
        },
    }


def write_component_settings(settings: ClusterSettings) -> None:
    """Writes ``config/<component>.yaml`` for every component."""
    directory = settings.data_dir / "config"
    directory.mkdir(parents=True, exist_ok=True)
    for name, values in component_settings(settings).items():
        file = directory / f"{name}.yaml"
        temporary = file.with_suffix(".tmp")
        temporary.write_text(yaml.safe_dump(dict(values), sort_keys=False))
        os.replace(temporary, file)


def process_specs(settings: ClusterSettings) -> list[ProcessSpec]:
    """The cluster's processes in the order of their start."""
    api = ("127.0.0.1", settings.api_port)

    def component(name: str, after: tuple[str, int] | None) -> ProcessSpec:
        return ProcessSpec(name, arguments=("--config", str(config_file(settings.data_dir, name))), after=after)

    return [
        ProcessSpec("etcd", command=etcd_command(settings), environment=_etcd_environment()),
        component("apiserver", None),
        component("controller-manager", api),
        component("scheduler", api),
        component("kubelet", api),
        component("proxy", api),
        component("dns", api),
    ]


def config_file(data_dir: Path, name: str) -> Path:
    """The settings file of a component."""
    return data_dir / "config" / f"{name}.yaml"


def _etcd_environment() -> tuple[tuple[str, str], ...]:
    """etcd 3.4 refuses to start on ARM unless the architecture is named."""
    return (("ETCD_UNSUPPORTED_ARCH", "arm64"),) if os.uname().machine == "aarch64" else ()
