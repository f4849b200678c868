"""The strategies of PriorityClass and RuntimeClass."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies import warnings
from apiserver.strategies.defaults.classes import default_priority_class
from apiserver.strategies.ruled import RuledStrategy, Rules
from apiserver.validation import classes as validation
from minikube_py.api.meta import Object


class PriorityClassStrategy(RuledStrategy):
    """A PriorityClass, of which nothing that counts changes, so that its generation stays 1."""

    rules: ClassVar[Rules] = Rules(
        validation.priority_class, validation.priority_class_update, default=default_priority_class
    )

    def with_generation(self, new: Object, old: Object) -> Object:
        """The stored generation."""
        return new


class RuntimeClassStrategy(RuledStrategy):
    """A RuntimeClass."""

    allow_unconditional_update: ClassVar[bool] = False
    rules: ClassVar[Rules] = Rules(validation.runtime_class, validation.runtime_class_update)

    def warnings(self, obj: Object) -> list[str]:
        """Deprecated node labels."""
        return list(warnings.runtime_class(obj))
