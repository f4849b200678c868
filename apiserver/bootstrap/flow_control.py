"""The FlowSchemas and PriorityLevelConfigurations that are always there, and put right while nobody opts out."""

from __future__ import annotations

from functools import partial

from apiserver.bootstrap.ensure import ensure, ensure_all
from apiserver.core import Core
from apiserver.flow_control.defaults import AUTO_UPDATE, FLOW_SCHEMAS, PRIORITY_LEVELS
from minikube_py.api.meta import Object, annotations_of
from minikube_py.api.resources import FLOW_SCHEMAS as SCHEMA_ROW
from minikube_py.api.resources import PRIORITY_LEVEL_CONFIGURATIONS as LEVEL_ROW


async def ensure_flow_control(core: Core) -> None:
    """Creates what is missing, where the version presented has these kinds."""
    for row, objects in ((LEVEL_ROW, PRIORITY_LEVELS), (SCHEMA_ROW, FLOW_SCHEMAS)):
        if row in core.caches:
            await ensure_all(ensure(core, row, wanted, partial(reconciled, wanted=wanted)) for wanted in objects)


def reconciled(old: Object, wanted: Object) -> Object:
    """The stored object with the wanted spec, unless it is annotated not to follow. Pure."""
    if annotations_of(old).get(AUTO_UPDATE) != "true":
        return old
    return {**old, "spec": {**old.get("spec", {}), **wanted["spec"]}}
