"""What a namespace's deletion has come to; pure.

Condition types, reasons and messages are upstream's; ``kubectl describe namespace`` shows them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from controllers import conditions
from controllers.actions import RequeueAfter, Update
from minikube_py.api.meta import Object, is_deleting, metadata
from minikube_py.api.resources import NAMESPACES, Resource

FINALIZER = "kubernetes"
LOOK_AGAIN_SECONDS = 15.0
"""A safety net: what goes is told by informers."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A namespace that is being deleted, what is left in it after everything was deleted, and what failed."""

    namespace: Object
    remaining: Mapping[Resource, Sequence[Object]]
    failures: Sequence[str] = field(default=())
    now: datetime = field(kw_only=True)


def needs_work(namespace: Object) -> bool:
    """Whether the namespace is being deleted and waits for this controller."""
    return is_deleting(namespace) and FINALIZER in ((namespace.get("spec") or {}).get("finalizers") or [])


def sync(observation: Observation) -> tuple[Update | RequeueAfter, ...]:
    """Lets an empty namespace go, or says what holds it."""
    namespace = observation.namespace
    if not observation.failures and not any(observation.remaining.values()):
        spec = namespace.get("spec") or {}
        finalizers = [present for present in spec.get("finalizers") or [] if present != FINALIZER]
        return (Update(NAMESPACES, {**namespace, "spec": {**spec, "finalizers": finalizers}}, "finalize"),)
    status = namespace.get("status") or {}
    told = list(status.get("conditions") or [])
    for new in deletion_conditions(observation):
        present = conditions.find(told, new["type"])
        if present is None or any(present.get(f) != new[f] for f in ("status", "reason", "message")):
            told = conditions.put(told, new)
    actions: list[Update | RequeueAfter] = [RequeueAfter(LOOK_AGAIN_SECONDS)]
    if told != status.get("conditions"):
        terminating = {**status, "phase": "Terminating", "conditions": told}
        actions.insert(0, Update(NAMESPACES, {**namespace, "status": terminating}, "status"))
    return tuple(actions)


def deletion_conditions(observation: Observation) -> list[Object]:
    """The five conditions of a namespace's deletion."""
    left = {resource: len(items) for resource, items in observation.remaining.items() if items}
    finalizers = Counter(
        finalizer
        for items in observation.remaining.values()
        for item in items
        for finalizer in metadata(item).get("finalizers") or []
    )
    failures = ", ".join(observation.failures)
    resources = ", ".join(sorted(f"{r.plural}.{r.group} has {count} resource instances" for r, count in left.items()))
    held = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
    told = [
        ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "True",
            "ContentDeletionFailed",
            f"Failed to delete all resource types, {len(observation.failures)} remaining: {failures}",
        )
        if failures
        else (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        ("NamespaceContentRemaining", "True", "SomeResourcesRemain", f"Some resources are remaining: {resources}")
        if left
        else ("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"),
        (
            "NamespaceFinalizersRemaining",
            "True",
            "SomeFinalizersRemain",
            f"Some content in the namespace has finalizers remaining: {held}",
        )
        if finalizers
        else (
            "NamespaceFinalizersRemaining",
            "False",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        ),
    ]
    return [conditions.condition(*condition, observation.now) for condition in told]
