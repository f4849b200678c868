"""The order in which admission plugins are asked: all that mutate, then all that validate."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from apiserver.admission.plugin import Action, Attributes, Plugin
from apiserver.metrics import Metrics
from apiserver.series import Tally
from minikube_py.api.errors import ApiError

Phase = Literal["admit", "validate"]


@dataclass(frozen=True, slots=True)
class _Step:
    """The plugins of a phase that look at a kind, each with the histogram of what it lets through; and that of all."""

    plugins: tuple[tuple[Plugin, Tally], ...]
    admitted: Tally


class AdmissionChain:
    """An ordered list of plugins; the first that refuses decides. Only those that look at a kind are asked about it."""

    def __init__(self, plugins: Sequence[Plugin], metrics: Metrics | None = None) -> None:
        self.plugins = tuple(plugins)
        self._metrics = metrics or Metrics()
        self._concerned: dict[tuple[str, str, Action], tuple[_Step, _Step]] = {}

    async def mutate(self, attributes: Attributes) -> None:
        """Lets every mutating plugin change the object. Raises ApiError."""
        step = self._of(attributes)[0]
        started = before = time.monotonic()
        for plugin, admitted in step.plugins:
            try:
                await plugin.mutate(attributes)
            except ApiError:
                self._refused("admit", attributes.action, plugin, started, before)
                raise
            now = time.monotonic()
            admitted.observe(now - before)
            before = now
        step.admitted.observe(before - started)

    async def validate(self, attributes: Attributes) -> None:
        """Asks every validating plugin. Raises ApiError."""
        step = self._of(attributes)[1]
        started = before = time.monotonic()
        for plugin, admitted in step.plugins:
            try:
                await plugin.validate(attributes)
            except ApiError:
                self._refused("validate", attributes.action, plugin, started, before)
                raise
            now = time.monotonic()
            admitted.observe(now - before)
            before = now
        step.admitted.observe(before - started)

    async def review(self, attributes: Attributes) -> None:
        """Both phases, for a write that no strategy stands between."""
        await self.mutate(attributes)
        await self.validate(attributes)

    def _refused(self, phase: Phase, action: Action, plugin: Plugin, started: float, before: float) -> None:
        now = time.monotonic()
        self._metrics.admission_controllers.of(plugin.name, phase, action, "true").observe(now - before)
        self._metrics.admission_steps.of(phase, action, "true").observe(now - started)

    def _step(self, phase: Phase, action: Action, plugins: list[Plugin]) -> _Step:
        tally = self._metrics.admission_controllers.of
        told = tuple((plugin, tally(plugin.name, phase, action, "false")) for plugin in plugins)
        return _Step(told, self._metrics.admission_steps.of(phase, action, "false"))

    def _of(self, attributes: Attributes) -> tuple[_Step, _Step]:
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
            concerned = (
                self._step("admit", attributes.action, [p for p in asked if p.mutates]),
                self._step("validate", attributes.action, [p for p in asked if p.validates]),
            )
            self._concerned[key] = concerned
        return concerned
