"""The printers of networking.k8s.io."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, NONE, Column, Printer, age, documented, list_with_more
from minikube_py.api.meta import Object, name_of
from minikube_py.api.selectors import LabelSelector

_GROUP = "networking.k8s.io"

INGRESS_COLUMNS = (
    NAME,
    Column("Class", "The name of the IngressClass resource that should be used for additional configuration"),
    Column("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
    Column("Address", "Address is a list containing ingress points for the load-balancer"),
    Column("Ports", "Ports of TLS configurations that open"),
    AGE,
)
INGRESS_CLASS_COLUMNS = (
    NAME,
    Column("Controller", "Controller that is responsible for handling this class"),
    Column("Parameters", "A reference to a resource with additional parameters"),
    AGE,
)
NETWORK_POLICY_COLUMNS = (
    NAME,
    Column("Pod-Selector", documented("networking.v1.NetworkPolicySpec", "podSelector")),
    AGE,
)
SERVICE_CIDR_COLUMNS = (NAME, Column("CIDRs", "The networks, one of each address family, that addresses are from"), AGE)
IP_ADDRESS_COLUMNS = (NAME, Column("ParentRef", "The object that holds the address"))


def ingress_cells(ingress: Object, now: datetime) -> list[Any]:
    """Name, class, hosts, addresses, ports, age."""
    spec = ingress.get("spec") or {}
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    points = ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    addresses = {point.get("ip") or point.get("hostname") for point in points} - {None, ""}
    return [
        name_of(ingress),
        spec.get("ingressClassName") or NONE,
        list_with_more(hosts, empty="*"),
        ",".join(sorted(addresses)),
        "80, 443" if spec.get("tls") else "80",
        age(ingress, now),
    ]


def ingress_class_cells(ingress_class: Object, now: datetime) -> list[Any]:
    """Name, controller, parameters, age."""
    spec = ingress_class.get("spec") or {}
    return [
        name_of(ingress_class),
        spec.get("controller", ""),
        _parameters(spec.get("parameters")),
        age(ingress_class, now),
    ]


def network_policy_cells(policy: Object, now: datetime) -> list[Any]:
    """Name, pod selector, age."""
    selector = LabelSelector.from_object((policy.get("spec") or {}).get("podSelector"))
    return [name_of(policy), str(selector) or NONE, age(policy, now)]


def service_cidr_cells(service_cidr: Object, now: datetime) -> list[Any]:
    """Name, networks, age."""
    return [
        name_of(service_cidr),
        ",".join((service_cidr.get("spec") or {}).get("cidrs") or ()),
        age(service_cidr, now),
    ]


def ip_address_cells(address: Object, now: datetime) -> list[Any]:
    """Name, the object that holds it."""
    parent = (address.get("spec") or {}).get("parentRef")
    if not parent:
        return [name_of(address), NONE]
    resource = ".".join(filter(None, (parent.get("resource"), parent.get("group")))).lower()
    return [name_of(address), "/".join(filter(None, (resource, parent.get("namespace"), parent.get("name"))))]


def _parameters(reference: Object | None) -> str:
    if not reference:
        return NONE
    kind = ".".join(filter(None, (reference.get("kind"), reference.get("apiGroup"))))
    return f"{kind}/{reference.get('name', '')}"


PRINTERS = {
    (_GROUP, "IPAddress"): Printer(IP_ADDRESS_COLUMNS, ip_address_cells),
    (_GROUP, "Ingress"): Printer(INGRESS_COLUMNS, ingress_cells),
    (_GROUP, "IngressClass"): Printer(INGRESS_CLASS_COLUMNS, ingress_class_cells),
    (_GROUP, "NetworkPolicy"): Printer(NETWORK_POLICY_COLUMNS, network_policy_cells),
    (_GROUP, "ServiceCIDR"): Printer(SERVICE_CIDR_COLUMNS, service_cidr_cells),
}
