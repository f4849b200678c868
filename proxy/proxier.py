"""The proxy's loop: what is observed of Services, EndpointSlices and Nodes becomes this host's rules and routes.

Level-triggered: changes only mark what is to be looked at again. The first change is applied at once, those that follow
wait until ``MINIMUM_INTERVAL_SECONDS`` have passed since, and go together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

import structlog

from minikube_py.api.meta import Object, annotations_of, key_of, metadata, name_of
from minikube_py.api.resources import ENDPOINT_SLICES, NODES, SERVICES
from minikube_py.api.times import parse_time
from minikube_py.client.protocol import Client
from minikube_py.runtime.backoff import Backoff
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.events import EventRecorder
from minikube_py.runtime.informer import Informers
from minikube_py.runtime.tasks import Tasks
from proxy import metrics
from proxy.conntrack import Conntrack, UdpTargets, changed_targets, stale_flows, udp_targets
from proxy.endpoints import ServicePort, is_relevant_slice, service_key_of
from proxy.listeners import Conflict, Listener, has_local_load_balancer, host_listeners, without_conflicts
from proxy.nft import Nft, NftError
from proxy.node import NodeNetwork, bridge_netfilter, is_local_address, peers, pod_cidr_of
from proxy.programs import ProgramError
from proxy.rules import Network, ruleset
from proxy.state import ServiceState, without_local_endpoints
from proxy.table import ServiceTable

MINIMUM_INTERVAL_SECONDS = 0.05
CHECK_INTERVAL_SECONDS = 30.0
STALE_AFTER_SECONDS = 60.0
TRIGGER_TIME_ANNOTATION = "endpoints.kubernetes.io/last-change-trigger-time"
_BY_SERVICE = "service"

log = structlog.get_logger("proxy")


@dataclass(frozen=True, slots=True)
class Host:
    """The outside world that the proxy changes, and what it reads of it."""

    nft: Nft
    conntrack: Conntrack
    network: NodeNetwork
    bridge_netfilter: Callable[[], bool] = bridge_netfilter
    is_local_address: Callable[[str], bool] = is_local_address
    listeners: Callable[[], frozenset[Listener]] = host_listeners


class Proxier:
    """Keeps one host's table, routes and UDP flows as the cluster wants them."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        host: Host,
        *,
        node_name: str,
        table: str,
        cluster_cidr: str,
        service_cidr: str,
        recorder: EventRecorder | None = None,
        random: Random | None = None,
    ) -> None:
        self._clock = clock
        self._recorder = recorder
        self._host = host
        self._node_name = node_name
        self._table_name = table
        self._cluster_cidr = cluster_cidr
        self._service_cidr = service_cidr
        self._backoff = Backoff(random or Random())
        self._informers = Informers(client, clock)
        self._services = self._informers.informer(SERVICES)
        self._slices = self._informers.informer(
            ENDPOINT_SLICES, indexers={_BY_SERVICE: lambda obj: (service_key_of(obj),)}
        )
        self._nodes = self._informers.informer(NODES, transform=_only_network)
        self._table = ServiceTable(host.nft)
        self._state = ServiceState(node_name)
        self._changed = asyncio.Event()
        self._dirty: dict[str, None] = {}
        self._nodes_changed = asyncio.Event()
        self._started_at = clock.now()
        self._triggers: list[datetime] = []
        self._applied_ports: tuple[ServicePort, ...] | None = None
        self._applied_network: Network | None = None
        self._applied_conflicts: tuple[Conflict, ...] = ()
        self._udp = UdpTargets()
        self._udp_wanted = UdpTargets()
        self._udp_changed = asyncio.Event()
        self._queued_at: float | None = None
        self._following = False
        self._synced_once = False

    def start(self, tasks: Tasks) -> None:
        """Begins to follow the cluster."""
        self._services.add_handler(self._service_changed)
        self._slices.add_handler(self._slice_changed)
        self._nodes.add_handler(self._node_changed)
        self._informers.start(tasks)
        tasks.start("proxy rules", self._run(tasks), critical=True)

    async def check_healthy(self) -> None:
        """Raises RuntimeError where a change has waited for a minute, or nothing was ever applied."""
        if not self._synced_once:
            raise RuntimeError("rules were not applied yet")
        if self._queued_at is not None:
            waited = self._clock.monotonic() - self._queued_at
            if waited > STALE_AFTER_SECONDS:
                raise RuntimeError(f"a change of rules has waited for {waited:.0f} s")

    async def _run(self, tasks: Tasks) -> None:
        for informer in (self._services, self._slices, self._nodes):
            while not informer.synced:
                try:
                    await informer.wait_synced(CHECK_INTERVAL_SECONDS)
                except TimeoutError as error:
                    log.warning("Waiting for the API server", error=str(error))
        self._following = True
        self._queue()
        self._nodes_changed.set()
        tasks.start("proxy host network", self._keep_host_network(), critical=True)
        tasks.start("proxy check", self._check_for_ever(), critical=True)
        tasks.start("proxy udp flows", self._forget_stale_flows_for_ever(), critical=True)
        while True:
            await self._changed.wait()
            self._changed.clear()
            pause = MINIMUM_INTERVAL_SECONDS
            try:
                await self._sync()
                self._backoff.reset()
            except (NftError, OSError) as error:
                metrics.SYNC_FAILURES.inc()
                log.error("Rules not applied", error=str(error))
                self._applied_ports = None
                self._changed.set()
                pause = self._backoff.next()
            await self._clock.sleep(pause)

    async def _sync(self) -> None:
        started = self._clock.monotonic()
        dirty, self._dirty = self._dirty, {}
        triggers, self._triggers = self._triggers, []
        for key in dirty:
            self._state.observe(key, self._services.get(key), self._slices.by_index(_BY_SERVICE, key))
        ports, network = self._state.ports(), self._network()
        served, conflicts = self._without_host_ports(ports)
        if ports is not self._applied_ports or network != self._applied_network or conflicts != self._applied_conflicts:
            if await self._table.apply(ruleset(served, network)):
                metrics.SYNC_DURATION.observe(self._clock.monotonic() - started)
                log.debug("Rules applied", seconds=round(self._clock.monotonic() - started, 4), ports=len(ports))
            self._tell_conflicts(conflicts)
            self._applied_ports, self._applied_network, self._applied_conflicts = ports, network, conflicts
            self._udp_wanted = udp_targets(ports)
            self._udp_changed.set()
            internal, external = without_local_endpoints(ports)
            metrics.NO_LOCAL_INTERNAL.set(internal)
            metrics.NO_LOCAL_EXTERNAL.set(external)
        now = self._clock.now()
        metrics.LAST_TIMESTAMP.set(now.timestamp())
        for trigger in triggers:
            metrics.NETWORK_PROGRAMMING_DURATION.observe(max((now - trigger).total_seconds(), 0.0))
        if not self._changed.is_set():
            self._queued_at = None
        if not self._synced_once:
            self._synced_once = True
            log.info("Rules in place", ports=len(ports), seconds=round(self._clock.monotonic() - started, 4))

    def _without_host_ports(
        self, ports: tuple[ServicePort, ...]
    ) -> tuple[tuple[ServicePort, ...], tuple[Conflict, ...]]:
        if not has_local_load_balancer(ports, self._host.is_local_address):
            return ports, ()
        return without_conflicts(ports, self._host.listeners(), self._host.is_local_address)

    def _tell_conflicts(self, conflicts: tuple[Conflict, ...]) -> None:
        for conflict in conflicts:
            if conflict in self._applied_conflicts:
                continue
            log.warning(
                "Load balancer would take a port that this host listens on",
                service=conflict.service,
                address=conflict.address,
                port=conflict.port,
                protocol=conflict.protocol,
            )
            service = self._services.get(conflict.service)
            if self._recorder is not None and service is not None:
                where = f"{conflict.address}, port {conflict.port}/{conflict.protocol.upper()}"
                message = f"Node {self._node_name} itself listens at {where}: the load balancer does not serve it there"
                self._recorder.event(service, "Warning", "PortInUse", message)

    def _network(self) -> Network:
        node = self._nodes.get(self._node_name)
        return Network(
            table=self._table_name,
            cluster_cidr=self._cluster_cidr,
            service_cidr=self._service_cidr,
            pod_cidr=pod_cidr_of(node) if node is not None else "",
            bridge_netfilter=self._host.bridge_netfilter(),
        )

    async def _check_for_ever(self) -> None:
        """Sees what others did to this host, and has it put right."""
        while True:
            await self._clock.sleep(CHECK_INTERVAL_SECONDS)
            try:
                intact = await self._table.check()
            except (NftError, OSError) as error:
                log.warning("Table not checked", error=str(error))
                continue
            if not intact:
                log.warning("Table was changed from outside, making it anew", table=self._table_name)
                self._applied_ports = None
            self._nodes_changed.set()
            self._queue()

    async def _keep_host_network(self) -> None:
        while True:
            await self._nodes_changed.wait()
            self._nodes_changed.clear()
            await self._host.network.ensure(peers(self._nodes.list(), self._node_name))

    async def _forget_stale_flows_for_ever(self) -> None:
        while True:
            await self._udp_changed.wait()
            self._udp_changed.clear()
            wanted = self._udp_wanted
            targets = changed_targets(self._udp, wanted)
            self._udp = wanted
            if not targets.addresses and not targets.node_ports:
                continue
            try:
                flows = await self._host.conntrack.flows()
                for flow in stale_flows(flows, targets, self._host.is_local_address):
                    await self._host.conntrack.forget(flow)
                    log.debug("UDP flows forgotten", destination=flow.destination, port=flow.port)
            except ProgramError as error:
                log.warning("UDP flows not forgotten", error=str(error))

    def _queue(self) -> None:
        if self._queued_at is None:
            self._queued_at = self._clock.monotonic()
        metrics.LAST_QUEUED_TIMESTAMP.set(self._clock.now().timestamp())
        self._changed.set()

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        metrics.SERVICE_CHANGES.inc()
        self._mark(key_of(new or old or {}))

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        relevant = [obj for obj in (old, new) if obj is not None and is_relevant_slice(obj)]
        for key in {service_key_of(obj) for obj in relevant}:
            self._mark(key)
        if relevant:
            metrics.ENDPOINT_CHANGES.inc()
        if new is not None:
            trigger = annotations_of(new).get(TRIGGER_TIME_ANNOTATION)
            if trigger and (old is None or annotations_of(old).get(TRIGGER_TIME_ANNOTATION) != trigger):
                self._note_trigger(trigger)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or _without_version(old) != _without_version(new):
            self._nodes_changed.set()
            if self._following:
                self._queue()

    def _mark(self, key: str) -> None:
        self._dirty[key] = None
        if self._following:
            self._queue()

    def _note_trigger(self, text: str) -> None:
        """Takes the time of a change into the measurement; changes from before this process are nobody's delay."""
        try:
            trigger = parse_time(text)
        except ValueError:
            return
        if trigger >= self._started_at:
            self._triggers.append(trigger)


def _only_network(node: Object) -> Object:
    """Keeps what is read here: a Node's status is long, and changes with every heartbeat."""
    spec = node.get("spec") or {}
    addresses = (node.get("status") or {}).get("addresses") or []
    return {
        "apiVersion": node.get("apiVersion"),
        "kind": node.get("kind"),
        "metadata": {"name": name_of(node), "resourceVersion": metadata(node).get("resourceVersion")},
        "spec": {key: spec[key] for key in ("podCIDR", "podCIDRs") if key in spec},
        "status": {"addresses": addresses},
    }


def _without_version(node: Object) -> tuple[object, object]:
    return node["spec"], node["status"]
