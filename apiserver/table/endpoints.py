"""The printers of Endpoints and EndpointSlice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, NONE, Column, Printer, age, documented, list_with_more
from minikube_py.api.meta import Object, name_of

ENDPOINTS_COLUMNS = (NAME, Column("Endpoints", documented("core.v1.Endpoints", "subsets")), AGE)

ENDPOINT_SLICE_COLUMNS = (
    NAME,
    Column("AddressType", documented("discovery.v1.EndpointSlice", "addressType")),
    Column("Ports", documented("discovery.v1.EndpointSlice", "ports")),
    Column("Endpoints", documented("discovery.v1.EndpointSlice", "endpoints")),
    AGE,
)


def endpoints_cells(endpoints: Object, now: datetime) -> list[Any]:
    """Name, the first three ready ``ip:port`` pairs, age."""
    subsets = endpoints.get("subsets") or []
    shown = list_with_more(_host_ports(subsets), empty="") if subsets else NONE
    return [name_of(endpoints), shown, age(endpoints, now)]


def endpoint_slice_cells(endpoint_slice: Object, now: datetime) -> list[Any]:
    """Name, address type, the first three ports, the first three addresses, age."""
    addresses = (item for entry in endpoint_slice.get("endpoints") or [] for item in entry.get("addresses") or [])
    return [
        name_of(endpoint_slice),
        endpoint_slice.get("addressType", ""),
        list_with_more(map(_port, endpoint_slice.get("ports") or [])),
        list_with_more(addresses),
        age(endpoint_slice, now),
    ]


def _host_ports(subsets: list[Object]) -> Iterator[str]:
    for subset in subsets:
        addresses = [address.get("ip", "") for address in subset.get("addresses") or []]
        ports = subset.get("ports") or []
        if not ports:
            yield from addresses
        for port in ports:
            for address in addresses:
                host = f"[{address}]" if ":" in address else address
                yield f"{host}:{port.get('port')}"


def _port(port: Object) -> str:
    if port.get("port") is not None:
        return str(port["port"])
    return str(port.get("name") or "*")


PRINTERS = {
    ("", "Endpoints"): Printer(ENDPOINTS_COLUMNS, endpoints_cells),
    ("discovery.k8s.io", "EndpointSlice"): Printer(ENDPOINT_SLICE_COLUMNS, endpoint_slice_cells),
}
