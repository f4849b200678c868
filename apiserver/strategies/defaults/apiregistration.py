"""Defaults of APIService."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import within
from minikube_py.api.meta import Object


def default_api_service(api_service: Object) -> Object:
    """An APIService whose Service, if any, listens on the port of HTTPS."""

    def default_spec(spec: Object) -> Object:
        return within(spec, "service", lambda service: service if service.get("port") else {**service, "port": 443})

    return within(api_service, "spec", default_spec)
