"""The bounds that a LimitRange sets, and whether a pod or a claim keeps them; pure.

The messages are those of ``k8s.io/kubernetes/plugin/pkg/admission/limitranger``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from minikube_py.api import pods
from minikube_py.api.meta import Object, annotations_of, metadata
from minikube_py.api.quantity import Quantity
from minikube_py.api.quota_amounts import Amounts, parse

ANNOTATION = "kubernetes.io/limit-ranger"
_LARGEST_MILLI = (2**63 - 1) // 1000


@dataclass(frozen=True, slots=True)
class Bounds:
    """One item of ``spec.limits``."""

    type: str
    minimum: Amounts
    maximum: Amounts
    ratio: Amounts


@dataclass(frozen=True, slots=True)
class Limits:
    """A LimitRange: its bounds, and the defaults of its items for containers as they are written."""

    bounds: tuple[Bounds, ...]
    default_limits: Mapping[str, str]
    default_requests: Mapping[str, str]

    @classmethod
    def read(cls, limit_range: Object) -> Limits:
        """Raises ValueError for what is no quantity."""
        items = (limit_range.get("spec") or {}).get("limits") or []
        bounds = tuple(
            Bounds(
                item.get("type") or "",
                parse(item.get("min")),
                parse(item.get("max")),
                parse(item.get("maxLimitRequestRatio")),
            )
            for item in items
        )
        limits: dict[str, str] = {}
        requests: dict[str, str] = {}
        for item in items:
            if item.get("type") == "Container":
                limits |= item.get("default") or {}
                requests |= item.get("defaultRequest") or {}
        return cls(bounds, limits, requests)


def with_defaults(pod: Object, limits: Limits) -> Object:
    """The pod with the default requests and limits that its containers lack, and an annotation that tells of them."""
    if not limits.default_limits and not limits.default_requests:
        return pod
    told: list[str] = []
    spec = dict(pod.get("spec") or {})
    for field, word in (("containers", "container"), ("initContainers", "init container")):
        if spec.get(field):
            spec[field] = [_container_with_defaults(container, limits, word, told) for container in spec[field]]
    if not told:
        return pod
    annotations = {**annotations_of(pod), ANNOTATION: "LimitRanger plugin set: " + "; ".join(told)}
    return {**pod, "metadata": {**metadata(pod), "annotations": annotations}, "spec": spec}


def _container_with_defaults(container: Object, limits: Limits, word: str, told: list[str]) -> Object:
    resources = dict(container.get("resources") or {})
    changed = False
    for field, singular, defaults in (
        ("requests", "request", limits.default_requests),
        ("limits", "limit", limits.default_limits),
    ):
        present = resources.get(field) or {}
        added = {name: amount for name, amount in defaults.items() if name not in present}
        if added:
            resources[field] = {**present, **added}
            told.append(f"{', '.join(sorted(added))} {singular} for {word} {container.get('name', '')}")
            changed = True
    return {**container, "resources": resources} if changed else container


def pod_violations(pod: Object, limits: Limits) -> Iterator[str]:
    """What of the bounds for containers and for pods a pod does not keep."""
    spec = pod.get("spec") or {}
    for bounds in limits.bounds:
        if bounds.type == "Container":
            for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
                resources = container.get("resources") or {}
                yield from _violations(bounds, parse(resources.get("requests")), parse(resources.get("limits")))
        elif bounds.type == "Pod":
            # Overhead is the cluster's, not the user's: it does not count here.
            bare = {**pod, "spec": {key: value for key, value in spec.items() if key != "overhead"}}
            yield from _violations(bounds, pods.requests(bare), pods.limits(bare))


def claim_violations(claim: Object, limits: Limits) -> Iterator[str]:
    """What of the bounds for claims a claim does not keep."""
    requests = parse(((claim.get("spec") or {}).get("resources") or {}).get("requests"))
    for bounds in limits.bounds:
        if bounds.type == "PersistentVolumeClaim":
            for name, minimum in sorted(bounds.minimum.items()):
                yield from _below(bounds.type, name, minimum, requests, {})
            for name, maximum in sorted(bounds.maximum.items()):
                yield from _above_request(bounds.type, name, maximum, requests)


def _violations(bounds: Bounds, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, minimum in sorted(bounds.minimum.items()):
        yield from _below(bounds.type, name, minimum, requests, limits)
    for name, maximum in sorted(bounds.maximum.items()):
        yield from _above(bounds.type, name, maximum, requests, limits)
    for name, ratio in sorted(bounds.ratio.items()):
        yield from _ratio(bounds.type, name, ratio, requests, limits)


def _below(kind: str, name: str, minimum: Quantity, requests: Amounts, limits: Amounts) -> Iterator[str]:
    request, limit = requests.get(name), limits.get(name)
    told = f"minimum {name} usage per {kind} is {minimum}"
    if request is None:
        yield f"{told}. No request is specified"
    elif _precise(request, minimum) < _precise(minimum, request):
        yield f"{told}, but request is {request}"
    elif limit is not None and _precise(limit, minimum) < _precise(minimum, limit):
        yield f"{told}, but limit is {limit}"


def _above(kind: str, name: str, maximum: Quantity, requests: Amounts, limits: Amounts) -> Iterator[str]:
    request, limit = requests.get(name), limits.get(name)
    told = f"maximum {name} usage per {kind} is {maximum}"
    if limit is None:
        yield f"{told}. No limit is specified"
    elif _precise(limit, maximum) > _precise(maximum, limit):
        yield f"{told}, but limit is {limit}"
    elif request is not None and _precise(request, maximum) > _precise(maximum, request):
        yield f"{told}, but request is {request}"


def _above_request(kind: str, name: str, maximum: Quantity, requests: Amounts) -> Iterator[str]:
    request = requests.get(name)
    told = f"maximum {name} usage per {kind} is {maximum}"
    if request is None:
        yield f"{told}. No request is specified"
    elif _precise(request, maximum) > _precise(maximum, request):
        yield f"{told}, but request is {request}"


def _ratio(kind: str, name: str, ratio: Quantity, requests: Amounts, limits: Amounts) -> Iterator[str]:
    request, limit = requests.get(name), limits.get(name)
    told = f"{name} max limit to request ratio per {kind} is {ratio}"
    if not request:
        yield f"{told}, but no request is specified or request is 0"
    elif not limit:
        yield f"{told}, but no limit is specified or limit is 0"
    else:
        observed = _precise(limit, request) / _precise(request, limit)
        if observed * 1000 > ratio.milli():
            yield f"{told}, but provided ratio is {observed:f}"


def _precise(amount: Quantity, other: Quantity) -> int:
    """Thousandths where both amounts are small enough for them, whole numbers otherwise."""
    return amount.milli() if max(amount.value(), other.value()) <= _LARGEST_MILLI else amount.value()
