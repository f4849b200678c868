"""Validation of Service."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.strategies.defaults.services import is_externally_accessible
from apiserver.validation.containers import PROTOCOLS
from apiserver.validation.meta import labels, object_meta, object_meta_update
from apiserver.validation.names import (
    cidr,
    dns_label,
    dns_subdomain,
    ip,
    non_special_ip,
    parsed_ip,
    port_number,
    port_number_or_name,
    qualified_name,
)
from minikube_py.api import names
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_AFFINITIES = ("ClientIP", "None")
_POLICIES = ("Cluster", "Local")
_FAMILIES = ("IPv4", "IPv6")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_DAY = 86400


def service(obj: Object) -> Iterator[FieldError]:
    """A Service about to be stored, before addresses and ports are allocated."""
    yield from object_meta(obj, namespaced=True, name=names.dns1035_label)
    spec = obj.get("spec") or {}
    service_type, ports = spec.get("type") or "", spec.get("ports") or []
    headless = is_headless(spec)
    if not ports and not headless and service_type != "ExternalName":
        yield field_required("spec.ports")
    if headless and service_type in ("LoadBalancer", "NodePort"):
        detail = f"may not be set to 'None' for {service_type} services"
        yield field_invalid("spec.clusterIPs[0]", "None", detail)
    if service_type == "ExternalName":
        yield from _external_name(spec)
    yield from _ports(ports, service_type)
    yield from labels("spec.selector", spec.get("selector"))
    yield from _session_affinity(spec)
    yield from _cluster_ips(spec)
    for index, address in enumerate(spec.get("externalIPs") or []):
        errors = list(ip(f"spec.externalIPs[{index}]", address))
        yield from errors or non_special_ip(f"spec.externalIPs[{index}]", address)
    if not service_type:
        yield field_required("spec.type")
    elif service_type not in _TYPES:
        yield field_not_supported("spec.type", service_type, _TYPES)
    yield from _load_balancer(spec)
    yield from _traffic_policies(spec)


def service_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed Service: an allocated cluster IP stays while the type needs one."""
    yield from object_meta_update(new, old)
    new_spec, old_spec = new.get("spec") or {}, old.get("spec") or {}
    if needs_cluster_ip(new_spec) and needs_cluster_ip(old_spec):
        old_ips, new_ips = cluster_ips(old_spec), cluster_ips(new_spec)
        for index, (before, after) in enumerate(zip(old_ips, new_ips, strict=False)):
            if before != after:
                yield field_invalid(f"spec.clusterIPs[{index}]", new_ips, "may not change once set")
        families, old_families = new_spec.get("ipFamilies") or [], old_spec.get("ipFamilies") or []
        if families and old_families and families[0] != old_families[0]:
            yield field_invalid("spec.ipFamilies[0]", families[0], "may not change once set")
    old_class = old_spec.get("loadBalancerClass")
    if "LoadBalancer" == old_spec.get("type") == new_spec.get("type") and old_class != new_spec.get(
        "loadBalancerClass"
    ):
        yield field_invalid("spec.loadBalancerClass", new_spec.get("loadBalancerClass"), "may not change once set")
    yield from service(new)


def service_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: sound addresses, and only on a load balancer."""
    yield from object_meta_update(new, old)
    path, ingress = "status.loadBalancer.ingress", _ingress(new)
    if ingress and (old.get("spec") or {}).get("type") != "LoadBalancer" and ingress != _ingress(old):
        yield field_forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")
    for index, item in enumerate(ingress):
        if item.get("ip"):
            yield from ip(f"{path}[{index}].ip", item["ip"])
        if item.get("ipMode") is not None and item["ipMode"] not in ("Proxy", "VIP"):
            yield field_not_supported(f"{path}[{index}].ipMode", item["ipMode"], ("Proxy", "VIP"))
        if item.get("ip") and item.get("ipMode") is None:
            yield field_required(f"{path}[{index}].ipMode", "must be specified when `ip` is set")
        if item.get("hostname"):
            yield from dns_subdomain(f"{path}[{index}].hostname", item["hostname"])
            if parsed_ip(item["hostname"]) is not None:
                detail = "must be a DNS name, not an IP address"
                yield field_invalid(f"{path}[{index}].hostname", item["hostname"], detail)


def is_headless(spec: Object) -> bool:
    """Whether the Service asks for no cluster IP."""
    return cluster_ips(spec) == ["None"]


def needs_cluster_ip(spec: Object) -> bool:
    """Whether Services of this type have a cluster IP."""
    return spec.get("type") in ("ClusterIP", "NodePort", "LoadBalancer")


def cluster_ips(spec: Object) -> list[str]:
    """``clusterIPs``, or ``clusterIP`` where only that is given."""
    return spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])


def _ingress(obj: Object) -> list[Object]:
    return ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []


def _external_name(spec: Object) -> Iterator[FieldError]:
    for key in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if cluster_ips(spec) if key == "clusterIPs" else spec.get(key):
            yield field_forbidden(f"spec.{key}", "may not be set for ExternalName services")
    name = (spec.get("externalName") or "").removesuffix(".")
    if name:
        yield from dns_subdomain("spec.externalName", name)
    else:
        yield field_required("spec.externalName")


def _ports(ports: list[Object], service_type: str) -> Iterator[FieldError]:
    seen_names: set[str] = set()
    seen_ports: set[tuple[str, int]] = set()
    seen_node_ports: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        here = f"spec.ports[{index}]"
        name, protocol, number = port.get("name") or "", port.get("protocol") or "", port.get("port") or 0
        if name:
            yield from dns_label(f"{here}.name", name)
            if name in seen_names:
                yield field_duplicate(f"{here}.name", name)
            seen_names.add(name)
        elif len(ports) > 1:
            yield field_required(f"{here}.name")
        yield from port_number(f"{here}.port", number)
        if not protocol:
            yield field_required(f"{here}.protocol")
        elif protocol not in PROTOCOLS:
            yield field_not_supported(f"{here}.protocol", protocol, PROTOCOLS)
        yield from port_number_or_name(f"{here}.targetPort", port.get("targetPort"))
        if port.get("appProtocol") is not None:
            yield from qualified_name(f"{here}.appProtocol", port["appProtocol"])
        node_port = port.get("nodePort") or 0
        if node_port:
            if service_type == "ClusterIP":
                yield field_forbidden(f"{here}.nodePort", "may not be used when `type` is 'ClusterIP'")
            if (protocol, node_port) in seen_node_ports:
                yield field_duplicate(f"{here}.nodePort", node_port)
            seen_node_ports.add((protocol, node_port))
        if (protocol, number) in seen_ports:
            yield field_duplicate(here, {"port": number, "protocol": protocol})
        seen_ports.add((protocol, number))


def _session_affinity(spec: Object) -> Iterator[FieldError]:
    affinity, config = spec.get("sessionAffinity") or "", spec.get("sessionAffinityConfig")
    if not affinity:
        yield field_required("spec.sessionAffinity")
    elif affinity not in _AFFINITIES:
        yield field_not_supported("spec.sessionAffinity", affinity, _AFFINITIES)
    elif affinity == "None" and config is not None:
        yield field_forbidden("spec.sessionAffinityConfig", "must not be set when session affinity is None")
    elif affinity == "ClientIP":
        here = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds")
        if seconds is None:
            yield field_required(here, "when session affinity type is ClientIP")
        elif not 0 < seconds <= _DAY:
            yield field_invalid(here, seconds, f"must be greater than 0 and less than {_DAY}")


def _cluster_ips(spec: Object) -> Iterator[FieldError]:
    addresses, primary = spec.get("clusterIPs") or [], spec.get("clusterIP") or ""
    families, policy = spec.get("ipFamilies") or [], spec.get("ipFamilyPolicy")
    for index, family in enumerate(families):
        if family not in _FAMILIES:
            yield field_not_supported(f"spec.ipFamilies[{index}]", family, _FAMILIES)
        elif family in families[:index]:
            yield field_duplicate(f"spec.ipFamilies[{index}]", family)
    if policy is not None and policy not in _FAMILY_POLICIES:
        yield field_not_supported("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES)
    if addresses and addresses[0] != primary:
        yield field_invalid("spec.clusterIPs", addresses, "first value must match `clusterIP`")
    for index, address in enumerate(addresses or ([primary] if primary else [])):
        here = f"spec.clusterIPs[{index}]"
        if address == "None":
            if len(addresses) > 1:
                yield field_invalid(here, address, "'None' must be the first and only value")
            continue
        errors = list(ip(here, address))
        yield from errors
        parsed = parsed_ip(address)
        if parsed is not None and index < len(families) and families[index] != f"IPv{parsed.version}":
            detail = f"expected an {families[index]} value as indicated by `ipFamilies[{index}]`"
            yield field_invalid(here, address, detail)
    if len(addresses) > 2:
        yield field_invalid("spec.clusterIPs", addresses, "may only hold up to 2 values")


def _load_balancer(spec: Object) -> Iterator[FieldError]:
    balanced = spec.get("type") == "LoadBalancer"
    ranges = spec.get("loadBalancerSourceRanges") or []
    if ranges and not balanced:
        detail = "may only be used when `type` is 'LoadBalancer'"
        yield field_forbidden("spec.LoadBalancerSourceRanges", detail)
    for index, value in enumerate(ranges):
        yield from cidr(f"spec.LoadBalancerSourceRanges[{index}]", value.strip())
    for key in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
        if spec.get(key) is not None and not balanced:
            yield field_forbidden(f"spec.{key}", "may only be used when `type` is 'LoadBalancer'")
    if balanced and spec.get("loadBalancerClass") is not None:
        yield from qualified_name("spec.loadBalancerClass", spec["loadBalancerClass"])


def _traffic_policies(spec: Object) -> Iterator[FieldError]:
    external, internal = spec.get("externalTrafficPolicy"), spec.get("internalTrafficPolicy")
    if is_externally_accessible(spec):
        if not external:
            yield field_required("spec.externalTrafficPolicy")
        elif external not in _POLICIES:
            yield field_not_supported("spec.externalTrafficPolicy", external, _POLICIES)
    elif external:
        yield field_invalid(
            "spec.externalTrafficPolicy", external, "may only be set for externally-accessible services"
        )
    if spec.get("healthCheckNodePort"):
        yield from port_number("spec.healthCheckNodePort", spec["healthCheckNodePort"])
        if spec.get("type") != "LoadBalancer" or external != "Local":
            detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            yield field_invalid("spec.healthCheckNodePort", spec["healthCheckNodePort"], detail)
    if internal is not None and internal not in _POLICIES:
        yield field_not_supported("spec.internalTrafficPolicy", internal, _POLICIES)
    distribution = spec.get("trafficDistribution")
    if distribution is not None and distribution != "PreferClose":
        yield field_not_supported("spec.trafficDistribution", distribution, ("PreferClose",))
