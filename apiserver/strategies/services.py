"""The strategy of Service. Addresses and node ports are allocated by the engine when the object is stored."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.base import Strategy, StrategyContext
from apiserver.strategies.defaults import services as defaults
from apiserver.validation import services as validation
from apiserver.validation import warnings
from apiserver.validation.names import parsed_ip
from apiserver.validation.services import cluster_ips, is_headless, needs_cluster_ip
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object, metadata

_ADDRESS_FIELDS = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")


class ServiceStrategy(Strategy):
    """What was allocated for a Service stays with it over updates that do not mention it."""

    allow_create_on_update: ClassVar[bool] = True
    returns_deleted_object: ClassVar[bool] = True

    def default(self, obj: Object) -> Object:
        """Upstream's defaults."""
        return defaults.default(obj)

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """An empty status; both forms of the cluster IP agree."""
        prepared = super().prepare_for_create(obj, ctx)
        spec = with_families(with_cluster_ips(obj.get("spec") or {}))
        return {**prepared, "spec": spec, "status": {"loadBalancer": {}}}

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Carries over what was allocated, and drops what the new type does not have."""
        prepared = super().prepare_for_update(new, old, ctx)
        old_spec = old.get("spec") or {}
        spec = without_unneeded(new.get("spec") or {}, old_spec)
        spec = with_families(with_cluster_ips(with_allocated(spec, old_spec)))
        return {**prepared, "spec": spec}

    def prepare_status_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Labels and annotations may come with a status."""
        return {**super().prepare_status_update(new, old, ctx), "metadata": metadata(new)}

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new Service."""
        return list(validation.service(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a Service."""
        return list(validation.service_update(new, old))

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a status."""
        return list(validation.service_status_update(new, old))

    def warnings(self, obj: Object) -> list[str]:
        """Deprecated annotations, and fields that have no effect."""
        return list(warnings.service(obj))


def with_cluster_ips(spec: Object) -> Object:
    """``clusterIP`` and ``clusterIPs`` filled from each other."""
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        return {**spec, "clusterIPs": [spec["clusterIP"]]}
    if spec.get("clusterIPs") and not spec.get("clusterIP"):
        return {**spec, "clusterIP": spec["clusterIPs"][0]}
    return spec


def with_families(spec: Object) -> Object:
    """IP families and their policy, of the addresses asked for or else IPv4.

    A headless Service without selector gets both families, since whoever writes its endpoints decides.
    """
    if not needs_cluster_ip(spec):
        return spec
    families = list(spec.get("ipFamilies") or [])
    parsed = [parsed_ip(address) for address in cluster_ips(spec)]
    families += [f"IPv{address.version}" for address in parsed[len(families) :] if address is not None]
    families = families or ["IPv4"]
    policy = spec.get("ipFamilyPolicy")
    if is_headless(spec) and not spec.get("selector"):
        policy = policy or "RequireDualStack"
        if policy != "SingleStack" and len(families) == 1:
            families.append("IPv6" if families[0] == "IPv4" else "IPv4")
    policy = policy or ("RequireDualStack" if len(families) > 1 else "SingleStack")
    return {**spec, "ipFamilies": families, "ipFamilyPolicy": policy}


def with_allocated(spec: Object, old: Object) -> Object:
    """The new spec with the cluster IP and node ports that the old one had, where the new one names none."""
    spec = dict(spec)
    if needs_cluster_ip(spec) and needs_cluster_ip(old):
        for key in _ADDRESS_FIELDS:
            if not spec.get(key) and old.get(key):
                spec[key] = old[key]
    if needs_node_ports(spec) and needs_node_ports(old):
        spec["ports"] = _with_node_ports(spec.get("ports") or [], old.get("ports") or [])
    if _needs_health_check(spec) and _needs_health_check(old) and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = old.get("healthCheckNodePort")
        if not spec["healthCheckNodePort"]:
            del spec["healthCheckNodePort"]
    return spec


def without_unneeded(spec: Object, old: Object) -> Object:
    """The new spec without what only the old type needed and what the client merely left as it was."""
    spec = dict(spec)

    def drop(*keys: str) -> None:
        if all(spec.get(key) == old.get(key) for key in keys):
            for key in keys:
                spec.pop(key, None)

    if needs_cluster_ip(old) and not needs_cluster_ip(spec) and cluster_ips(spec) == cluster_ips(old):
        for key in _ADDRESS_FIELDS:
            spec.pop(key, None)
    if needs_node_ports(old) and not needs_node_ports(spec):
        used = {port.get("nodePort") for port in old.get("ports") or []}
        spec["ports"] = [
            {key: value for key, value in port.items() if key != "nodePort" or value not in used}
            for port in spec.get("ports") or []
        ]
    if _needs_health_check(old) and not _needs_health_check(spec):
        drop("healthCheckNodePort")
    if old.get("type") == "LoadBalancer" != spec.get("type"):
        drop("allocateLoadBalancerNodePorts")
        drop("loadBalancerClass")
    if defaults.is_externally_accessible(old) and not defaults.is_externally_accessible(spec):
        drop("externalTrafficPolicy")
    if spec.get("type") == "ExternalName" != old.get("type"):
        drop("internalTrafficPolicy")
    if old.get("type") == "ExternalName" != spec.get("type"):
        drop("externalName")
    return spec


def needs_node_ports(spec: Object) -> bool:
    """Whether the Service's ports have node ports."""
    if spec.get("type") == "LoadBalancer":
        return spec.get("allocateLoadBalancerNodePorts") is not False
    return spec.get("type") == "NodePort"


def _needs_health_check(spec: Object) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _with_node_ports(ports: list[Object], old_ports: list[Object]) -> list[Object]:
    used = {(port.get("protocol"), port["nodePort"]) for port in ports if port.get("nodePort")}
    by_name = {port.get("name") or "": port.get("nodePort") for port in old_ports}
    result = []
    for port in ports:
        node_port = by_name.get(port.get("name") or "")
        if not port.get("nodePort") and node_port and (port.get("protocol"), node_port) not in used:
            port = {**port, "nodePort": node_port}
        result.append(port)
    return result
