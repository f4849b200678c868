"""What objects use of a ResourceQuota: the evaluators of pods, Services, claims and of everything that is counted.

Pure, and shared by the admission plugin, which charges, and the controller, which counts again. Follows
``k8s.io/kubernetes/pkg/quota/v1/evaluator/core`` and ``k8s.io/apiserver/pkg/quota/v1/generic``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from minikube_py.api import pods
from minikube_py.api.meta import Object, annotations_of, metadata
from minikube_py.api.quantity import ZERO, Quantity
from minikube_py.api.quota_amounts import ONE, Amounts, add, mask, parse
from minikube_py.api.times import parse_time

BETA_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"
_STORAGE_CLASS = ".storageclass.storage.k8s.io/"
_LEGACY_COUNTS = frozenset({"configmaps", "resourcequotas", "replicationcontrollers", "secrets"})
"""The kinds of the core group that are also counted by their bare plural."""
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_HUGE_PAGES = "hugepages-"
_REQUESTS = "requests."
_MUST_BE_SPECIFIED = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
"""A quota of these obliges every container to say how much it wants."""
POD_SCOPES = frozenset(
    {"BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "PriorityClass", "CrossNamespacePodAffinity"}
)


@dataclass(frozen=True, slots=True)
class Evaluator:
    """How objects of one kind are measured.

    ``tracks`` tells whether a name of a quota is about this kind; ``usage`` is what an object uses at an instant;
    ``in_scope`` whether one scope selector selects it; ``missing`` the names that its containers should have
    specified, with the containers. ``constant`` is the usage where every object uses the same.
    """

    group: str
    plural: str
    tracks: Callable[[str], bool]
    usage: Callable[[Object, datetime], Amounts]
    in_scope: Callable[[Object, Object], bool]
    missing: Callable[[Iterable[str], Object], dict[str, list[str]]]
    constant: Amounts | None = None

    def tracked(self, names: Iterable[str]) -> list[str]:
        """Those of ``names`` that are about this kind, in order."""
        return sorted(name for name in names if self.tracks(name))

    def selected(self, quota: Object, obj: Object) -> bool:
        """Whether the scopes of a quota select the object; a quota without scopes selects everything."""
        return all(self.in_scope(selector, obj) for selector in scope_selectors(quota))


def count_name(group: str, plural: str) -> str:
    """``count/deployments.apps``, ``count/pods``."""
    return f"count/{plural}.{group}" if group else f"count/{plural}"


def scope_selectors(quota: Object) -> list[Object]:
    """The scope selectors of a quota, ``spec.scopes`` in that form too."""
    spec = quota.get("spec") or {}
    plain = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or ()]
    return plain + list((spec.get("scopeSelector") or {}).get("matchExpressions") or ())


@cache
def evaluator_for(group: str, plural: str) -> Evaluator:
    """The evaluator of a kind; every kind can be counted."""
    own = _OWN.get((group, plural))
    if own is not None:
        return own
    names = {count_name(group, plural)}
    if not group and plural in _LEGACY_COUNTS:
        names.add(plural)
    counted = dict.fromkeys(sorted(names), ONE)
    return Evaluator(
        group, plural, names.__contains__, lambda _obj, _now: counted, _no_scope, _nothing_missing, counted
    )


def usage_of(quota: Object, objects: Mapping[tuple[str, str], Iterable[Object]], now: datetime) -> Amounts:
    """What ``objects``, by group and plural, use of the names in the quota's ``spec.hard``.

    A name that is about none of their kinds is left out. Raises ValueError where an object holds what is no quantity.
    """
    hard = list((quota.get("spec") or {}).get("hard") or {})
    used: Amounts = {}
    for (group, plural), items in objects.items():
        evaluator = evaluator_for(group, plural)
        names = evaluator.tracked(hard)
        if not names:
            continue
        total = dict.fromkeys(names, ZERO)
        if evaluator.constant is not None:
            # Counted kinds have no scopes: a quota with scopes counts none of them.
            count = 0 if scope_selectors(quota) else sum(1 for _ in items)
            used = add(used, {name: Quantity.parse(count) for name in names})
            continue
        for obj in items:
            if evaluator.selected(quota, obj):
                total = add(total, mask(evaluator.usage(obj, now), names))
        used = add(used, total)
    return used


def _nothing_missing(names: Iterable[str], obj: Object) -> dict[str, list[str]]:
    return {}


def _no_scope(selector: Object, obj: Object) -> bool:
    """Kinds that have no scopes are in none."""
    return False


# Pods


def _tracks_pods(name: str) -> bool:
    return name in _POD_NAMES or name.startswith((_HUGE_PAGES, _REQUESTS + _HUGE_PAGES)) or _is_extended_request(name)


_POD_NAMES = frozenset(
    {"pods", "count/pods", *_COMPUTE, *(f"requests.{n}" for n in _COMPUTE), *(f"limits.{n}" for n in _COMPUTE)}
)


def _is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def _is_extended_request(name: str) -> bool:
    return name.startswith(_REQUESTS) and not _is_native(name)


def pod_usage(pod: Object, now: datetime) -> Amounts:
    """What a pod uses; one that has ended, or whose grace period is over, is only counted by ``count/pods``."""
    used: Amounts = {"count/pods": ONE}
    if not _is_charged(pod, now):
        return used
    return used | _compute(pods.requests(pod), pods.limits(pod))


def _is_charged(pod: Object, now: datetime) -> bool:
    meta = metadata(pod)
    if pods.is_terminal(pod):
        return False
    if meta.get("deletionTimestamp") and meta.get("deletionGracePeriodSeconds") is not None:
        grace = timedelta(seconds=meta["deletionGracePeriodSeconds"])
        return now <= parse_time(meta["deletionTimestamp"]) + grace
    return True


def _compute(requests: Mapping[str, Quantity], limits: Mapping[str, Quantity]) -> Amounts:
    used: Amounts = {"pods": ONE}
    for name in _COMPUTE:
        if name in requests:
            used[name] = used[_REQUESTS + name] = requests[name]
        if name in limits:
            used[f"limits.{name}"] = limits[name]
    for name, amount in requests.items():
        if name.startswith(_HUGE_PAGES):
            used[name] = used[_REQUESTS + name] = amount
        elif not _is_native(name) and not name.startswith(_REQUESTS):
            used[_REQUESTS + name] = amount
    return used


def _missing_of_pod(names: Iterable[str], pod: Object) -> dict[str, list[str]]:
    required = sorted(_MUST_BE_SPECIFIED.intersection(names))
    missing: dict[str, set[str]] = {}
    spec = pod.get("spec") or {}
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        resources = container.get("resources") or {}
        present = _compute(parse(resources.get("requests")), parse(resources.get("limits")))
        for name in required:
            if name not in present:
                missing.setdefault(name, set()).add(container.get("name", ""))
    return {name: sorted(containers) for name, containers in sorted(missing.items())}


def _pod_in_scope(selector: Object, pod: Object) -> bool:
    spec = pod.get("spec") or {}
    match selector.get("scopeName"):
        case "Terminating":
            return _is_terminating(spec)
        case "NotTerminating":
            return not _is_terminating(spec)
        case "BestEffort":
            return pods.qos_class(pod) == "BestEffort"
        case "NotBestEffort":
            return pods.qos_class(pod) != "BestEffort"
        case "PriorityClass":
            return _name_in_scope(selector, spec.get("priorityClassName") or "")
        case "CrossNamespacePodAffinity":
            return _crosses_namespaces(spec)
    return False


def _is_terminating(spec: Object) -> bool:
    seconds = spec.get("activeDeadlineSeconds")
    return seconds is not None and seconds >= 0


def _name_in_scope(selector: Object, name: str) -> bool:
    """Whether a class name is among those of a scope selector, by a label selector's operators."""
    match selector.get("operator"):
        case "Exists":
            return bool(name)
        case "DoesNotExist":
            return not name
        case "In":
            return bool(name) and name in (selector.get("values") or ())
        case "NotIn":
            return not name or name not in (selector.get("values") or ())
    return False


def _crosses_namespaces(spec: Object) -> bool:
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        required = terms.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        preferred = terms.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        for term in [*required, *(weighted.get("podAffinityTerm") or {} for weighted in preferred)]:
            if term.get("namespaces") or term.get("namespaceSelector") is not None:
                return True
    return False


# Services


def service_usage(service: Object, now: datetime) -> Amounts:
    """What a Service uses; node ports by what it intends, since they are given out later."""
    spec = service.get("spec") or {}
    ports = spec.get("ports") or ()
    node_ports = 0
    if spec.get("type") == "NodePort":
        node_ports = len(ports)
    elif spec.get("type") == "LoadBalancer":
        allocates = spec.get("allocateLoadBalancerNodePorts") is not False
        node_ports = len(ports) if allocates else sum(bool(port.get("nodePort")) for port in ports)
    return {
        "count/services": ONE,
        "services": ONE,
        "services.loadbalancers": ONE if spec.get("type") == "LoadBalancer" else ZERO,
        "services.nodeports": Quantity.parse(node_ports),
    }


_SERVICE_NAMES = frozenset({"count/services", "services", "services.loadbalancers", "services.nodeports"})


# PersistentVolumeClaims


def storage_class_of(claim: Object) -> str:
    """The claim's storage class by its annotation or its field, or the empty string."""
    annotated = annotations_of(claim).get(BETA_STORAGE_CLASS)
    return annotated if annotated is not None else (claim.get("spec") or {}).get("storageClassName") or ""


_CLAIM_NAMES = ("persistentvolumeclaims", "requests.storage")


def _tracks_claims(name: str) -> bool:
    return (
        name in _CLAIM_NAMES
        or name == "count/persistentvolumeclaims"
        or name.endswith(tuple(_STORAGE_CLASS + own for own in _CLAIM_NAMES))
    )


def claim_usage(claim: Object, now: datetime) -> Amounts:
    """What a claim uses: itself and its storage in whole bytes, for all and for its storage class."""
    used: Amounts = {"persistentvolumeclaims": ONE, "count/persistentvolumeclaims": ONE}
    storage_class = storage_class_of(claim)
    if storage_class:
        used[f"{storage_class}{_STORAGE_CLASS}persistentvolumeclaims"] = ONE
    requested = (((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}).get("storage")
    if requested is not None:
        amount = Quantity.parse(requested)
        allocated = ((claim.get("status") or {}).get("allocatedResources") or {}).get("storage")
        if allocated is not None:
            amount = max(amount, Quantity.parse(allocated))
        amount = Quantity(amount.value() * 10**9, amount.format)
        used["requests.storage"] = amount
        if storage_class:
            used[f"{storage_class}{_STORAGE_CLASS}requests.storage"] = amount
    return used


_OWN = {
    (evaluator.group, evaluator.plural): evaluator
    for evaluator in (
        Evaluator("", "pods", _tracks_pods, pod_usage, _pod_in_scope, _missing_of_pod),
        Evaluator("", "services", _SERVICE_NAMES.__contains__, service_usage, _no_scope, _nothing_missing),
        Evaluator("", "persistentvolumeclaims", _tracks_claims, claim_usage, _no_scope, _nothing_missing),
    )
}
