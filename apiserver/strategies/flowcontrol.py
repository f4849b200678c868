"""The strategies of FlowSchema and PriorityLevelConfiguration."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.defaults import flowcontrol as defaults
from apiserver.strategies.ruled import RuledStrategy, Rules
from apiserver.validation import flowcontrol as validation
from minikube_py.api.meta import Object


class FlowSchemaStrategy(RuledStrategy):
    """A FlowSchema."""

    initial_status: ClassVar[Object | None] = {}
    rules: ClassVar[Rules] = Rules(
        validation.flow_schema,
        validation.flow_schema_update,
        validation.status_update,
        default=defaults.default_flow_schema,
    )


class PriorityLevelConfigurationStrategy(RuledStrategy):
    """A PriorityLevelConfiguration."""

    initial_status: ClassVar[Object | None] = {}
    rules: ClassVar[Rules] = Rules(
        validation.priority_level,
        validation.priority_level_update,
        validation.status_update,
        default=defaults.default_priority_level,
    )
