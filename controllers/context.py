"""What every controller is built from."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from controllers.settings import Settings
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
    loops to :meth:`add`. They run once every informer is synced.
    """

    client: Client
    informers: Informers
    clock: Clock
    settings: Settings
    random: Random = field(default_factory=Random)
    controllers: list[Controller] = field(default_factory=list)
    recorders: dict[str, EventRecorder] = field(default_factory=dict)

    def add(self, controller: Controller) -> Controller:
        """Takes in a loop that is to run."""
        self.controllers.append(controller)
        return controller

    def recorder(self, component: str) -> EventRecorder:
        """The event recorder of that component name, made if need be."""
        if component not in self.recorders:
            self.recorders[component] = EventRecorder(self.client, component, self.clock)
        return self.recorders[component]

    def start(self, tasks: Tasks) -> None:
        """Runs every recorder and every loop."""
        for recorder in self.recorders.values():
            recorder.start(tasks)
        for controller in self.controllers:
            tasks.start(controller.name, controller.run(), critical=True)
