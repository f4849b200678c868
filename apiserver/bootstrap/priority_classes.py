"""The two priority classes of the system, which are always there."""

from __future__ import annotations

from apiserver.admission.priority import SYSTEM_CLASSES
from apiserver.bootstrap.ensure import ensure
from apiserver.core import Core
from minikube_py.api.resources import PRIORITY_CLASSES

_DESCRIPTIONS = {
    "system-cluster-critical": "Used for system critical pods that must run in the cluster, but can be moved to "
    "another node if necessary.",
    "system-node-critical": "Used for system critical pods that must not be moved from their current node.",
}


async def ensure_priority_classes(core: Core) -> None:
    """Creates those that are missing."""
    for name, priority_class in SYSTEM_CLASSES.items():
        await ensure(
            core,
            PRIORITY_CLASSES,
            {
                "kind": "PriorityClass",
                "apiVersion": "scheduling.k8s.io/v1",
                "metadata": {"name": name},
                "value": priority_class.value,
                "preemptionPolicy": priority_class.preemption_policy,
                "description": _DESCRIPTIONS[name],
            },
        )
