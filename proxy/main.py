"""The proxy as a process: its settings, and its life from start to stop."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket

import structlog
from pydantic import BaseModel, ConfigDict, Field, field_validator

from minikube_py.client.http import HttpClient
from minikube_py.client.protocol import Client
from minikube_py.runtime.clock import Clock, RealClock
from minikube_py.runtime.events import EventRecorder
from minikube_py.runtime.serve import HealthServer
from minikube_py.runtime.tasks import Tasks
from proxy.conntrack import ProgramConntrack
from proxy.nft import ProgramNft
from proxy.node import NodeNetwork
from proxy.proxier import Host, Proxier

log = structlog.get_logger("proxy")

USER_AGENT = "kube-proxy"


class Settings(BaseModel):
    """Everything that can be set, with upstream's defaults."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    kubeconfig: str
    """The file with the API server's address and the proxy's credentials."""
    node_name: str = Field(default_factory=lambda: socket.gethostname().lower())
    """The name of this host's Node object."""
    node_ip: str
    """This host's IPv4 address that other nodes reach it at."""
    cluster_cidr: str = "10.244.0.0/16"
    """The IPv4 range of all pods; traffic from it to elsewhere is masqueraded."""
    service_cidr: str = "10.96.0.0/12"
    """The IPv4 range of ClusterIPs; what is sent to it and belongs to no Service is rejected."""
    table_name: str = "minikube-py"
    """The nftables table that this proxy owns."""
    healthz_bind_address: str = "0.0.0.0"
    """Where the health endpoint listens."""
    healthz_port: int = Field(default=10256, ge=0, le=65535)
    """The port of the health endpoint; 0 takes a free one."""
    metrics_bind_address: str = "127.0.0.1"
    """Where the metrics endpoint listens."""
    metrics_port: int = Field(default=10249, ge=0, le=65535)
    """The port of the metrics endpoint; 0 takes a free one."""
    log_level: str = "info"
    """debug, info, warning or error."""

    @field_validator("cluster_cidr", "service_cidr")
    @classmethod
    def _ipv4_network(cls, value: str) -> str:
        ipaddress.IPv4Network(value)
        return value

    @field_validator("node_ip")
    @classmethod
    def _ipv4_address(cls, value: str) -> str:
        ipaddress.IPv4Address(value)
        return value

    @field_validator("table_name")
    @classmethod
    def _identifier(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", value):
            raise ValueError("must begin with a letter and consist of at most 64 letters, digits, '-', '_' and '.'")
        return value


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Runs the proxy until ``stop`` is set. Rules stay in place then, so that Services go on working.

    Raises OSError where a port is taken.
    """
    client = HttpClient.from_kubeconfig(settings.kubeconfig, user_agent=USER_AGENT)
    host = Host(
        nft=ProgramNft(),
        conntrack=ProgramConntrack(),
        network=NodeNetwork(
            table=settings.table_name,
            cluster_cidr=settings.cluster_cidr,
            service_cidr=settings.service_cidr,
            node_ip=settings.node_ip,
        ),
    )
    try:
        await run_with(settings, stop, client, host, RealClock())
    finally:
        await client.close()


async def run_with(settings: Settings, stop: asyncio.Event, client: Client, host: Host, clock: Clock) -> None:
    """As :func:`run`, with the outside world handed in."""
    tasks = Tasks()
    recorder = EventRecorder(client, USER_AGENT, clock, settings.node_name)
    proxier = Proxier(
        client,
        clock,
        host,
        node_name=settings.node_name,
        table=settings.table_name,
        cluster_cidr=settings.cluster_cidr,
        service_cidr=settings.service_cidr,
        recorder=recorder,
    )
    health = HealthServer(
        settings.healthz_port, {"rules": proxier.check_healthy}, address=settings.healthz_bind_address
    )
    metrics = HealthServer(settings.metrics_port, address=settings.metrics_bind_address)
    try:
        await health.start()
        await metrics.start()
        recorder.start(tasks)
        proxier.start(tasks)
        log.info("Proxy started", node=settings.node_name, table=settings.table_name)
        await tasks.run_until(stop)
    finally:
        await tasks.cancel_all()
        await metrics.stop()
        await health.stop()
