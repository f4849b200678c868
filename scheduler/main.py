"""The scheduler as a process: its settings, and its life from start to stop."""

from __future__ import annotations

import asyncio
from random import SystemRandom

import structlog
from pydantic import BaseModel, ConfigDict, Field

from minikube_py.client.http import HttpClient
from minikube_py.runtime.clock import RealClock
from minikube_py.runtime.events import EventRecorder
from minikube_py.runtime.informer import Informers
from minikube_py.runtime.leader_election import LeaderElector, stable_identity
from minikube_py.runtime.serve import HealthServer
from minikube_py.runtime.tasks import Tasks
from scheduler.plugins.registry import default_plugins
from scheduler.pod_info import DEFAULT_SCHEDULER
from scheduler.queue import INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS
from scheduler.scheduler import Scheduler

log = structlog.get_logger("scheduler")

USER_AGENT = "kube-scheduler"
LEASE_NAME = "kube-scheduler"
SYNC_WARNING_SECONDS = 30.0


class Settings(BaseModel):
    """Everything that can be set, with upstream's defaults."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    kubeconfig: str
    """The file with the API server's address and the scheduler's credentials."""
    bind_address: str = "127.0.0.1"
    """Where health and metrics are served."""
    port: int = Field(10259, ge=0, le=65535)
    """Their port; 0 takes a free one."""
    tls_cert_file: str = ""
    """The certificate of that port; empty serves plain HTTP."""
    tls_private_key_file: str = ""
    """Its key."""
    scheduler_name: str = DEFAULT_SCHEDULER
    """Pods with this schedulerName are scheduled here."""
    pod_initial_backoff_seconds: float = Field(INITIAL_BACKOFF_SECONDS, gt=0)
    """How long a pod waits after its first failure; doubled with each further one."""
    pod_max_backoff_seconds: float = Field(MAX_BACKOFF_SECONDS, gt=0)
    """The longest such wait."""
    leader_elect: bool = True
    """Whether to take the lease before scheduling; off only where a single scheduler is certain."""
    leader_elect_lease_duration_seconds: float = 15.0
    """How long other replicas wait for a leader that is not heard of."""
    leader_elect_renew_deadline_seconds: float = 10.0
    """How long a leader tries to renew before it gives up."""
    leader_elect_retry_period_seconds: float = 2.0
    """How long to wait between tries."""
    log_level: str = "info"
    """debug, info, warning or error."""


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Schedules until ``stop`` is set, then gives the lease back.

    Raises OSError where the port is taken, ValueError for a bad kubeconfig, LeadershipLost where the lease was lost.
    """
    clock = RealClock()
    client = HttpClient.from_kubeconfig(settings.kubeconfig, user_agent=USER_AGENT)
    informers = Informers(client, clock)
    recorder = EventRecorder(client, settings.scheduler_name, clock)
    scheduler = Scheduler(
        client,
        clock,
        informers,
        recorder,
        default_plugins(),
        name=settings.scheduler_name,
        random=SystemRandom(),
        initial_backoff=settings.pod_initial_backoff_seconds,
        max_backoff=settings.pod_max_backoff_seconds,
    )
    synced = asyncio.Event()
    server = HealthServer(
        settings.port,
        {"ping": _ping},
        address=settings.bind_address,
        ready_checks={"informer-sync": lambda: _check_synced(synced)},
        tls_certificate=settings.tls_cert_file,
        tls_key=settings.tls_private_key_file,
    )
    elector = LeaderElector(
        client,
        clock,
        LEASE_NAME if settings.scheduler_name == DEFAULT_SCHEDULER else settings.scheduler_name,
        stable_identity(settings.bind_address, settings.port, settings.kubeconfig),
        lease_duration=settings.leader_elect_lease_duration_seconds,
        renew_deadline=settings.leader_elect_renew_deadline_seconds,
        retry_period=settings.leader_elect_retry_period_seconds,
        recorder=recorder,
    )

    async def lead() -> None:
        # A pod must not be placed before all that is bound already is known.
        await synced.wait()
        log.info("Scheduling", name=settings.scheduler_name)
        await scheduler.run()

    tasks = Tasks()
    try:
        await server.start()
        informers.start(tasks)
        recorder.start(tasks)
        tasks.start("informer-sync", _wait_synced(informers, synced), critical=True)
        leading = elector.run(lead) if settings.leader_elect else lead()
        tasks.start("lead", leading, critical=True)
        await tasks.run_until(stop)
    finally:
        await tasks.cancel_all()
        await server.stop()
        await client.close()


async def _wait_synced(informers: Informers, synced: asyncio.Event) -> None:
    while not synced.is_set():
        try:
            await informers.wait_synced(SYNC_WARNING_SECONDS)
            synced.set()
        except TimeoutError as error:
            log.warning("Waiting for the API server", error=str(error))


async def _ping() -> None:
    """The process answers."""


async def _check_synced(synced: asyncio.Event) -> None:
    if not synced.is_set():
        raise RuntimeError("informers are not synced")
