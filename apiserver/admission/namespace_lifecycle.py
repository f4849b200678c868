"""NamespaceLifecycle: nothing is created in a namespace that does not exist or is going away."""

from __future__ import annotations

from typing import ClassVar

from apiserver.admission.lookup import Derived
from apiserver.admission.plugin import Action, Attributes, Plugin
from apiserver.core import Operation
from minikube_py.api.errors import NAMESPACE_TERMINATING, Forbidden, forbidden, not_found
from minikube_py.api.meta import Object, is_deleting
from minikube_py.api.resources import NAMESPACES

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


class NamespaceLifecycle(Plugin):
    """Refuses creation in a missing or terminating namespace, and the deletion of the namespaces we need."""

    name = "NamespaceLifecycle"
    mutates = True
    actions: ClassVar[frozenset[Action]] = frozenset({"CREATE", "DELETE"})

    def __init__(self) -> None:
        self._terminating: Derived[bool] = Derived(NAMESPACES, is_terminating)

    async def mutate(self, attributes: Attributes) -> None:
        """Checks before anything else does, as upstream. Raises Forbidden, NotFound."""
        operation = attributes.operation
        resource = operation.resource
        if resource.plural == "namespaces" and not resource.group:
            if attributes.action == "DELETE" and operation.name in IMMORTAL:
                raise forbidden("", "namespaces", operation.name, "this namespace may not be deleted")
            return
        if attributes.action == "DELETE" or not resource.namespaced or not resource.persisted:
            return
        terminating = await self._terminating.get(operation.core, "", operation.namespace)
        if terminating is None:
            raise not_found("", "namespaces", operation.namespace)
        if terminating:
            raise _refused(operation)


def is_terminating(namespace: Object) -> bool:
    """Whether a namespace is being deleted."""
    return is_deleting(namespace) or (namespace.get("status") or {}).get("phase") == "Terminating"


def _refused(operation: Operation) -> Forbidden:
    resource, name = operation.resource, operation.namespace
    cause = f"unable to create new content in namespace {name} because it is being terminated"
    refused = forbidden(resource.group, resource.plural, operation.name, cause)
    causes = [
        {
            "reason": NAMESPACE_TERMINATING,
            "message": f"namespace {name} is being terminated",
            "field": "metadata.namespace",
        }
    ]
    return Forbidden(refused.message, details={**(refused.details or {}), "causes": causes})
