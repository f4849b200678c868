"""DefaultTolerationSeconds: a pod stays five minutes on a node that is not ready or not reachable."""

from __future__ import annotations

from typing import ClassVar

from apiserver.admission.plugin import CREATE_OR_UPDATE, PODS_ONLY, Action, Attributes, Plugin
from minikube_py.api.meta import Object

SECONDS = 300
_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


class DefaultTolerationSeconds(Plugin):
    """Adds the two tolerations to a pod that says nothing about these taints."""

    name = "DefaultTolerationSeconds"
    mutates = True
    kinds = PODS_ONLY
    actions: ClassVar[frozenset[Action]] = CREATE_OR_UPDATE

    async def mutate(self, attributes: Attributes) -> None:
        """Changes pods that are created; an updated one has them unless somebody may take them away."""
        if attributes.is_for("pods") and attributes.obj is not None:
            attributes.obj = with_tolerations(attributes.obj)


def with_tolerations(pod: Object) -> Object:
    """The pod with the tolerations that it lacks. Pure."""
    spec = pod.get("spec") or {}
    tolerations = list(spec.get("tolerations") or ())
    added = [
        {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}
        for taint in _TAINTS
        if not any(_covers(toleration, taint) for toleration in tolerations)
    ]
    return {**pod, "spec": {**spec, "tolerations": [*tolerations, *added]}} if added else pod


def _covers(toleration: Object, taint: str) -> bool:
    return toleration.get("key", "") in ("", taint) and toleration.get("effect", "") in ("", "NoExecute")
