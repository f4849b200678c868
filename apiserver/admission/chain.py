"""The order in which admission plugins are asked: all that mutate, then all that validate."""

from __future__ import annotations

from collections.abc import Sequence

from apiserver.admission.plugin import Attributes, Plugin


class AdmissionChain:
    """An ordered list of plugins; the first that refuses decides."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self._mutating = tuple(plugin for plugin in plugins if plugin.mutates)
        self._validating = tuple(plugin for plugin in plugins if plugin.validates)

    async def mutate(self, attributes: Attributes) -> None:
        """Lets every mutating plugin change the object. Raises ApiError."""
        for plugin in self._mutating:
            await plugin.mutate(attributes)

    async def validate(self, attributes: Attributes) -> None:
        """Asks every validating plugin. Raises ApiError."""
        for plugin in self._validating:
            await plugin.validate(attributes)

    async def review(self, attributes: Attributes) -> None:
        """Both phases, for a write that no strategy stands between."""
        await self.mutate(attributes)
        await self.validate(attributes)
