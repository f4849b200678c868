"""Putting endpoints into slices with as few writes as possible; pure.

Follows ``k8s.io/endpointslice`` (``reconcileByPortMapping``): what is in a slice stays there; what is new goes into
slices that are written anyway, then into the fullest slice that has room for all of it, and only then into new slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from minikube_py.api.meta import Object, name_of

EndpointKey = tuple[str, tuple[str, ...]]


def endpoint_key(endpoint: Object) -> EndpointKey:
    """What makes an endpoint the same one: what it stands for and its addresses."""
    return (endpoint.get("targetRef") or {}).get("uid", ""), tuple(endpoint.get("addresses") or [])


@dataclass
class Packing:
    """Which slices are written with which endpoints, which are new, and which have nothing left in them."""

    unchanged: list[Object] = field(default_factory=list)
    update: list[tuple[Object, list[Object]]] = field(default_factory=list)
    create: list[list[Object]] = field(default_factory=list)
    empty: list[Object] = field(default_factory=list)


def pack(slices: Sequence[Object], desired: Sequence[Object], maximum: int) -> Packing:
    """Distributes the desired endpoints, all of the same ports, over the slices of those ports."""
    packing = Packing()
    remaining = {endpoint_key(endpoint): endpoint for endpoint in desired}
    for present in sorted(slices, key=name_of):
        before = present.get("endpoints") or []
        after = [found for endpoint in before if (found := remaining.pop(endpoint_key(endpoint), None)) is not None]
        if not after:
            packing.empty.append(present)
        elif after == before and len(after) <= maximum:
            packing.unchanged.append(present)
        else:
            for endpoint in after[maximum:]:
                remaining[endpoint_key(endpoint)] = endpoint
            packing.update.append((present, after[:maximum]))
    left = list(remaining.values())
    for _, endpoints in sorted(packing.update, key=lambda update: len(update[1]), reverse=True):
        room = maximum - len(endpoints)
        endpoints += left[:room]
        del left[:room]
    while left:
        if (target := _fullest_with_room(packing.unchanged, len(left), maximum)) is not None:
            packing.unchanged.remove(target)
            packing.update.append((target, [*(target.get("endpoints") or []), *left]))
            break
        packing.create.append(left[:maximum])
        del left[:maximum]
    return packing


def _fullest_with_room(slices: Sequence[Object], count: int, maximum: int) -> Object | None:
    fitting = [present for present in slices if len(present.get("endpoints") or []) + count <= maximum]
    return max(fitting, key=lambda present: len(present.get("endpoints") or []), default=None)
