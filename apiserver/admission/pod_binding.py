"""A pod is bound to a node that exists, by a binding and nothing else; its ``nodeName`` never changes afterwards."""

from __future__ import annotations

from typing import ClassVar

from apiserver.admission.plugin import CREATE, PODS_ONLY, Action, Attributes, Plugin
from apiserver.storage.store import storage_key
from minikube_py.api.errors import not_found
from minikube_py.api.resources import NODES


class PodBinding(Plugin):
    """Refuses a binding to a node that is not there."""

    name = "PodBinding"
    validates = True
    kinds = PODS_ONLY
    actions: ClassVar[frozenset[Action]] = CREATE

    async def validate(self, attributes: Attributes) -> None:
        """Looks at bindings only. Raises NotFound."""
        binding = attributes.obj
        if not attributes.is_for("pods", subresource="binding") or binding is None:
            return
        node, core = binding["target"]["name"], attributes.operation.core
        if core.caches[NODES].get(node) is None and await core.store.get(storage_key(NODES, "", node)) is None:
            raise not_found("", "nodes", node)
