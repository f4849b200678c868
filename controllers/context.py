"""What every controller is built from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from controllers.settings import Settings
from minikube_py.api.resources import BUILT_IN, ResourceTable, minor_of
from minikube_py.client.protocol import Client
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.events import EventRecorder
from minikube_py.runtime.informer import Informers
from minikube_py.runtime.tasks import Tasks


@dataclass
class ControllerContext:
    """The process's client, informers and clock, and the controllers built so far.

    A controller is built before the informers are started: it asks for informers, adds its handlers, and gives its
    loops to :meth:`add`. They run once every informer that it has asked for is synced.
    """

    client: Client
    informers: Informers
    clock: Clock
    settings: Settings
    random: Random = field(default_factory=Random)
    controllers: list[tuple[Controller, Informers]] = field(default_factory=list)
    recorders: dict[str, EventRecorder] = field(default_factory=dict)

    @property
    def table(self) -> ResourceTable:
        """The kinds that the API server presents; a controller of other kinds has nothing to do."""
        return BUILT_IN.presented(minor_of(self.settings.kubernetes_version))

    def build(self, builder: Callable[[ControllerContext], object]) -> None:
        """Builds a controller whose loops wait for its own informers alone."""
        builder(replace(self, informers=self.informers.part()))

    def add(self, controller: Controller) -> Controller:
        """Takes in a loop that is to run."""
        self.controllers.append((controller, self.informers))
        return controller

    def recorder(self, component: str) -> EventRecorder:
        """The event recorder of that component name, made if need be."""
        if component not in self.recorders:
            self.recorders[component] = EventRecorder(self.client, component, self.clock)
        return self.recorders[component]

    def start(self, tasks: Tasks) -> None:
        """Runs every informer, recorder and loop; a loop fails with TimeoutError where its informers do not sync."""
        self.informers.start(tasks)
        for recorder in self.recorders.values():
            recorder.start(tasks)
        for controller, informers in self.controllers:
            tasks.start(controller.name, self._run(controller, informers), critical=True)

    async def _run(self, controller: Controller, informers: Informers) -> None:
        await informers.wait_synced(self.settings.kube_api_timeout)
        await controller.run()
