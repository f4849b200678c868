"""Defaults of the kinds of resource.k8s.io."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import each, filled, nested, within
from minikube_py.api.meta import Object


def default_resource_claim(claim: Object) -> Object:
    """A claim that asks for one device of each kind unless told."""
    return nested(claim, "spec", _default_claim_spec)


def default_resource_claim_template(template: Object) -> Object:
    """A template of such a claim."""
    return within(template, "spec", lambda spec: within(spec, "spec", _default_claim_spec))


def _default_claim_spec(spec: Object) -> Object:
    return nested(spec, "devices", lambda devices: each(devices, "requests", _default_request))


def _default_request(request: Object) -> Object:
    request = within(request, "exactly", _default_exact_request)
    return each(request, "firstAvailable", _default_exact_request)


def _default_exact_request(request: Object) -> Object:
    request = filled(request, {"allocationMode": "ExactCount"})
    if request["allocationMode"] == "ExactCount" and not request.get("count"):
        request = {**request, "count": 1}
    return each(request, "tolerations", lambda toleration: filled(toleration, {"operator": "Equal"}))
