"""The strategies of Deployment, ReplicaSet, ReplicationController and PodTemplate."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.base import StrategyContext
from apiserver.strategies.defaults import workloads as defaults
from apiserver.strategies.ruled import RuledStrategy, Rules, StatusWithMetadata
from apiserver.validation import replication, warnings
from apiserver.validation import workloads as validation
from minikube_py.api.meta import Object, annotations_of, generation_of, metadata


class DeploymentStrategy(RuledStrategy):
    """A Deployment, whose generation counts changes of annotations too (rollbacks were once told by one)."""

    rules: ClassVar[Rules] = Rules(
        validation.deployment,
        validation.deployment_update,
        validation.deployment_status_update,
        default=defaults.default_deployment,
    )
    initial_status: ClassVar[Object | None] = {}

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

    def warnings(self, obj: Object) -> list[str]:
        """The warnings about its name and its pods."""
        return template_warnings(obj)


class ReplicaSetStrategy(StatusWithMetadata):
    """A ReplicaSet, whose status always tells its replicas."""

    rules: ClassVar[Rules] = Rules(
        validation.replica_set,
        validation.replica_set_update,
        validation.replica_set_status_update,
        default=defaults.default_replica_set,
    )
    initial_status: ClassVar[Object | None] = {"replicas": 0}

    def warnings(self, obj: Object) -> list[str]:
        """The warnings about its name and its pods."""
        return template_warnings(obj)


class ReplicationControllerStrategy(StatusWithMetadata):
    """A ReplicationController, whose status always tells its replicas."""

    orphans_dependents: ClassVar[bool] = True
    rules: ClassVar[Rules] = Rules(
        replication.replication_controller,
        replication.replication_controller_update,
        replication.replication_controller_status_update,
        default=defaults.default_replication_controller,
    )
    initial_status: ClassVar[Object | None] = {"replicas": 0}

    def warnings(self, obj: Object) -> list[str]:
        """The warnings about its name and its pods."""
        return template_warnings(obj)


class PodTemplateStrategy(RuledStrategy):
    """A PodTemplate: defaults and rules only."""

    rules: ClassVar[Rules] = Rules(
        replication.pod_template_object, replication.pod_template_object_update, default=defaults.default_pod_template
    )

    def warnings(self, obj: Object) -> list[str]:
        """The warnings about its pods."""
        return list(warnings.pod_template("template", obj.get("template") or {}))


def template_warnings(obj: Object) -> list[str]:
    """The warnings about a workload's name and the pods of its ``spec.template``."""
    template = (obj.get("spec") or {}).get("template") or {}
    return [*warnings.name_in_pod_names(obj), *warnings.pod_template("spec.template", template)]
