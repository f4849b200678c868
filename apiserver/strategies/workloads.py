"""The strategies of Deployment and ReplicaSet."""

from __future__ import annotations

from collections.abc import Mapping

from apiserver.strategies.base import Strategy, StrategyContext
from apiserver.strategies.defaults import workloads as defaults
from apiserver.validation import workloads as validation
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object, annotations_of, generation_of, metadata


class DeploymentStrategy(Strategy):
    """A Deployment, whose generation counts changes of annotations too (rollbacks were once told by one)."""

    def default(self, obj: Object) -> Object:
        """Upstream's defaults."""
        return defaults.default_deployment(obj)

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """An empty status."""
        return {**super().prepare_for_create(obj, ctx), "status": {}}

    def prepare_status_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Annotations come with a status (the controller's revision is one); spec and labels do not."""
        meta = {key: value for key, value in metadata(new).items() if key != "labels"}
        if "labels" in metadata(old):
            meta["labels"] = metadata(old)["labels"]
        return {**super().prepare_status_update(new, old, ctx), "metadata": meta}

    def with_generation(self, new: Object, old: Object) -> Object:
        """One higher if spec or annotations differ."""
        counted = super().with_generation(new, old)
        if generation_of(counted) == generation_of(old) and annotations_of(new) != annotations_of(old):
            generation = (generation_of(old) or 1) + 1
            return {**counted, "metadata": {**metadata(counted), "generation": generation}}
        return counted

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new Deployment."""
        return list(validation.deployment(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a Deployment."""
        return list(validation.deployment_update(new, old))

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a status."""
        return list(validation.deployment_status_update(new, old))


class ReplicaSetStrategy(Strategy):
    """A ReplicaSet, whose status always tells its replicas."""

    def default(self, obj: Object) -> Object:
        """Upstream's defaults."""
        return defaults.default_replica_set(obj)

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """A status of no replicas."""
        return {**super().prepare_for_create(obj, ctx), "status": {"replicas": 0}}

    def prepare_status_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Labels and annotations may come with a status."""
        return {**super().prepare_status_update(new, old, ctx), "metadata": metadata(new)}

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new ReplicaSet."""
        return list(validation.replica_set(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a ReplicaSet."""
        return list(validation.replica_set_update(new, old))

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a status."""
        return list(validation.replica_set_status_update(new, old))

