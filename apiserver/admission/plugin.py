"""What an admission plugin is told and may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from apiserver.core import Operation
from minikube_py.api.meta import Object

Action = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


@dataclass(slots=True)
class Attributes:
    """One write on its way to the store.

    ``obj`` is None for a DELETE; ``old`` is None for a CREATE. A mutating plugin replaces ``obj``, it never changes the
    dictionary it was given. For a subresource with a kind of its own (``binding``, ``token``) ``obj`` is that body.
    """

    operation: Operation
    action: Action
    obj: Object | None
    old: Object | None = None

    def is_for(self, plural: str, group: str = "", subresource: str = "") -> bool:
        """Whether the write is to that resource and subresource."""
        operation = self.operation
        return (
            operation.resource.plural == plural
            and operation.resource.group == group
            and operation.subresource == subresource
        )


class Plugin:
    """An admission plugin that admits everything; a plugin overrides one method or both.

    A plugin that looks at few kinds or actions says so, and costs the others nothing.
    """

    name: ClassVar[str] = ""
    mutates: ClassVar[bool] = False
    validates: ClassVar[bool] = False
    kinds: ClassVar[frozenset[tuple[str, str]] | None] = None
    """The ``(group, plural)`` whose writes it is asked about; None is every kind."""
    actions: ClassVar[frozenset[Action]] = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
    """The actions that it is asked about."""

    async def mutate(self, attributes: Attributes) -> None:
        """May replace ``attributes.obj``. Raises ApiError to refuse."""

    async def validate(self, attributes: Attributes) -> None:
        """Sees the object as it will be stored. Raises ApiError to refuse."""


CREATE: frozenset[Action] = frozenset({"CREATE"})
CREATE_OR_UPDATE: frozenset[Action] = frozenset({"CREATE", "UPDATE"})
PODS_ONLY = frozenset({("", "pods")})
