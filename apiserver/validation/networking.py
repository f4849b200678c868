"""Validation of NetworkPolicy, IPAddress and ServiceCIDR."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from apiserver.validation.containers import PROTOCOLS
from apiserver.validation.meta import immutable, label_selector, object_meta, object_meta_update
from apiserver.validation.names import cidr, dns_subdomain, each_message, parsed_ip, path_segment, port_number
from apiserver.validation.names import port_name_messages as port_name
from minikube_py.api.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object

_POLICY_TYPES = ("Ingress", "Egress")
_NOT_AN_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network_policy(obj: Object) -> Iterator[FieldError]:
    """A NetworkPolicy about to be stored."""
    yield from object_meta(obj, namespaced=True)
    spec = obj.get("spec") or {}
    yield from label_selector("spec.podSelector", spec.get("podSelector"))
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or []):
            here = f"spec.{direction}[{index}]"
            for position, port in enumerate(rule.get("ports") or []):
                yield from _policy_port(f"{here}.ports[{position}]", port)
            for position, peer in enumerate(rule.get(peers) or []):
                yield from _peer(f"{here}.{peers}[{position}]", peer)
    types = spec.get("policyTypes") or []
    if len(types) > len(_POLICY_TYPES):
        yield field_invalid("spec.policyTypes", types, "may not specify more than two policyTypes")
        return
    for index, policy_type in enumerate(types):
        if policy_type not in _POLICY_TYPES:
            yield field_not_supported(f"spec.policyTypes[{index}]", policy_type, _POLICY_TYPES)


def network_policy_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed NetworkPolicy."""
    yield from object_meta_update(new, old)
    yield from network_policy(new)


def ip_address(obj: Object) -> Iterator[FieldError]:
    """An IPAddress, whose name is the address and whose parent is named."""
    yield from object_meta(obj, namespaced=False, name=_ip_name)
    reference = (obj.get("spec") or {}).get("parentRef")
    if reference is None:
        yield field_required("spec.parentRef")
        return
    if reference.get("group"):
        yield from dns_subdomain("spec.parentRef.group", reference["group"])
    for key in ("resource", "name", "namespace"):
        value, here = reference.get(key) or "", f"spec.parentRef.{key}"
        if value:
            yield from each_message(here, value, path_segment(value))
        elif key != "namespace":
            yield field_required(here)


def ip_address_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed IPAddress, whose parent stays."""
    yield from object_meta_update(new, old)
    references = ((obj.get("spec") or {}).get("parentRef") for obj in (new, old))
    yield from immutable("spec.parentRef", *references)


def service_cidr(obj: Object) -> Iterator[FieldError]:
    """A ServiceCIDR: one network, or one of each family."""
    yield from object_meta(obj, namespaced=False)
    yield from _cidrs((obj.get("spec") or {}).get("cidrs") or [])


def service_cidr_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ServiceCIDR: a second family may be added, nothing else changes."""
    yield from object_meta_update(new, old)
    after, before = ((obj.get("spec") or {}).get("cidrs") or [] for obj in (new, old))
    added = (len(before), len(after)) == (1, 2)
    if len(after) != len(before) and not added:
        yield field_invalid("spec.cidrs", after, "field is immutable")
        return
    for index, (now, then) in enumerate(zip(after, before, strict=False)):
        yield from immutable(f"spec.cidrs[{index}]", now, then)
    if added:
        yield from _cidrs(after)


def _ip_name(name: str) -> list[str]:
    address = parsed_ip(name)
    if address is None:
        return [_NOT_AN_IP]
    return [] if str(address) == name else [f'must be in canonical form ("{address}")']


def _policy_port(path: str, port: Object) -> Iterator[FieldError]:
    protocol, value, end = port.get("protocol"), port.get("port"), port.get("endPort")
    if protocol is not None and protocol not in PROTOCOLS:
        yield field_not_supported(f"{path}.protocol", protocol, PROTOCOLS)
    if value is None:
        if end is not None:
            yield field_invalid(f"{path}.endPort", end, "may not be specified when `port` is not specified")
    elif isinstance(value, str):
        if end is not None:
            yield field_invalid(f"{path}.endPort", end, "may not be specified when `port` is non-numeric")
        yield from each_message(f"{path}.port", value, port_name(value))
    else:
        yield from port_number(f"{path}.port", value)
        if end is not None:
            if end < value:
                yield field_invalid(f"{path}.endPort", end, "must be greater than or equal to `port`")
            yield from port_number(f"{path}.endPort", end)


def _peer(path: str, peer: Object) -> Iterator[FieldError]:
    selectors = [key for key in ("podSelector", "namespaceSelector") if peer.get(key) is not None]
    for key in selectors:
        yield from label_selector(f"{path}.{key}", peer[key])
    block = peer.get("ipBlock")
    if block is not None:
        yield from _ip_block(f"{path}.ipBlock", block)
        if selectors:
            yield field_forbidden(path, "may not specify both ipBlock and another peer")
    elif not selectors:
        yield field_required(path, "must specify a peer")


def _ip_block(path: str, block: Object) -> Iterator[FieldError]:
    text = block.get("cidr") or ""
    if not text:
        yield field_required(f"{path}.cidr")
        return
    errors = list(cidr(f"{path}.cidr", text))
    yield from errors
    if errors:
        return
    whole = ipaddress.ip_network(text, strict=False)
    for index, item in enumerate(block.get("except") or []):
        here = f"{path}.except[{index}]"
        found = list(cidr(here, item))
        yield from found
        if not found and not _is_strictly_within(ipaddress.ip_network(item, strict=False), whole):
            yield field_invalid(here, item, "must be a strict subset of `cidr`")


def _is_strictly_within(part: Network, whole: Network) -> bool:
    return part.version == whole.version and part.prefixlen > whole.prefixlen and part.network_address in whole


def _cidrs(cidrs: list[str]) -> Iterator[FieldError]:
    if not cidrs:
        yield field_required("spec.cidrs", "at least one CIDR required")
        return
    if len(cidrs) > 2:
        yield field_invalid("spec.cidrs", {"CIDRs": cidrs}, "may only hold up to 2 values")
        return
    errors: list[FieldError] = []
    for index, value in enumerate(cidrs):
        errors += cidr(f"spec.cidrs[{index}]", value)
    yield from errors
    if errors:
        return
    networks = [ipaddress.ip_network(value, strict=False) for value in cidrs]
    for index, (network, value) in enumerate(zip(networks, cidrs, strict=True)):
        if str(network) != value:
            yield field_invalid(f"spec.cidrs[{index}]", value, f'must be in canonical form ("{network}")')
    if len(networks) == 2 and networks[0].version == networks[1].version:
        detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        yield field_invalid("spec.cidrs", cidrs, detail)
