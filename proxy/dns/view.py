"""The cluster's names, from informers that keep no more of each object than DNS needs."""

from __future__ import annotations

from collections.abc import Sequence

from minikube_py.api.meta import Object, labels_of, name_of, namespace_of
from minikube_py.api.resources import ENDPOINT_SLICES, NAMESPACES, SERVICES
from minikube_py.runtime.informer import Informers
from proxy.dns.records import Endpoint, Port, Service

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
_METADATA = ("name", "namespace", "uid", "resourceVersion")
_SERVICE_SPEC = ("type", "clusterIP", "clusterIPs", "externalName")


class InformerView:
    """A :class:`proxy.dns.records.ClusterView` over the informers' copies."""

    def __init__(self, informers: Informers) -> None:
        self.namespaces = informers.informer(NAMESPACES, transform=lean_namespace)
        self.services = informers.informer(SERVICES, transform=lean_service, indexers={"address": cluster_ips})
        self.slices = informers.informer(
            ENDPOINT_SLICES,
            transform=lean_slice,
            indexers={"service": service_keys, "address": ready_addresses},
        )

    @property
    def synced(self) -> bool:
        """Whether everything has been listed once."""
        return self.namespaces.synced and self.services.synced and self.slices.synced

    @property
    def serial(self) -> int:
        """A number that grows with every change."""
        return max(self.services.revision, self.slices.revision)

    def has_namespace(self, name: str) -> bool:
        """See the protocol."""
        return self.namespaces.get(name) is not None

    def service(self, namespace: str, name: str) -> Service | None:
        """See the protocol."""
        found = self.services.get(f"{namespace}/{name}")
        if found is None:
            return None
        spec = found["spec"]
        if spec.get("type") == "ExternalName":
            return Service(external_name=spec.get("externalName") or "")
        headless = spec.get("clusterIP") == "None"
        return Service(tuple(cluster_ips(found)), headless, "", _ports(spec.get("ports"), "port"))

    def endpoints(self, namespace: str, name: str) -> Sequence[Endpoint]:
        """See the protocol."""
        return [
            Endpoint(address, endpoint.get("hostname") or "", _ports(found.get("ports"), "port"))
            for found in self.slices.by_index("service", f"{namespace}/{name}")
            for endpoint in found["endpoints"]
            if _is_ready(endpoint)
            for address in endpoint["addresses"]
        ]

    def names_of(self, address: str) -> Sequence[str]:
        """See the protocol."""
        services = self.services.by_index("address", address)
        if services:
            return [f"{name_of(service)}.{namespace_of(service)}.svc" for service in services]
        names: dict[str, None] = {}
        for found in self.slices.by_index("address", address):
            service = labels_of(found).get(SERVICE_NAME_LABEL)
            for endpoint in found["endpoints"]:
                if service and address in endpoint["addresses"] and _is_ready(endpoint):
                    label = Endpoint(address, endpoint.get("hostname") or "", ()).label
                    names[f"{label}.{service}.{namespace_of(found)}.svc"] = None
        return list(names)


def lean_namespace(namespace: Object) -> Object:
    """Only its name is of interest."""
    return {"metadata": _metadata(namespace)}


def lean_service(service: Object) -> Object:
    """What records are made from."""
    spec = service.get("spec") or {}
    kept = {field: spec[field] for field in _SERVICE_SPEC if spec.get(field)}
    kept["ports"] = [
        {field: port[field] for field in ("name", "port", "protocol") if field in port}
        for port in spec.get("ports") or ()
    ]
    return {"metadata": _metadata(service), "spec": kept}


def lean_slice(found: Object) -> Object:
    """What records are made from; slices of host names are emptied, DNS gives addresses."""
    metadata = _metadata(found)
    metadata["labels"] = {SERVICE_NAME_LABEL: labels_of(found).get(SERVICE_NAME_LABEL, "")}
    endpoints = [] if found.get("addressType") == "FQDN" else found.get("endpoints") or []
    return {
        "metadata": metadata,
        "addressType": found.get("addressType"),
        "endpoints": [
            {field: endpoint[field] for field in ("addresses", "conditions", "hostname") if field in endpoint}
            for endpoint in endpoints
        ],
        "ports": found.get("ports") or [],
    }


def _metadata(obj: Object) -> Object:
    metadata = obj["metadata"]
    return {field: metadata[field] for field in _METADATA if field in metadata}


def cluster_ips(service: Object) -> list[str]:
    """The Service's own addresses."""
    spec = service["spec"]
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or "None"]
    return [address for address in addresses if address != "None"]


def service_keys(found: Object) -> list[str]:
    """The Service that a slice belongs to."""
    service = labels_of(found).get(SERVICE_NAME_LABEL)
    return [f"{namespace_of(found)}/{service}"] if service else []


def ready_addresses(found: Object) -> list[str]:
    """The addresses of a slice's ready endpoints."""
    return [address for endpoint in found["endpoints"] if _is_ready(endpoint) for address in endpoint["addresses"]]


def _is_ready(endpoint: Object) -> bool:
    return (endpoint.get("conditions") or {}).get("ready") is not False


def _ports(ports: Sequence[Object] | None, field: str) -> tuple[Port, ...]:
    return tuple(
        Port(port.get("name") or "", int(port.get(field) or 0), port.get("protocol") or "TCP") for port in ports or ()
    )
