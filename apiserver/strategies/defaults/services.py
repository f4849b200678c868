"""Defaults of Service. Addresses, families and node ports are allocated later, not defaulted."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import each, filled, within
from minikube_py.api.meta import Object

_CLIENT_IP_TIMEOUT = 10800


def default(service: Object) -> Object:
    """A Service with every default of its spec and of its load balancer's status."""
    return within(within(service, "spec", _default_spec), "status", _default_status)


def is_externally_accessible(spec: Object) -> bool:
    """Whether the Service takes traffic from outside the cluster."""
    return spec.get("type") in ("NodePort", "LoadBalancer") or (
        spec.get("type") == "ClusterIP" and bool(spec.get("externalIPs"))
    )


def _default_spec(spec: Object) -> Object:
    spec = filled(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    spec = _default_session_affinity(spec)
    spec = each(spec, "ports", _default_port)
    if spec["type"] != "ExternalName":
        spec = filled(spec, {"internalTrafficPolicy": "Cluster"})
    if is_externally_accessible(spec):
        spec = filled(spec, {"externalTrafficPolicy": "Cluster"})
    if spec["type"] == "LoadBalancer":
        spec = filled(spec, {"allocateLoadBalancerNodePorts": True})
    return spec


def _default_session_affinity(spec: Object) -> Object:
    if spec["sessionAffinity"] == "None" and "sessionAffinityConfig" in spec:
        return {key: value for key, value in spec.items() if key != "sessionAffinityConfig"}
    if spec["sessionAffinity"] == "ClientIP":
        client_ip = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if client_ip.get("timeoutSeconds") is None:
            return {**spec, "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": _CLIENT_IP_TIMEOUT}}}
    return spec


def _default_port(port: Object) -> Object:
    port = filled(port, {"protocol": "TCP"})
    if port.get("targetPort") in (None, "", 0) and port.get("port") is not None:
        return {**port, "targetPort": port["port"]}
    return port


def _default_status(status: Object) -> Object:
    def default_ingress(ingress: Object) -> Object:
        return filled(ingress, {"ipMode": "VIP"}) if ingress.get("ip") else ingress

    return within(status, "loadBalancer", lambda balancer: each(balancer, "ingress", default_ingress))
