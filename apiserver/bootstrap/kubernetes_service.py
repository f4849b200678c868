"""The Service ``default/kubernetes`` and what is behind it: the addresses of the API servers that are alive.

Each server keeps a key with a time to live under ``/registry/masterleases/``, as upstream's lease reconciler does, and
writes the addresses of all live keys into the Endpoints and the EndpointSlice; so a server that is gone for good, or
has moved, disappears from them by itself.
"""

from __future__ import annotations

from ipaddress import ip_address

import structlog

from apiserver.bootstrap.ensure import ensure
from apiserver.bootstrap.namespaces import ensure_namespaces
from apiserver.core import Core
from apiserver.storage.store import KeyExists, RevisionMismatch, StoreError
from minikube_py.api.errors import ApiError
from minikube_py.api.meta import Object, labels_of, metadata
from minikube_py.api.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES

NAME, NAMESPACE = "kubernetes", "default"
LEASES = "/registry/masterleases/"
LEASE_SECONDS = 60
"""How long a server that no longer renews its key is counted as alive, at least."""
RENEW_SECONDS = 20.0
log = structlog.get_logger("apiserver")
_SKIP_MIRROR = {"endpointslice.kubernetes.io/skip-mirror": "true"}


async def ensure_kubernetes_service(core: Core) -> None:
    """Creates the Service, and puts this server behind it. Raises ApiError, StoreError."""
    await _ensure_service(core)
    address = core.settings.advertise_address
    if ip_address(address).is_loopback:
        log.warning("Advertised address is loopback: the Service kubernetes has no endpoints", address=address)
        return
    await advertise(core)


async def _ensure_service(core: Core) -> None:
    port = core.settings.secure_port
    cluster_ip = str(core.settings.service_network[1])
    await ensure(core, SERVICES, service(cluster_ip, port), lambda old: with_target(old, port))


async def keep_advertising(core: Core) -> None:
    """Renews this server's key, follows the others', and makes the Service and the namespaces again where somebody
    has deleted them, until cancelled.
    """
    while True:
        await core.clock.sleep(RENEW_SECONDS)
        try:
            await ensure_namespaces(core)
            await _ensure_service(core)
            if not ip_address(core.settings.advertise_address).is_loopback:
                await advertise(core)
        except (ApiError, StoreError) as error:
            log.warning("Could not renew what leads to this server", error=str(error))


async def stop_advertising(core: Core) -> None:
    """Drops this server's key, so that the others take its address away at their next renewal."""
    key = LEASES + core.settings.advertise_address
    try:
        found = await core.store.get(key)
        if found is not None:
            await core.store.delete(key, expected_revision=found.revision)
    except StoreError as error:
        log.info("Left the address to expire", error=str(error))


async def advertise(core: Core) -> None:
    """Renews this server's key and writes who is alive. Raises ApiError, StoreError."""
    await _renew(core, LEASES + core.settings.advertise_address)
    page = await core.store.range(LEASES)
    addresses = sorted(item.key.removeprefix(LEASES) for item in page.items)
    port = core.settings.secure_port
    await ensure(core, ENDPOINTS, endpoints(addresses, port), lambda old: with_endpoints(old, addresses, port))
    await ensure(core, ENDPOINT_SLICES, endpoint_slice(addresses, port), lambda old: with_slice(old, addresses, port))


async def _renew(core: Core, key: str) -> None:
    found = await core.store.get(key)
    try:
        if found is None:
            await core.store.create(key, b"{}", ttl_seconds=LEASE_SECONDS)
        else:
            await core.store.update(key, b"{}", expected_revision=found.revision, ttl_seconds=LEASE_SECONDS)
    except (KeyExists, RevisionMismatch):
        log.info("Another server renews the same address", key=key)


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


def with_endpoints(old: Object, addresses: list[str], port: int) -> Object:
    """The Endpoints with these servers and no others. Pure."""
    labels = {**labels_of(old), **_SKIP_MIRROR}
    wanted = endpoints(addresses, port)
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


def with_slice(old: Object, addresses: list[str], port: int) -> Object:
    """The EndpointSlice with these servers and no others. Pure."""
    wanted = endpoint_slice(addresses, port)
    return {**old, "endpoints": wanted["endpoints"], "ports": wanted["ports"]}
