"""Defaults of NetworkPolicy and IngressClass."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import each, filled, nested, within
from minikube_py.api.meta import Object


def default_network_policy(policy: Object) -> Object:
    """A policy that selects pods (all, unless told), whose ports have a protocol, and that says its directions."""

    def default_rule(rule: Object) -> Object:
        return each(rule, "ports", lambda port: filled(port, {"protocol": "TCP"}))

    def default_spec(spec: Object) -> Object:
        spec = each(each(spec, "ingress", default_rule), "egress", default_rule)
        spec = filled(spec, {"podSelector": {}})
        if spec.get("policyTypes"):
            return spec
        return {**spec, "policyTypes": ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]}

    return nested(policy, "spec", default_spec)


def default_ingress_class(ingress_class: Object) -> Object:
    """An IngressClass whose parameters, if any, are cluster-scoped unless told."""

    def default_spec(spec: Object) -> Object:
        return within(spec, "parameters", lambda parameters: filled(parameters, {"scope": "Cluster"}))

    return within(ingress_class, "spec", default_spec)
