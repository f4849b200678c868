"""Which pods a DaemonSet needs created and deleted next; pure.

Follows upstream's ``manage`` (one pod on every node that is to run it, none elsewhere, ended ones replaced) and, once
there is nothing of that left to do, :mod:`controllers.daemon_set.rolling`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controllers.actions import NORMAL, WARNING, Emit
from controllers.daemon_set import spec
from controllers.daemon_set.placement import placement, target_node
from controllers.pod_availability import is_available
from controllers.revisions import REVISION_LABEL
from minikube_py.api.meta import Object, is_deleting, key_of, labels_of, name_of
from minikube_py.api.pods import is_ready, is_terminal, node_name, phase

BURST_REPLICAS = 250
"""At most so many pods are created, and so many deleted, in one go."""
FAILED_DAEMON_POD = "FailedDaemonPod"
SUCCEEDED_DAEMON_POD = "SucceededDaemonPod"


@dataclass(frozen=True, slots=True)
class Observation:
    """A DaemonSet with all nodes, the pods that are its own, and the hash of its current revision.

    ``backing_off`` holds, for each node whose failed pod was deleted lately, the seconds until the next one may be.
    """

    daemon_set: Object
    nodes: tuple[Object, ...]
    pods: tuple[Object, ...]
    revision_hash: str
    now: datetime
    backing_off: Mapping[str, float] = field(default_factory=dict)

    def by_node(self) -> dict[str, list[Object]]:
        """The pods by the node they are bound or pinned to, without those that have ended and are being deleted."""
        found: dict[str, list[Object]] = {}
        for pod in self.pods:
            if (target := target_node(pod)) and not (is_terminal(pod) and is_deleting(pod)):
                found.setdefault(target, []).append(pod)
        return found

    def is_available(self, pod: Object) -> bool:
        """Whether the pod has been ready for ``minReadySeconds``."""
        return is_available(pod, spec.min_ready_seconds(self.daemon_set), self.now)


@dataclass(slots=True)
class Plan:
    """Pods to create, by node, pods to delete, events to record, and what is to be looked at later.

    ``failed_on`` are the nodes whose back-off begins, or grows; ``wait`` the seconds until a back-off is over.
    """

    create_on: list[str] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    events: list[Emit] = field(default_factory=list)
    failed_on: list[str] = field(default_factory=list)
    wait: float | None = None


def manage(observation: Observation) -> Plan:
    """One pod on every node that is to run it, none on others; a rolling update has no part in it."""
    plan = Plan()
    by_node = observation.by_node()
    names = set()
    for node in observation.nodes:
        names.add(name_of(node))
        _manage_node(observation, node, by_node.get(name_of(node)), plan)
    # The scheduler can never bind these, and the pod garbage collector deletes only what is bound to a node.
    for name in sorted(by_node.keys() - names):
        plan.delete.extend(pod for pod in by_node[name] if not node_name(pod) and not is_deleting(pod))
    del plan.create_on[BURST_REPLICAS:], plan.delete[BURST_REPLICAS:]
    return plan


def _manage_node(observation: Observation, node: Object, pods: list[Object] | None, plan: Plan) -> None:
    decided = placement(observation.daemon_set, node)
    if pods is None:
        if decided.should_run:
            plan.create_on.append(name_of(node))
        return
    living = [pod for pod in pods if not is_deleting(pod)]
    if not decided.should_continue:
        plan.delete.extend(living)
        return
    running = [pod for pod in living if not _replace_ended(observation, name_of(node), pod, plan)]
    if not spec.allows_surge(observation.daemon_set):
        plan.delete.extend(spec.oldest_first(running)[1:])
    elif not running:
        if decided.should_run:
            plan.create_on.append(name_of(node))
    elif len(running) > 1:
        _settle_surge(observation, running, plan)


def _replace_ended(observation: Observation, node: str, pod: Object, plan: Plan) -> bool:
    """Whether the pod has ended; then it is deleted, if its node's back-off allows."""
    if phase(pod) == "Failed":
        if (remaining := observation.backing_off.get(node, 0.0)) > 0:
            plan.wait = remaining if plan.wait is None else min(plan.wait, remaining)
            return True
        message = f"Found failed daemon pod {key_of(pod)} on node {node}, will try to kill it"
        plan.events.append(Emit(observation.daemon_set, WARNING, FAILED_DAEMON_POD, message))
        plan.failed_on.append(node)
    elif phase(pod) == "Succeeded":
        message = f"Found succeeded daemon pod {key_of(pod)} on node {node}, will try to delete it"
        plan.events.append(Emit(observation.daemon_set, NORMAL, SUCCEEDED_DAEMON_POD, message))
    else:
        return False
    plan.delete.append(pod)
    return True


def _settle_surge(observation: Observation, running: list[Object], plan: Plan) -> None:
    """Two pods stay only while the old one is ready and the new one is not available yet."""
    newest: Object | None = None
    old: Object | None = None
    for pod in spec.oldest_first(running):
        is_new = labels_of(pod).get(REVISION_LABEL) == observation.revision_hash
        if is_new and newest is None:
            newest = pod
        elif not is_new and old is None:
            old = pod
        else:
            plan.delete.append(pod)
    if newest is not None and old is not None and (not is_ready(old) or observation.is_available(newest)):
        plan.delete.append(old)
