"""The rolling update of a DaemonSet; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from controllers.daemon_set import spec
from controllers.daemon_set.placement import placement
from controllers.daemon_set.sync import BURST_REPLICAS, Observation, Plan, manage
from minikube_py.api.meta import Object, is_deleting, name_of


def sync(observation: Observation) -> Plan:
    """What :func:`~controllers.daemon_set.sync.manage` says and, where nothing is to be done, the rolling update."""
    plan = manage(observation)
    if plan.create_on or plan.delete or not spec.is_rolling_update(observation.daemon_set):
        return plan
    rolled = roll(observation)
    rolled.wait = plan.wait
    return rolled


def roll(observation: Observation) -> Plan:
    """Old pods to delete, or nodes to surge onto, within ``maxUnavailable`` or ``maxSurge``."""
    by_node = observation.by_node()
    desired = {name_of(node) for node in observation.nodes if placement(observation.daemon_set, node).should_run}
    for name in desired:
        by_node.setdefault(name, [])
    surge, unavailable = spec.surge_and_unavailable(observation.daemon_set, len(desired))
    plan = _surge(observation, by_node, desired, surge) if surge else _replace(observation, by_node, unavailable)
    del plan.create_on[BURST_REPLICAS:], plan.delete[BURST_REPLICAS:]
    return plan


def _replace(observation: Observation, by_node: dict[str, list[Object]], max_unavailable: int) -> Plan:
    """Unavailable old pods go at once; available ones while fewer than ``max_unavailable`` nodes are without."""
    missing = 0
    useless: list[Object] = []
    candidates: list[Object] = []
    for _, pods in sorted(by_node.items()):
        new, old, excess = _new_and_old(observation, pods)
        if excess or (new is None) == (old is None):
            missing += 1
        elif new is not None:
            missing += not observation.is_available(new)
        elif old is not None:
            (candidates if observation.is_available(old) else useless).append(old)
    return Plan(delete=[*useless, *candidates[: max(max_unavailable - missing, 0)]])


def _surge(
    observation: Observation, by_node: dict[str, list[Object]], desired: Collection[str], max_surge: int
) -> Plan:
    """A new pod beside every old one that is not available, and beside ``max_surge`` of the others.

    On a node that is to run none any more, say for a new taint, an available old pod stays until another node has made
    up for it.
    """
    surging, available = 0, 0
    allowed: list[str] = []
    candidates: list[str] = []
    delete: list[Object] = []
    leaving: list[Object] = []
    for node, pods in sorted(by_node.items()):
        new, old, excess = _new_and_old(observation, pods)
        if excess:
            surging += 1
            continue
        counted = old or new
        available += counted is not None and observation.is_available(counted)
        if old is None:
            continue
        if new is not None:
            if observation.is_available(new):
                delete.append(old)
            else:
                surging += 1
        elif node in desired:
            (candidates if observation.is_available(old) else allowed).append(node)
        else:
            (leaving if observation.is_available(old) else delete).append(old)
    delete += leaving[: max(available - len(desired), 0)]
    return Plan(create_on=[*allowed, *candidates[: max(max_surge - surging, 0)]], delete=delete)


def _new_and_old(observation: Observation, pods: Iterable[Object]) -> tuple[Object | None, Object | None, bool]:
    """The one new and the one old pod of a node, and whether there are more than that."""
    new: list[Object] = []
    old: list[Object] = []
    for pod in pods:
        if not is_deleting(pod):
            updated = spec.is_updated(observation.daemon_set, pod, observation.revision_hash)
            (new if updated else old).append(pod)
    if len(new) > 1 or len(old) > 1:
        return None, None, True
    return new[0] if new else None, old[0] if old else None, False
