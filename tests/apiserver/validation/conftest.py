"""Objects as the rules of their kind see them: decoded by the schema, with defaults, prepared, then validated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

import pytest

from apiserver.strategies import Strategy, StrategyContext, strategy_for
from minikube_py.api.resources import Resource
from minikube_py.api.schema import Schemas

CONTEXT = StrategyContext(datetime(2026, 1, 1, tzinfo=UTC), Random(1), "joe", uid="u", groups=("devs",))


@cache
def _schemas() -> Schemas:
    return Schemas("1.34")


def _decoded(resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
    sent = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
    sent.setdefault("metadata", {"name": "x", "namespace": "d"} if resource.namespaced else {"name": "x"})
    checked = _schemas().decode_check(resource.api_version, resource.kind, sent)
    assert not checked.type_errors
    assert not checked.unknown
    return checked.pruned


class Rules:
    """Asks a kind's strategy as the engine does."""

    def created(self, resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
        strategy = strategy_for(resource)
        return strategy.prepare_for_create(strategy.default(_decoded(resource, obj)), CONTEXT)

    def create(self, resource: Resource, obj: dict[str, Any]) -> list[str]:
        return [f"{error.reason} {error}" for error in strategy_for(resource).validate(self.created(resource, obj))]

    def update(self, resource: Resource, new: dict[str, Any], old: dict[str, Any], subresource: str = "") -> list[str]:
        strategy: Strategy = strategy_for(resource, subresource)
        before = {**strategy.default(_decoded(resource, old))}
        after = strategy.default(_decoded(resource, new))
        if subresource == "status":
            prepared = strategy.prepare_status_update(after, before, CONTEXT)
            errors = strategy.validate_status_update(prepared, before)
        else:
            prepared = strategy.prepare_for_update(after, before, CONTEXT)
            errors = strategy.validate_update(prepared, before)
        return [f"{error.reason} {error}" for error in dict.fromkeys(errors)]


@pytest.fixture
def rules() -> Rules:
    return Rules()


@pytest.fixture
def short() -> Callable[[list[str]], list[str]]:
    """Errors without the common prefix of their reasons."""
    return lambda errors: [error.removeprefix("FieldValue") for error in errors]
