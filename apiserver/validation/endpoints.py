"""Validation of Endpoints and EndpointSlice."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.containers import PROTOCOLS
from apiserver.validation.meta import immutable, labels, object_meta, object_meta_update
from apiserver.validation.names import (
    dns_label,
    dns_subdomain,
    ip,
    label_value,
    non_special_ip,
    parsed_ip,
    port_number,
    qualified_name,
)
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_invalid,
    field_not_supported,
    field_required,
    field_too_many,
)
from minikube_py.api.meta import Object

_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_MAX_ENDPOINTS = 1000
_MAX_PORTS = 20000
_MAX_ADDRESSES = 100
_MAX_TOPOLOGY = 16
_MAX_HINTS = 8


def endpoints(obj: Object) -> Iterator[FieldError]:
    """Endpoints: subsets of addresses and ports."""
    yield from object_meta(obj, namespaced=True)
    for index, subset in enumerate(obj.get("subsets") or []):
        here = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            yield field_required(here, "must specify `addresses` or `notReadyAddresses`")
        for key in ("addresses", "notReadyAddresses"):
            for position, address in enumerate(subset.get(key) or []):
                yield from _endpoint_address(f"{here}.{key}[{position}]", address)
        ports = subset.get("ports") or []
        for position, port in enumerate(ports):
            yield from _endpoint_port(f"{here}.ports[{position}]", port, require_name=len(ports) > 1)


def endpoints_update(new: Object, old: Object) -> Iterator[FieldError]:
    """Changed Endpoints."""
    yield from object_meta_update(new, old)
    yield from endpoints(new)


def endpoint_slice(obj: Object) -> Iterator[FieldError]:
    """An EndpointSlice: endpoints of one address type and the ports they share."""
    yield from object_meta(obj, namespaced=True)
    address_type = obj.get("addressType") or ""
    if not address_type:
        yield field_required("addressType")
    elif address_type not in _ADDRESS_TYPES:
        yield field_not_supported("addressType", address_type, _ADDRESS_TYPES)
    items, ports = obj.get("endpoints") or [], obj.get("ports") or []
    if len(items) > _MAX_ENDPOINTS:
        yield field_too_many("endpoints", len(items), _MAX_ENDPOINTS)
        return
    for index, item in enumerate(items):
        yield from _slice_endpoint(f"endpoints[{index}]", item, address_type)
    if len(ports) > _MAX_PORTS:
        yield field_too_many("ports", len(ports), _MAX_PORTS)
        return
    yield from _slice_ports("ports", ports)


def endpoint_slice_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed EndpointSlice, whose address type stays."""
    yield from object_meta_update(new, old)
    yield from endpoint_slice(new)
    yield from immutable("addressType", new.get("addressType"), old.get("addressType"))


def _endpoint_address(path: str, address: Object) -> Iterator[FieldError]:
    value = address.get("ip") or ""
    errors = list(ip(f"{path}.ip", value))
    yield from errors
    if address.get("hostname"):
        yield from dns_label(f"{path}.hostname", address["hostname"])
    if address.get("nodeName") is not None:
        yield from dns_subdomain(f"{path}.nodeName", address["nodeName"])
    if not errors:
        yield from non_special_ip(f"{path}.ip", value)


def _endpoint_port(path: str, port: Object, *, require_name: bool) -> Iterator[FieldError]:
    if port.get("name"):
        yield from dns_label(f"{path}.name", port["name"])
    elif require_name:
        yield field_required(f"{path}.name")
    yield from port_number(f"{path}.port", port.get("port") or 0)
    yield from _protocol(f"{path}.protocol", port.get("protocol"))
    if port.get("appProtocol") is not None:
        yield from qualified_name(f"{path}.appProtocol", port["appProtocol"])


def _protocol(path: str, value: str | None) -> Iterator[FieldError]:
    if not value:
        yield field_required(path)
    elif value not in PROTOCOLS:
        yield field_not_supported(path, value, PROTOCOLS)


def _slice_endpoint(path: str, item: Object, address_type: str) -> Iterator[FieldError]:
    addresses = item.get("addresses") or []
    if not addresses:
        yield field_required(f"{path}.addresses", "must contain at least 1 address")
    elif len(addresses) > _MAX_ADDRESSES:
        yield field_too_many(f"{path}.addresses", len(addresses), _MAX_ADDRESSES)
    for index, address in enumerate(addresses):
        yield from _slice_address(f"{path}.addresses[{index}]", address, address_type)
    if item.get("nodeName") is not None:
        yield from dns_subdomain(f"{path}.nodeName", item["nodeName"])
    if item.get("hostname") is not None:
        yield from dns_label(f"{path}.hostname", item["hostname"])
    topology = item.get("deprecatedTopology") or {}
    if len(topology) > _MAX_TOPOLOGY:
        yield field_too_many(f"{path}.deprecatedTopology", len(topology), _MAX_TOPOLOGY)
    yield from labels(f"{path}.deprecatedTopology", topology)
    yield from _hints(f"{path}.hints.forZones", (item.get("hints") or {}).get("forZones") or [])


def _hints(path: str, hints: list[Object]) -> Iterator[FieldError]:
    if len(hints) > _MAX_HINTS:
        yield field_too_many(path, len(hints), _MAX_HINTS)
        return
    seen: set[str] = set()
    for index, hint in enumerate(hints):
        here, name = f"{path}[{index}].name", hint.get("name") or ""
        if name in seen:
            yield field_duplicate(here, name)
        seen.add(name)
        yield from label_value(here, name)


def _slice_address(path: str, address: str, address_type: str) -> Iterator[FieldError]:
    if address_type == "FQDN":
        yield from dns_subdomain(path, address)
        return
    parsed = parsed_ip(address)
    if parsed is None or f"IPv{parsed.version}" != address_type:
        yield field_invalid(path, address, f"must be a valid {address_type} address")
    else:
        yield from non_special_ip(path, address)


def _slice_ports(path: str, ports: list[Object]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        here = f"{path}[{index}]"
        name = port.get("name") or ""
        if name:
            yield from dns_label(f"{here}.name", name)
        if name in seen:
            yield field_duplicate(f"{here}.name", name)
        seen.add(name)
        if port.get("port") is not None:
            yield from port_number(f"{here}.port", port["port"])
        yield from _protocol(f"{here}.protocol", port.get("protocol"))
        if port.get("appProtocol") is not None:
            yield from qualified_name(f"{here}.appProtocol", port["appProtocol"])
