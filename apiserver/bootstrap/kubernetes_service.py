"""The Service ``default/kubernetes`` and what is behind it: the address that each API server advertises.

Several servers share the one EndpointSlice: each adds its own address, and takes none away but at a clean stop.
"""

from __future__ import annotations

from ipaddress import ip_address

import structlog

from apiserver.bootstrap.ensure import ensure
from apiserver.core import Core
from minikube_py.api.meta import Object, labels_of, metadata
from minikube_py.api.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES

NAME, NAMESPACE = "kubernetes", "default"
log = structlog.get_logger("apiserver")
_SKIP_MIRROR = {"endpointslice.kubernetes.io/skip-mirror": "true"}


async def ensure_kubernetes_service(core: Core) -> None:
    """Creates the Service, its Endpoints and its EndpointSlice, or adds this server to them."""
    settings = core.settings
    address, port = settings.advertise_address, settings.secure_port
    await ensure(core, SERVICES, service(str(settings.service_network[1]), port), lambda old: with_target(old, port))
    if ip_address(address).is_loopback:
        log.warning("Advertised address is loopback: the Service kubernetes has no endpoints", address=address)
        return
    await ensure(core, ENDPOINTS, endpoints([address], port), lambda old: with_endpoint(old, address, port))
    await ensure(core, ENDPOINT_SLICES, endpoint_slice([address], port), lambda old: with_slice(old, address, port))


def _metadata(labels: dict[str, str]) -> Object:
    return {"name": NAME, "namespace": NAMESPACE, "labels": labels}


def service(cluster_ip: str, port: int) -> Object:
    """The Service: port 443 of the first address of the service network."""
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": _metadata({"component": "apiserver", "provider": "kubernetes"}),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": cluster_ip,
            "clusterIPs": [cluster_ip],
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "sessionAffinity": "None",
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": port}],
        },
    }


def with_target(old: Object, port: int) -> Object:
    """The Service with the server's port. Pure."""
    ports = [{**entry, "targetPort": port} for entry in old["spec"]["ports"]]
    return {**old, "spec": {**old["spec"], "ports": ports}}


def endpoints(addresses: list[str], port: int) -> Object:
    """The Endpoints of these servers."""
    return {
        "kind": "Endpoints",
        "apiVersion": "v1",
        "metadata": _metadata(dict(_SKIP_MIRROR)),
        "subsets": [
            {
                "addresses": [{"ip": address} for address in addresses],
                "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
            }
        ],
    }


def with_endpoint(old: Object, address: str, port: int) -> Object:
    """The Endpoints with this server among them. Pure."""
    known = {entry["ip"] for subset in old.get("subsets") or () for entry in subset.get("addresses") or ()}
    wanted = endpoints(sorted(known | {address}), port)
    labels = {**labels_of(old), **_SKIP_MIRROR}
    return {**old, "metadata": {**metadata(old), "labels": labels}, "subsets": wanted["subsets"]}


def endpoint_slice(addresses: list[str], port: int) -> Object:
    """The EndpointSlice of these servers."""
    return {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": _metadata({"kubernetes.io/service-name": NAME}),
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }


def with_slice(old: Object, address: str, port: int) -> Object:
    """The EndpointSlice with this server among them. Pure."""
    known = {entry["addresses"][0] for entry in old.get("endpoints") or ()}
    wanted = endpoint_slice(sorted(known | {address}), port)
    return {**old, "endpoints": wanted["endpoints"], "ports": wanted["ports"]}
