"""The strategy of APIService."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.base import StrategyContext
from apiserver.strategies.defaults.apiregistration import default_api_service
from apiserver.strategies.ruled import RuledStrategy, Rules
from apiserver.validation import apiregistration as validation
from minikube_py.api.meta import Object
from minikube_py.api.times import format_time


class ApiServiceStrategy(RuledStrategy):
    """An APIService; one without a Service is this server's own, and always available."""

    allow_unconditional_update: ClassVar[bool] = False
    initial_status: ClassVar[Object | None] = {}
    rules: ClassVar[Rules] = Rules(
        validation.api_service,
        validation.api_service_update,
        validation.api_service_status_update,
        default=default_api_service,
    )

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """Available at once where it is local."""
        prepared = super().prepare_for_create(obj, ctx)
        if (obj.get("spec") or {}).get("service") is not None:
            return prepared
        condition = {
            "type": "Available",
            "status": "True",
            "lastTransitionTime": format_time(ctx.now),
            "reason": "Local",
            "message": "Local APIServices are always available",
        }
        return {**prepared, "status": {"conditions": [condition]}}
