"""The strategies of the kinds of networking.k8s.io."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies import warnings
from apiserver.strategies.defaults import networking as defaults
from apiserver.strategies.ruled import RuledStrategy, Rules, StatusWithMetadata
from apiserver.validation import ingress, networking
from minikube_py.api.meta import Object


class IngressStrategy(StatusWithMetadata):
    """An Ingress."""

    initial_status: ClassVar[Object | None] = {"loadBalancer": {}}
    rules: ClassVar[Rules] = Rules(ingress.ingress, ingress.ingress_update, ingress.ingress_status_update)

    def warnings(self, obj: Object) -> list[str]:
        """The annotation that a field has replaced."""
        return list(warnings.ingress(obj))


class IngressClassStrategy(RuledStrategy):
    """An IngressClass."""

    rules: ClassVar[Rules] = Rules(
        ingress.ingress_class, ingress.ingress_class_update, default=defaults.default_ingress_class
    )


class NetworkPolicyStrategy(RuledStrategy):
    """A NetworkPolicy."""

    rules: ClassVar[Rules] = Rules(
        networking.network_policy, networking.network_policy_update, default=defaults.default_network_policy
    )


class IpAddressStrategy(RuledStrategy):
    """An IPAddress."""

    rules: ClassVar[Rules] = Rules(networking.ip_address, networking.ip_address_update)


class ServiceCidrStrategy(StatusWithMetadata):
    """A ServiceCIDR."""

    initial_status: ClassVar[Object | None] = {}
    rules: ClassVar[Rules] = Rules(networking.service_cidr, networking.service_cidr_update)
