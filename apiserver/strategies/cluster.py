"""The strategies of Namespace, Node and Lease."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies import warnings
from apiserver.strategies.base import Strategy, StrategyContext
from apiserver.strategies.defaults import cluster as defaults
from apiserver.validation import cluster as validation
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object, metadata

NAMESPACE_FINALIZER = "kubernetes"


class NamespaceStrategy(Strategy):
    """A namespace is Active until deleted, and goes when its ``spec.finalizers`` have been taken away."""

    def default(self, obj: Object) -> Object:
        """The label with its name."""
        return defaults.default_namespace(obj)

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """Active, and held by the namespace controller's finalizer."""
        prepared = self.default(super().prepare_for_create(obj, ctx))
        spec = obj.get("spec") or {}
        finalizers = list(spec.get("finalizers") or [])
        if NAMESPACE_FINALIZER not in finalizers:
            finalizers.append(NAMESPACE_FINALIZER)
        return {**prepared, "spec": {**spec, "finalizers": finalizers}, "status": {"phase": "Active"}}

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Keeps the finalizers, which only the ``finalize`` subresource changes."""
        prepared = super().prepare_for_update(new, old, ctx)
        spec = {key: value for key, value in (new.get("spec") or {}).items() if key != "finalizers"}
        finalizers = (old.get("spec") or {}).get("finalizers")
        return {**prepared, "spec": {**spec, "finalizers": finalizers} if finalizers else spec}

    def prepare_status_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Labels and annotations may come with a status."""
        return {**super().prepare_status_update(new, old, ctx), "metadata": metadata(new)}

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new Namespace."""
        return list(validation.namespace(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a Namespace."""
        return list(validation.namespace_update(new, old))

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a status."""
        return list(validation.namespace_status_update(new, old))

    def begin_deletion(self, obj: Object) -> Object:
        """A deleted namespace is Terminating."""
        return {**obj, "status": {**(obj.get("status") or {}), "phase": "Terminating"}}

    def blocks_removal(self, obj: Object) -> bool:
        """Whether ``spec.finalizers`` holds anything."""
        return bool((obj.get("spec") or {}).get("finalizers"))


class NamespaceFinalizeStrategy(NamespaceStrategy):
    """``namespaces/finalize``: takes finalizers from ``spec.finalizers``; the last one taken removes the namespace."""

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Keeps the status; spec and metadata are the new object's."""
        return Strategy.prepare_for_update(self, new, old, ctx)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """The finalizers that are left."""
        return list(validation.namespace_finalize_update(new, old))


class NodeStrategy(Strategy):
    """A node, which the kubelet registers with its status."""

    def default(self, obj: Object) -> Object:
        """Allocatable resources and the two forms of the pod CIDR."""
        return defaults.default_node(obj)

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """Keeps the status, unlike other kinds."""
        return {"spec": {}, **obj}

    def prepare_status_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Labels and annotations may come with a status."""
        return {**super().prepare_status_update(new, old, ctx), "metadata": metadata(new)}

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new Node."""
        return list(validation.node(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a Node."""
        return list(validation.node_update(new, old))

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a status."""
        return list(validation.node_status_update(new, old))

    def warnings(self, obj: Object) -> list[str]:
        """Fields that nothing reads any more."""
        return list(warnings.node(obj))


class LeaseStrategy(Strategy):
    """A lease, which is only replaced by whoever has seen its latest version."""

    allow_create_on_update: ClassVar[bool] = True
    allow_unconditional_update: ClassVar[bool] = False

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new Lease."""
        return list(validation.lease(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a Lease."""
        return list(validation.lease_update(new, old))
