"""NamespaceLifecycle: nothing is created in a namespace that does not exist or is going away."""

from __future__ import annotations

from apiserver.admission.plugin import Attributes, Plugin
from apiserver.core import Operation
from apiserver.storage.encoding import decode
from apiserver.storage.store import storage_key
from minikube_py.api.errors import NAMESPACE_TERMINATING, Forbidden, forbidden, not_found
from minikube_py.api.meta import Object, is_deleting
from minikube_py.api.resources import NAMESPACES

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


class NamespaceLifecycle(Plugin):
    """Refuses creation in a missing or terminating namespace, and the deletion of the namespaces we need."""

    name = "NamespaceLifecycle"
    mutates = True

    async def mutate(self, attributes: Attributes) -> None:
        """Checks before anything else does, as upstream. Raises Forbidden, NotFound."""
        operation = attributes.operation
        if operation.resource == NAMESPACES:
            if attributes.action == "DELETE" and operation.name in IMMORTAL:
                raise forbidden("", "namespaces", operation.name, "this namespace may not be deleted")
            return
        if attributes.action != "CREATE" or not operation.resource.namespaced or not operation.resource.persisted:
            return
        namespace = await _namespace(operation)
        if is_deleting(namespace) and not operation.subresource:
            raise _terminating(operation)


async def _namespace(operation: Operation) -> Object:
    name = operation.namespace
    cached = operation.core.caches[NAMESPACES].get(name)
    if cached is not None:
        return cached.object
    found = await operation.core.store.get(storage_key(NAMESPACES, "", name))
    if found is None:
        raise not_found("", "namespaces", name)
    return decode(found.value, found.revision)


def _terminating(operation: Operation) -> Forbidden:
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
