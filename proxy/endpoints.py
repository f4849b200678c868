"""Which endpoints each port of each Service has on this node. Pure; follows ``pkg/proxy`` of kube-proxy.

Only IPv4 is looked at: addresses and EndpointSlices of other families are passed over, as a single-family kube-proxy
does. A Service that another proxy claims (label ``service.kubernetes.io/service-proxy-name``), a headless one, and one
of type ExternalName has no ports here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from minikube_py.api.meta import Object, labels_of, metadata, name_of, namespace_of

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
SERVICE_PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name"
HEADLESS_LABEL = "service.kubernetes.io/headless"
DEFAULT_AFFINITY_SECONDS = 10800


@dataclass(frozen=True, slots=True, order=True)
class Backend:
    """Where a connection can be sent."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of an EndpointSlice under one port, with its conditions."""

    backend: Backend
    local: bool
    ready: bool
    serving: bool
    terminating: bool


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a Service, and the endpoints that its traffic may go to on this node.

    ``cluster_endpoints`` serve the policy Cluster, ``local_endpoints`` the policy Local; each is empty where no policy
    of the Service asks for it. ``has_any_endpoint`` is True where any node has one that could serve.
    """

    namespace: str
    name: str
    port_name: str
    protocol: str
    """In lower case, as nft writes it."""
    cluster_ip: str
    port: int
    node_port: int = 0
    load_balancer_ips: tuple[str, ...] = ()
    external_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] = ()
    affinity_seconds: int = 0
    """0 where there is no session affinity."""
    internal_local: bool = False
    external_local: bool = False
    cluster_endpoints: tuple[Backend, ...] = ()
    local_endpoints: tuple[Backend, ...] = ()
    has_any_endpoint: bool = False

    @property
    def label(self) -> str:
        """``namespace/name:port``, as upstream names a service port."""
        return f"{self.namespace}/{self.name}" + (f":{self.port_name}" if self.port_name else "")

    @property
    def is_external(self) -> bool:
        """Whether it is reached by more than its ClusterIP."""
        return bool(self.node_port or self.load_balancer_ips or self.external_ips)

    @property
    def backends(self) -> frozenset[Backend]:
        """Every endpoint that traffic may go to."""
        return frozenset(self.cluster_endpoints) | frozenset(self.local_endpoints)


def service_ports(service: Object, slices: Iterable[Object], node_name: str) -> tuple[ServicePort, ...]:
    """The ports of one Service with the endpoints of its EndpointSlices, in the order of the Service's spec."""
    spec = service.get("spec") or {}
    cluster_ip = _cluster_ip(spec)
    if not cluster_ip or spec.get("type") == "ExternalName" or SERVICE_PROXY_NAME_LABEL in labels_of(service):
        return ()
    by_port = _endpoints_by_port(slices, node_name)
    return tuple(
        _service_port(service, spec, cluster_ip, port, by_port.get(_port_key(port), {}))
        for port in spec.get("ports") or ()
    )


def is_relevant_slice(endpoint_slice: Object) -> bool:
    """Whether a slice belongs to a Service and is one that proxies read."""
    labels = labels_of(endpoint_slice)
    return (
        bool(labels.get(SERVICE_NAME_LABEL))
        and HEADLESS_LABEL not in labels
        and SERVICE_PROXY_NAME_LABEL not in labels
        and endpoint_slice.get("addressType") == "IPv4"
    )


def service_key_of(endpoint_slice: Object) -> str:
    """``namespace/name`` of the Service that a slice belongs to."""
    return f"{namespace_of(endpoint_slice)}/{labels_of(endpoint_slice).get(SERVICE_NAME_LABEL, '')}"


def _service_port(
    service: Object, spec: Object, cluster_ip: str, port: Object, endpoints: dict[Backend, Endpoint]
) -> ServicePort:
    service_type = spec.get("type") or "ClusterIP"
    load_balancer_ips = _load_balancer_ips(service) if service_type == "LoadBalancer" else ()
    external_ips = tuple(ip for ip in spec.get("externalIPs") or () if _is_ipv4(ip))
    node_port = int(port.get("nodePort") or 0) if service_type in ("NodePort", "LoadBalancer") else 0
    is_external = bool(node_port or load_balancer_ips or external_ips)
    internal_local = spec.get("internalTrafficPolicy") == "Local"
    external_local = is_external and spec.get("externalTrafficPolicy") == "Local"

    known = endpoints.values()
    # Pods and the node itself use every endpoint under the external policy Local too, hence "or is_external".
    cluster = _usable(known) if not internal_local or is_external else ()
    local = _usable(e for e in known if e.local) if internal_local or external_local else ()
    return ServicePort(
        namespace=namespace_of(service),
        name=name_of(service),
        port_name=port.get("name") or "",
        protocol=(port.get("protocol") or "TCP").lower(),
        cluster_ip=cluster_ip,
        port=int(port["port"]),
        node_port=node_port,
        load_balancer_ips=load_balancer_ips,
        external_ips=external_ips,
        source_ranges=_source_ranges(spec) if load_balancer_ips else (),
        affinity_seconds=_affinity_seconds(spec),
        internal_local=internal_local,
        external_local=external_local,
        cluster_endpoints=cluster,
        local_endpoints=local,
        has_any_endpoint=bool(_usable(known)),
    )


def _usable(endpoints: Iterable[Endpoint]) -> tuple[Backend, ...]:
    """The ready ones; where there is none, those that end but still serve (KEP-1669)."""
    known = list(endpoints)
    ready = [e for e in known if e.ready]
    chosen = ready or [e for e in known if e.serving and e.terminating]
    return tuple(sorted(e.backend for e in chosen))


def _endpoints_by_port(slices: Iterable[Object], node_name: str) -> dict[tuple[str, str], dict[Backend, Endpoint]]:
    """Endpoints by (port name, protocol). An address in two slices counts once, ready where either says so."""
    found: dict[tuple[str, str], dict[Backend, Endpoint]] = {}
    for endpoint_slice in slices:
        if not is_relevant_slice(endpoint_slice):
            continue
        for port in endpoint_slice.get("ports") or ():
            if port.get("port") is None:
                continue
            of_port = found.setdefault(_port_key(port), {})
            for item in endpoint_slice.get("endpoints") or ():
                endpoint = _endpoint(item, int(port["port"]), node_name)
                if endpoint is None:
                    continue
                known = of_port.get(endpoint.backend)
                if known is None or (endpoint.ready and not known.ready):
                    of_port[endpoint.backend] = endpoint
    return found


def _endpoint(item: Object, port: int, node_name: str) -> Endpoint | None:
    addresses = item.get("addresses") or ()
    if not addresses:
        return None
    conditions = item.get("conditions") or {}
    ready = conditions.get("ready") is not False
    serving = conditions.get("serving")
    return Endpoint(
        backend=Backend(addresses[0], port),
        local=bool(node_name) and item.get("nodeName") == node_name,
        ready=ready,
        serving=ready if serving is None else bool(serving),
        terminating=bool(conditions.get("terminating")),
    )


def _port_key(port: Object) -> tuple[str, str]:
    return port.get("name") or "", port.get("protocol") or "TCP"


def _cluster_ip(spec: Object) -> str:
    """The first IPv4 ClusterIP, or the empty string."""
    return next((ip for ip in spec.get("clusterIPs") or [spec.get("clusterIP")] if _is_ipv4(ip)), "")


def _load_balancer_ips(service: Object) -> tuple[str, ...]:
    status = (service.get("status") or {}).get("loadBalancer") or {}
    ingress = status.get("ingress") or ()
    return tuple(item["ip"] for item in ingress if _is_ipv4(item.get("ip")) and item.get("ipMode") != "Proxy")


def _source_ranges(spec: Object) -> tuple[str, ...]:
    """The IPv4 ranges; where ranges are given and none is IPv4, one that admits nobody."""
    given = [text.strip() for text in spec.get("loadBalancerSourceRanges") or ()]
    ranges = tuple(text for text in given if _is_ipv4_network(text))
    if given and not ranges:
        return ("0.0.0.0/32",)
    return () if "0.0.0.0/0" in ranges else ranges


def _affinity_seconds(spec: Object) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return int(config.get("timeoutSeconds") or DEFAULT_AFFINITY_SECONDS)


def _is_ipv4(text: Any) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _is_ipv4_network(text: str) -> bool:
    try:
        ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return False
    return True


def creation_order(service: Object) -> tuple[str, str, str]:
    """A sort key: the oldest Service first, so that it keeps an address and port that a younger one claims as well."""
    return str(metadata(service).get("creationTimestamp") or ""), namespace_of(service), name_of(service)
