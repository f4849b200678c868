"""Which pods the pod garbage collector deletes; pure. Follows ``k8s.io/kubernetes/pkg/controller/podgc``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from controllers import conditions
from controllers.actions import Delete, Patch, RequeueAfter
from minikube_py.api.meta import Object, is_deleting, metadata, name_of, namespace_of, uid_of
from minikube_py.api.nodes import is_ready, taints_of
from minikube_py.api.pods import is_terminal, node_name
from minikube_py.api.resources import PODS
from minikube_py.client.protocol import PatchType

QUARANTINE_SECONDS = 40.0
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


@dataclass(frozen=True, slots=True)
class Observation:
    """A pod with the node it is bound to, if that is there, and the seconds since the node was found missing."""

    pod: Object
    node: Object | None
    node_missing_seconds: float
    now: datetime


def sync(observation: Observation) -> tuple[Patch | Delete | RequeueAfter, ...]:
    """Delete a pod whose node has been gone for 40 s or is out of service, or that ends before it was ever bound.

    Such a pod has no kubelet that would confirm its end: it is deleted with no grace.
    """
    pod, node = observation.pod, observation.node
    if not node_name(pod):
        return (_delete(pod),) if is_deleting(pod) else ()
    if node is None:
        wait = QUARANTINE_SECONDS - observation.node_missing_seconds
        if wait > 0:
            return (RequeueAfter(wait),)
        disruption = conditions.condition(
            "DisruptionTarget", "True", "DeletionByPodGC", "PodGC: node no longer exists", observation.now
        )
        return (*_mark_failed(pod, disruption), _delete(pod))
    if is_deleting(pod) and not is_ready(node) and is_out_of_service(node):
        return (*_mark_failed(pod), _delete(pod))
    return ()


def is_out_of_service(node: Object) -> bool:
    """Whether somebody has declared that nothing runs on the node any more."""
    return any(taint.get("key") == OUT_OF_SERVICE for taint in taints_of(node))


def sync_terminated(pods: Iterable[Object], threshold: int) -> tuple[Delete, ...]:
    """Delete the oldest ended pods beyond ``threshold``, evicted ones first; nothing where it is 0 or less."""
    ended = [pod for pod in pods if is_terminal(pod)]
    surplus = len(ended) - threshold
    if threshold <= 0 or surplus <= 0:
        return ()
    return tuple(_delete(pod) for pod in sorted(ended, key=_rank)[:surplus])


def _rank(pod: Object) -> tuple[bool, str, str]:
    evicted = (pod.get("status") or {}).get("reason") == "Evicted"
    return not evicted, metadata(pod).get("creationTimestamp") or "", uid_of(pod)


def _mark_failed(pod: Object, *told: Object) -> tuple[Patch, ...]:
    if is_terminal(pod):
        return ()
    status: Object = {"phase": "Failed"}
    if told:
        status["conditions"] = list(told)
    patch = {"metadata": {"uid": uid_of(pod)}, "status": status}
    return (Patch(PODS, namespace_of(pod), name_of(pod), patch, PatchType.STRATEGIC, "status"),)


def _delete(pod: Object) -> Delete:
    return Delete(PODS, namespace_of(pod), name_of(pod), uid_of(pod), grace_period_seconds=0)
