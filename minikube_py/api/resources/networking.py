"""The kinds of networking, discovery, coordination and events."""

from __future__ import annotations

from dataclasses import replace

from minikube_py.api.resources.model import Resource
from minikube_py.api.resources.subresources import STATUS

_NETWORKING = "networking.k8s.io"

INGRESS_CLASSES = Resource(
    _NETWORKING, "v1", "IngressClass", "ingressclasses", "ingressclass", namespaced=False, has_generation=True
)
INGRESSES = Resource(
    _NETWORKING,
    "v1",
    "Ingress",
    "ingresses",
    "ingress",
    namespaced=True,
    short_names=("ing",),
    subresources=(STATUS,),
    has_generation=True,
)
IP_ADDRESSES = Resource(
    _NETWORKING, "v1", "IPAddress", "ipaddresses", "ipaddress", namespaced=False, short_names=("ip",), since=33
)
NETWORK_POLICIES = Resource(
    _NETWORKING,
    "v1",
    "NetworkPolicy",
    "networkpolicies",
    "networkpolicy",
    namespaced=True,
    short_names=("netpol",),
    subresources=(replace(STATUS, until=27),),
    has_generation=True,
)
SERVICE_CIDRS = Resource(
    _NETWORKING,
    "v1",
    "ServiceCIDR",
    "servicecidrs",
    "servicecidr",
    namespaced=False,
    subresources=(STATUS,),
    since=33,
)

ENDPOINT_SLICES = Resource(
    "discovery.k8s.io",
    "v1",
    "EndpointSlice",
    "endpointslices",
    "endpointslice",
    namespaced=True,
    has_generation=True,
)
LEASES = Resource("coordination.k8s.io", "v1", "Lease", "leases", "lease", namespaced=True)
EVENTS_V1 = Resource(
    "events.k8s.io", "v1", "Event", "events", "event", namespaced=True, short_names=("ev",), stored_as="v1"
)
"""The same objects as the core group's events, with the field names of ``events.k8s.io``."""

NETWORKING = (
    EVENTS_V1,
    INGRESS_CLASSES,
    INGRESSES,
    IP_ADDRESSES,
    NETWORK_POLICIES,
    SERVICE_CIDRS,
    LEASES,
    ENDPOINT_SLICES,
)
