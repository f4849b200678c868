"""The DNS component: settings, and putting it together."""

from __future__ import annotations

import asyncio
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field

from minikube_py.client.http import HttpClient
from minikube_py.client.protocol import Client
from minikube_py.runtime import logs
from minikube_py.runtime.clock import Clock, RealClock
from minikube_py.runtime.informer import Informers
from minikube_py.runtime.serve import HealthServer
from minikube_py.runtime.tasks import Tasks
from proxy.dns.registration import Registration
from proxy.dns.server import DnsServer
from proxy.dns.upstream import PORT, Forwarder, Resolvers
from proxy.dns.view import InformerView

log = structlog.get_logger("dns")

_LOOPBACK = "127.0.0.1"

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseModel):
    """Settings of the DNS component."""

    model_config = ConfigDict(extra="forbid")

    kubeconfig: str = Field(description="Path of the kubeconfig file.")
    node_name: str = Field(description="Name of this host's Node.")
    node_ip: str = Field(description="Address of this host, at which other hosts' and pods' questions arrive.")
    port: Port = Field(default=10053, description="Port to answer on, UDP and TCP.")
    metrics_port: Port = Field(
        default=9153, description="Port of /healthz, /readyz and /metrics on the loopback address."
    )
    cluster_dns: str = Field(default="10.96.0.10", description="ClusterIP of the kube-dns Service.")
    cluster_domain: str = Field(default="cluster.local", description="The cluster's domain.")
    ttl_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=5, description="For how long clients may keep an answer."
    )
    resolv_conf: str = Field(default="/etc/resolv.conf", description="File that names the resolvers to forward to.")
    manage_service: bool = Field(
        default=True, description="Make and keep the kube-dns Service and this node's EndpointSlice."
    )
    log_level: str = Field(default="info", description="Least severe level to log: debug, info, warning or error.")


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Answers until ``stop`` is set. Raises OSError where a port is taken, ValueError for an unusable kubeconfig."""
    logs.configure("dns", settings.log_level)
    client = HttpClient.from_kubeconfig(settings.kubeconfig, user_agent="minikube-py-dns")
    try:
        await serve(settings, client, RealClock(), stop)
    finally:
        await client.close()


async def serve(settings: Settings, client: Client, clock: Clock, stop: asyncio.Event) -> None:
    """As :func:`run`, with the client and the clock given."""
    tasks = Tasks()
    view = InformerView(informers := Informers(client, clock))
    own = {settings.cluster_dns}
    if settings.port == PORT:
        own |= {settings.node_ip, _LOOPBACK}
    server = DnsServer(
        view,
        Forwarder(Resolvers(settings.resolv_conf, own, clock), clock),
        clock,
        tasks,
        addresses=list(dict.fromkeys((settings.node_ip, _LOOPBACK))),
        port=settings.port,
        domain=settings.cluster_domain.lower().strip("."),
        dns_address=settings.cluster_dns,
        ttl=settings.ttl_seconds,
    )

    async def synced() -> None:
        if not view.synced:
            raise RuntimeError("waiting for the API server")

    health = HealthServer(settings.metrics_port, ready_checks={"informers": synced})
    try:
        await server.start()
        await health.start()
        informers.start(tasks)
        if settings.manage_service:
            registration = Registration(
                client,
                view,
                clock,
                node_name=settings.node_name,
                node_ip=settings.node_ip,
                cluster_ip=settings.cluster_dns,
                port=server.port,
            )
            tasks.start("registration", registration.run(), critical=True)
        await tasks.run_until(stop)
    finally:
        await server.close()
        await health.stop()
        await tasks.cancel_all()
