"""The strategy of a kind that only has defaults and rules: it names functions, and has no code of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from apiserver.strategies.base import Strategy, StrategyContext
from apiserver.validation.meta import object_meta_update
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object, metadata

Default = Callable[[Object], Object]
Rule = Callable[[Object], Iterable[FieldError]]
ChangeRule = Callable[[Object, Object], Iterable[FieldError]]

MAX_ERRORS = 1000
"""How many errors of one object are told; a body may hold hundreds of thousands."""


def unchanged(obj: Object) -> Object:
    """No defaults."""
    return obj


@dataclass(frozen=True, slots=True)
class Rules:
    """The functions that make up a kind; each rule yields every error, those of metadata included."""

    creation: Rule
    """The errors of a new object."""
    change: ChangeRule
    """The errors of a changed object, told with the stored one."""
    status_change: ChangeRule = object_meta_update
    """The errors of a changed status."""
    default: Default = unchanged


class RuledStrategy(Strategy):
    """A subclass sets ``rules``."""

    rules: ClassVar[Rules]
    initial_status: ClassVar[Object | None] = None
    """The status of a new object, which upstream always writes; None for a kind without."""

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """With the status that a new object has, whatever the client sent."""
        prepared = super().prepare_for_create(obj, ctx)
        status = self.initial_status
        return prepared if status is None else {**prepared, "status": status}

    def default(self, obj: Object) -> Object:
        """What ``rules.default`` makes of it."""
        return self.rules.default(obj)

    def validate(self, obj: Object) -> list[FieldError]:
        """What ``rules.creation`` says."""
        return list(islice(self.rules.creation(obj), MAX_ERRORS))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What ``rules.change`` says."""
        return list(islice(self.rules.change(new, old), MAX_ERRORS))

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        """What ``rules.status_change`` says."""
        return list(islice(self.rules.status_change(new, old), MAX_ERRORS))


class StatusWithMetadata(RuledStrategy):
    """A kind whose labels, annotations and finalizers may be written together with its status."""

    def prepare_status_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Takes ``status`` and ``metadata`` from the new object, everything else from the stored one."""
        return {**super().prepare_status_update(new, old, ctx), "metadata": metadata(new)}
