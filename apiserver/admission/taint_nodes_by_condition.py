"""TaintNodesByCondition: a node is born with the not-ready taint, so that nothing runs on it before it reports."""

from __future__ import annotations

from typing import ClassVar

from apiserver.admission.plugin import CREATE, Action, Attributes, Plugin
from minikube_py.api.meta import Object

NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


class TaintNodesByCondition(Plugin):
    """Adds the taint to nodes that are created."""

    name = "TaintNodesByCondition"
    mutates = True
    kinds = frozenset({("", "nodes")})
    actions: ClassVar[frozenset[Action]] = CREATE

    async def mutate(self, attributes: Attributes) -> None:
        """Changes nodes that are created."""
        if attributes.is_for("nodes") and attributes.obj is not None:
            attributes.obj = with_taint(attributes.obj)


def with_taint(node: Object) -> Object:
    """The node with the taint. Pure."""
    spec = node.get("spec") or {}
    taints = spec.get("taints") or []
    if any(taint.get("key") == NOT_READY["key"] and taint.get("effect") == NOT_READY["effect"] for taint in taints):
        return node
    return {**node, "spec": {**spec, "taints": [*taints, dict(NOT_READY)]}}
