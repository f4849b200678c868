"""Defaults of Endpoints and EndpointSlice."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import each, filled
from minikube_py.api.meta import Object


def default_endpoints(endpoints: Object) -> Object:
    """Endpoints whose ports have a protocol."""

    def default_port(port: Object) -> Object:
        return filled(port, {"protocol": "TCP"})

    return each(endpoints, "subsets", lambda subset: each(subset, "ports", default_port))


def default_endpoint_slice(endpoint_slice: Object) -> Object:
    """An EndpointSlice whose ports have a name and a protocol."""
    return each(endpoint_slice, "ports", lambda port: filled(port, {"name": "", "protocol": "TCP"}))
