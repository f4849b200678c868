"""The kubelet as a process: its settings, and its life from start to stop."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, Field

from kubelet import pause
from kubelet.cni.network import PodNetwork
from kubelet.container_config import NodeFacts
from kubelet.docker import DockerRuntime
from kubelet.eviction import parse_thresholds
from kubelet.eviction_manager import EvictionManager, HostSignals, file_system
from kubelet.image_gc import ImageGarbageCollector, ImagePolicy
from kubelet.kubelet import Kubelet, KubeletParts
from kubelet.node.facts import default_address, read_host_facts
from kubelet.node.lease import NodeLease
from kubelet.node.manager import NodeManager
from kubelet.node.status import NodeSettings, allocatable
from kubelet.node_context import NodeContext
from kubelet.pod_events import PodEvents
from kubelet.runtime import ContainerRuntime
from kubelet.server.certificate import self_signed, server_context
from kubelet.server.server import KubeletServer
from minikube_py.api.quantity import Quantity
from minikube_py.client.http import HttpClient
from minikube_py.client.protocol import Client
from minikube_py.runtime.clock import Clock, RealClock
from minikube_py.runtime.events import EventRecorder
from minikube_py.runtime.serve import HealthServer
from minikube_py.runtime.tasks import Tasks

log = structlog.get_logger("kubelet")

USER_AGENT = "kubelet"


class Taint(BaseModel):
    """A taint that the node is registered with."""

    model_config = ConfigDict(extra="forbid")

    key: str
    effect: str
    value: str = ""


class Settings(BaseModel):
    """Everything that can be set, with upstream's defaults."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    kubeconfig: str
    """The file with the API server's address and this node's credentials."""
    node_name: str = Field(default_factory=lambda: socket.gethostname().lower())
    """The name of the Node object."""
    node_ip: str = ""
    """The address of the node; empty takes the one of the default route."""
    root_dir: str = "/var/lib/minikube-py/kubelet"
    """Where pods' volumes and files are kept. It also tells this kubelet's containers from those of others."""
    cni_bin_dirs: list[str] = ["/opt/cni/bin", "/usr/lib/cni"]
    """Where CNI plugins are looked for, in order."""
    cni_conf_dir: str = "/var/lib/minikube-py/cni/net.d"
    """Where the CNI configuration is; the first file by name counts."""
    cni_state_dir: str = "/var/lib/minikube-py/cni"
    """Where addresses that are in use are kept."""
    cni_write_default: bool = True
    """Whether a bridge configuration is written once the node has a pod CIDR."""
    bridge_name: str = "cni0"
    """The bridge in that configuration."""
    docker_host: str = "unix:///var/run/docker.sock"
    """Where the Docker Engine answers."""
    pause_image: str = pause.DEFAULT_IMAGE
    """The image of pods' sandboxes; it is built where it cannot be pulled."""
    cluster_dns: list[str] = []
    """Name servers of pods with dnsPolicy ClusterFirst."""
    cluster_domain: str = "cluster.local"
    """The domain of the cluster's Services."""
    resolv_conf: str = "/etc/resolv.conf"
    """The host's resolver settings, which pods' settings are made from."""
    address: str = "0.0.0.0"
    """Where the HTTPS endpoint listens."""
    port: int = 10250
    """The port of the HTTPS endpoint."""
    healthz_bind_address: str = "127.0.0.1"
    """Where the health endpoint listens."""
    healthz_port: int = 10248
    """The port of the health endpoint; 0 is none."""
    tls_cert_file: str = ""
    """The HTTPS endpoint's certificate; empty makes a self-signed one."""
    tls_private_key_file: str = ""
    """Its key."""
    client_ca_file: str
    """Who may call the HTTPS endpoint: clients with a certificate of this authority."""
    kubernetes_version: str = "1.32"
    """The version that the node reports."""
    max_pods: int = 110
    """How many pods may run here."""
    node_status_update_frequency_seconds: float = 10.0
    """How often the node's state is looked at beside events."""
    node_lease_duration_seconds: int = 40
    """How long the node counts as alive after a heartbeat; one is sent four times in that time."""
    system_reserved: dict[str, str] = {}
    """Amounts of cpu, memory and ephemeral-storage that pods may not use."""
    eviction_hard: dict[str, str] = {
        "memory.available": "100Mi",
        "nodefs.available": "10%",
        "imagefs.available": "15%",
    }
    """Signals and the amounts below which pods are evicted."""
    image_directory: str = "/var/lib/docker"
    """Where the engine keeps images; its file system counts as imagefs."""
    image_gc_high_threshold_percent: int = 85
    """How full the image disk may be before unused images are removed."""
    image_gc_low_threshold_percent: int = 80
    """How full it may be after that."""
    node_labels: dict[str, str] = {}
    """More labels of the node."""
    register_with_taints: list[Taint] = []
    """Taints of a node that is registered anew."""
    log_level: str = "info"
    """debug, info, warning or error."""


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Runs the kubelet until ``stop`` is set; every container is left running. Raises OSError where a port is taken."""
    clock = RealClock()
    client = HttpClient.from_kubeconfig(settings.kubeconfig, user_agent=USER_AGENT)
    network = PodNetwork(
        configuration_directory=settings.cni_conf_dir,
        state_directory=settings.cni_state_dir,
        plugin_directories=settings.cni_bin_dirs,
        bridge=settings.bridge_name,
        write_default=settings.cni_write_default,
    )
    runtime = DockerRuntime(
        network, owner=settings.root_dir, docker_host=settings.docker_host, pause_image=settings.pause_image
    )
    try:
        await run_with(settings, stop, client, runtime, clock)
    finally:
        await runtime.close()
        await client.close()


async def run_with(
    settings: Settings, stop: asyncio.Event, client: Client, runtime: ContainerRuntime, clock: Clock
) -> None:
    """As :func:`run`, with the outside world handed in."""
    root = _directory(settings.root_dir)
    facts = read_host_facts(settings.root_dir)
    node_settings = _node_settings(settings)
    context = NodeContext(
        name=settings.node_name,
        facts=NodeFacts(facts.memory_bytes, str(root / "seccomp")),
        host_ips=(node_settings.address,),
        allocatable=allocatable(node_settings, facts),
        cluster_dns=tuple(settings.cluster_dns),
        cluster_domain=settings.cluster_domain,
        resolv_conf_file=settings.resolv_conf,
    )
    tasks = Tasks()
    recorder = EventRecorder(client, "kubelet", clock, host=settings.node_name)
    kubelet = Kubelet(KubeletParts(client, runtime, clock, recorder, context, root), tasks)
    server = await _server(settings, node_settings, kubelet, runtime, clock)
    health = _health(settings)
    try:
        recorder.start(tasks)
        await server.start()
        if health is not None:
            await health.start()
        signals = HostSignals(settings.root_dir, settings.image_directory or settings.root_dir)
        images = ImageGarbageCollector(
            runtime,
            clock,
            recorder,
            node_settings,
            lambda: file_system(signals.image_directory),
            ImagePolicy(settings.image_gc_high_threshold_percent, settings.image_gc_low_threshold_percent),
        )
        node = NodeManager(
            client,
            runtime,
            clock,
            recorder,
            node_settings,
            facts,
            lambda: eviction.pressure(),
            lambda: kubelet.runtime_is_lost,
            settings.node_status_update_frequency_seconds,
        )
        eviction = EvictionManager(
            kubelet,
            runtime,
            clock,
            PodEvents(recorder),
            signals.read,
            parse_thresholds(settings.eviction_hard),
            images,
            node.check,
        )
        kubelet.node.add_handler(node.on_node)
        kubelet.on_runtime_turned.append(node.check)
        node.started()
        lease = NodeLease(client, clock, settings.node_name, settings.node_lease_duration_seconds)
        for name, loop in (
            ("node-status", node.run()),
            ("node-lease", lease.run()),
            ("eviction", eviction.run()),
            ("image-gc", images.run()),
        ):
            tasks.start(name, loop, critical=True)
        kubelet.start()
        log.info("Kubelet started", node=settings.node_name, address=node_settings.address, port=server.port)
        await tasks.run_until(stop)
    finally:
        await kubelet.close()
        await server.close()
        if health is not None:
            await health.stop()
        await tasks.cancel_all()


def _health(settings: Settings) -> HealthServer | None:
    """The health endpoint: the kubelet is well as long as its event loop turns."""
    if not settings.healthz_port:
        return None

    async def ping() -> None:
        return

    return HealthServer(settings.healthz_port, {"ping": ping}, address=settings.healthz_bind_address)


async def _server(
    settings: Settings, node: NodeSettings, kubelet: Kubelet, runtime: ContainerRuntime, clock: Clock
) -> KubeletServer:
    certificate, key = settings.tls_cert_file, settings.tls_private_key_file
    if not certificate:
        directory = _directory(settings.root_dir, "pki")
        certificate, key = await asyncio.to_thread(self_signed, str(directory), node.name, [node.address])
    return KubeletServer(
        kubelet,
        runtime,
        clock,
        node_name=settings.node_name,
        host=settings.address,
        port=settings.port,
        tls=server_context(certificate, key, settings.client_ca_file),
    )


def _directory(*parts: str) -> Path:
    path = Path(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _node_settings(settings: Settings) -> NodeSettings:
    version = settings.kubernetes_version.removeprefix("v")
    return NodeSettings(
        name=settings.node_name,
        address=settings.node_ip or default_address(),
        port=settings.port,
        kubelet_version=f"v{version}" if version.count(".") > 1 else f"v{version}.0",
        max_pods=settings.max_pods,
        reserved=settings.system_reserved,
        memory_eviction_bytes=_amount(settings.eviction_hard.get("memory.available", "0")),
        storage_eviction_share=_share(settings.eviction_hard.get("nodefs.available", "0%")),
        labels=settings.node_labels,
        taints=[taint.model_dump(exclude_defaults=True) for taint in settings.register_with_taints],
    )


def _amount(text: str) -> int:
    return 0 if text.endswith("%") else Quantity.parse(text).value()


def _share(text: str) -> float:
    return float(text.removesuffix("%")) / 100 if text.endswith("%") else 0.0
