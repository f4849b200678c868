"""The Service printer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, NONE, UNKNOWN, Column, Printer, age, documented, format_labels
from minikube_py.api.meta import Object, name_of

COLUMNS = (
    NAME,
    Column("Type", documented("core.v1.ServiceSpec", "type")),
    Column("Cluster-IP", documented("core.v1.ServiceSpec", "clusterIP")),
    Column("External-IP", documented("core.v1.ServiceSpec", "externalIPs")),
    Column("Port(s)", documented("core.v1.ServiceSpec", "ports")),
    AGE,
    Column("Selector", documented("core.v1.ServiceSpec", "selector"), priority=1),
)


def cells(service: Object, now: datetime) -> list[Any]:
    """Name, type, cluster IP, external addresses, ports, age and selector."""
    spec = service.get("spec") or {}
    cluster_ips = spec.get("clusterIPs") or []
    return [
        name_of(service),
        spec.get("type", ""),
        cluster_ips[0] if cluster_ips else spec.get("clusterIP") or NONE,
        _external_address(service, spec),
        ",".join(map(_port, spec.get("ports") or [])) or NONE,
        age(service, now),
        format_labels(spec.get("selector")),
    ]


def _external_address(service: Object, spec: Object) -> str:
    external_ips = spec.get("externalIPs") or []
    match spec.get("type"):
        case "ClusterIP" | "NodePort":
            return ",".join(external_ips) or NONE
        case "LoadBalancer":
            ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
            addresses = sorted({item.get("ip") or item.get("hostname") or "" for item in ingress} - {""})
            return ",".join([*addresses, *external_ips]) or "<pending>"
        case "ExternalName":
            return str(spec.get("externalName", ""))
        case _:
            return UNKNOWN


def _port(port: Object) -> str:
    number = f"{port.get('port')}:{port['nodePort']}" if port.get("nodePort") else str(port.get("port"))
    return f"{number}/{port.get('protocol', '')}"


PRINTERS = {("", "Service"): Printer(COLUMNS, cells)}
