"""The controller manager's process: health server, leader election, informers, controllers."""

from __future__ import annotations

import asyncio

import structlog

from controllers.context import ControllerContext
from controllers.registry import build, load
from controllers.settings import Settings
from minikube_py.client.http import HttpClient
from minikube_py.client.protocol import Client
from minikube_py.runtime.clock import Clock, RealClock
from minikube_py.runtime.events import EventRecorder
from minikube_py.runtime.informer import Informers
from minikube_py.runtime.leader_election import LeaderElector, stable_identity
from minikube_py.runtime.serve import HealthServer
from minikube_py.runtime.tasks import Tasks

__all__ = ["Settings", "run", "run_controllers"]

COMPONENT = "kube-controller-manager"

log = structlog.get_logger("controller-manager")


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Runs until ``stop`` is set.

    Raises OSError where the port is taken or a file can't be read, UnknownController, TimeoutError where informers
    do not sync, LeadershipLost.
    """
    load(settings.controllers)
    health = HealthServer(
        settings.port,
        address=settings.bind_address,
        tls_certificate=settings.tls_cert_file,
        tls_key=settings.tls_private_key_file,
    )
    await health.start()
    client = HttpClient.from_kubeconfig(settings.kubeconfig, user_agent=COMPONENT)
    clock = RealClock()
    tasks = Tasks()
    try:
        recorder = EventRecorder(client, COMPONENT, clock)
        recorder.start(tasks)
        tasks.start("controllers", _lead(settings, client, clock, recorder), critical=True)
        await tasks.run_until(stop)
    finally:
        await tasks.cancel_all()
        await client.close()
        await health.stop()


async def _lead(settings: Settings, client: Client, clock: Clock, recorder: EventRecorder) -> None:
    if not settings.leader_elect:
        await run_controllers(settings, client, clock)
        return
    elector = LeaderElector(
        client,
        clock,
        COMPONENT,
        settings.leader_elect_identity or stable_identity(settings.bind_address, settings.port, settings.kubeconfig),
        lease_duration=settings.leader_elect_lease_duration,
        renew_deadline=settings.leader_elect_renew_deadline,
        retry_period=settings.leader_elect_retry_period,
        recorder=recorder,
    )
    await elector.run(lambda: run_controllers(settings, client, clock))


async def run_controllers(settings: Settings, client: Client, clock: Clock) -> None:
    """Runs the selected controllers until cancelled. Raises the failure of any of them."""
    tasks = Tasks()
    context = ControllerContext(client, Informers(client, clock), clock, settings)
    build(context)
    try:
        context.start(tasks)
        await context.informers.wait_synced(settings.kube_api_timeout)
        log.info("Controllers started", controllers=len(context.controllers))
        await tasks.wait_failed()
    finally:
        await tasks.cancel_all()
