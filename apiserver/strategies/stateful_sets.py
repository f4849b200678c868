"""The strategies of StatefulSet, DaemonSet and the ControllerRevisions that both keep their history in."""

from __future__ import annotations

import re
from typing import ClassVar

from apiserver.strategies.base import StrategyContext
from apiserver.strategies.defaults import workloads as defaults
from apiserver.strategies.ruled import RuledStrategy, Rules, StatusWithMetadata
from apiserver.validation import daemon_sets, replication, stateful_sets, warnings
from minikube_py.api.meta import Object, annotations_of, metadata

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
"""The annotation in which a DaemonSet of ``apps/v1`` carries the number of its template."""
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_NO_REPLICAS = {"replicas": 0, "availableReplicas": 0}
_NONE_SCHEDULED = {
    "currentNumberScheduled": 0,
    "numberMisscheduled": 0,
    "desiredNumberScheduled": 0,
    "numberReady": 0,
}


class StatefulSetStrategy(StatusWithMetadata):
    """A StatefulSet, whose status always tells its replicas."""

    rules: ClassVar[Rules] = Rules(
        stateful_sets.stateful_set,
        stateful_sets.stateful_set_update,
        stateful_sets.stateful_set_status_update,
        default=defaults.default_stateful_set,
    )
    initial_status: ClassVar[Object | None] = _NO_REPLICAS

    def warnings(self, obj: Object) -> list[str]:
        """The warnings about its pods and its history."""
        spec = obj.get("spec") or {}
        found = list(warnings.pod_template("spec.template", spec.get("template") or {}))
        if (spec.get("revisionHistoryLimit") or 0) < 0:
            found.append(
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is "
                "recommended"
            )
        return found


class DaemonSetStrategy(StatusWithMetadata):
    """A DaemonSet, whose template's changes are counted in an annotation too."""

    rules: ClassVar[Rules] = Rules(
        daemon_sets.daemon_set,
        daemon_sets.daemon_set_update,
        daemon_sets.daemon_set_status_update,
        default=defaults.default_daemon_set,
    )

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """The first template, and a status of no pods."""
        prepared = super().prepare_for_create(obj, ctx)
        numbered = _with_template_generation(prepared, max(_template_generation(obj), 1))
        return {**numbered, "status": dict(_NONE_SCHEDULED)}

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """The number of the template, one higher where it changed."""
        changed = (new.get("spec") or {}).get("template") != (old.get("spec") or {}).get("template")
        number = _template_generation(old) + changed
        return _with_template_generation(super().prepare_for_update(new, old, ctx), number)

    def warnings(self, obj: Object) -> list[str]:
        """The warnings about its pods."""
        template = (obj.get("spec") or {}).get("template") or {}
        return list(warnings.pod_template("spec.template", template))


class ControllerRevisionStrategy(RuledStrategy):
    """A ControllerRevision: rules only."""

    rules: ClassVar[Rules] = Rules(replication.controller_revision, replication.controller_revision_update)


def _template_generation(obj: Object) -> int:
    text = annotations_of(obj).get(TEMPLATE_GENERATION, "")
    return int(text) if _NUMBER.fullmatch(text) else 0


def _with_template_generation(obj: Object, number: int) -> Object:
    annotations = {**annotations_of(obj), TEMPLATE_GENERATION: str(number)}
    return {**obj, "metadata": {**metadata(obj), "annotations": annotations}}
