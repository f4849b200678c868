"""The strategy of a kind that only has defaults and rules: it names functions, and has no code of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from apiserver.strategies.base import Strategy, StrategyContext
from apiserver.validation.meta import object_meta_update
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object, metadata

Default = Callable[[Object], Object]
Rule = Callable[[Object], Iterable[FieldError]]
ChangeRule = Callable[[Object, Object], Iterable[FieldError]]


def unchanged(obj: Object) -> Object:
    """No defaults."""
    return obj


class RuledStrategy(Strategy):
    """A subclass sets ``creation`` and ``change``, wrapped in ``staticmethod``, and the others where it has them."""

    defaults: ClassVar[Default] = staticmethod(unchanged)
    creation: ClassVar[Rule]
    """Yields every error of a new object, metadata included."""
    change: ClassVar[ChangeRule]
    """Yields every error of a changed object, metadata included."""
    status_change: ClassVar[ChangeRule] = staticmethod(object_meta_update)
    """Yields every error of a changed status."""

    def default(self, obj: Object) -> Object:
        """What ``defaults`` makes of it."""
        return type(self).defaults(obj)

    def validate(self, obj: Object) -> list[FieldError]:
        """What ``creation`` says."""
        return list(type(self).creation(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What ``change`` says."""
        return list(type(self).change(new, old))

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        """What ``status_change`` says."""
        return list(type(self).status_change(new, old))


class StatusWithMetadata(RuledStrategy):
    """A kind whose labels, annotations and finalizers may be written together with its status."""

    def prepare_status_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Takes ``status`` and ``metadata`` from the new object, everything else from the stored one."""
        return {**super().prepare_status_update(new, old, ctx), "metadata": metadata(new)}
