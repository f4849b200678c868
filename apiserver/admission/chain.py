"""The order in which admission plugins are asked: all that mutate, then all that validate."""

from __future__ import annotations

from collections.abc import Sequence

from apiserver.admission.plugin import Action, Attributes, Plugin


class AdmissionChain:
    """An ordered list of plugins; the first that refuses decides. Only those that look at a kind are asked about it."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self.plugins = tuple(plugins)
        self._concerned: dict[tuple[str, str, Action], tuple[tuple[Plugin, ...], tuple[Plugin, ...]]] = {}

    async def mutate(self, attributes: Attributes) -> None:
        """Lets every mutating plugin change the object. Raises ApiError."""
        for plugin in self._of(attributes)[0]:
            await plugin.mutate(attributes)

    async def validate(self, attributes: Attributes) -> None:
        """Asks every validating plugin. Raises ApiError."""
        for plugin in self._of(attributes)[1]:
            await plugin.validate(attributes)

    async def review(self, attributes: Attributes) -> None:
        """Both phases, for a write that no strategy stands between."""
        await self.mutate(attributes)
        await self.validate(attributes)

    def _of(self, attributes: Attributes) -> tuple[tuple[Plugin, ...], tuple[Plugin, ...]]:
        """The mutating and the validating plugins that look at such a write; worked out once per kind and action."""
        resource = attributes.operation.resource
        key = (resource.group, resource.plural, attributes.action)
        concerned = self._concerned.get(key)
        if concerned is None:
            kind = key[:2]
            asked = [
                plugin
                for plugin in self.plugins
                if attributes.action in plugin.actions and (plugin.kinds is None or kind in plugin.kinds)
            ]
            concerned = tuple(p for p in asked if p.mutates), tuple(p for p in asked if p.validates)
            self._concerned[key] = concerned
        return concerned
