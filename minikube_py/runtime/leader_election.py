"""Leader election: of all replicas of a component, the one that holds the Lease works.

As ``k8s.io/client-go/tools/leaderelection`` with Lease locks. Clocks of different hosts are never compared: a lease
is over when this process has not seen it change for ``lease_duration`` seconds.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from random import Random
from typing import Protocol
from uuid import NAMESPACE_URL, uuid4, uuid5

import structlog

from minikube_py.api.errors import AlreadyExists, ApiError, NotFound
from minikube_py.api.meta import Object
from minikube_py.api.resources import LEASES
from minikube_py.api.times import format_micro_time
from minikube_py.client.protocol import Client, ConnectionFailed
from minikube_py.runtime import metrics
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.tasks import Tasks

JITTER = 1.2

log = structlog.get_logger("leader-election")


def stable_identity(address: str, port: int, kubeconfig: str) -> str:
    """Who a replica is, the same over restarts: so a process that was killed takes its own lease up again at once.

    ``address`` and ``port`` are those of its health server, which must be bound before it elects: within one network
    namespace they keep two living processes apart. Port 0, which any number may ask for, gives a random identity.
    """
    host = socket.gethostname()
    if port == 0:
        return f"{host}_{uuid4()}"
    network = os.stat("/proc/self/ns/net").st_ino
    place = f"{host}/{network}/{address}:{port}/{os.path.realpath(kubeconfig)}"
    return f"{host}_{uuid5(NAMESPACE_URL, place)}"


class LeadershipLost(Exception):
    """The lease could not be renewed in time: somebody else may lead, so this process must end its work."""


class Recorder(Protocol):
    """The part of :class:`minikube_py.runtime.events.EventRecorder` that is used here."""

    def event(self, obj: Object, event_type: str, reason: str, message: str) -> None:
        """Sends an event without waiting."""
        ...


class LeaderElector:
    """Takes, renews and releases one Lease; durations are seconds, with upstream's defaults."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        lease_name: str,
        identity: str,
        namespace: str = "kube-system",
        lease_duration: float = 15,
        renew_deadline: float = 10,
        retry_period: float = 2,
        *,
        recorder: Recorder | None = None,
        random: Random | None = None,
    ) -> None:
        if not lease_duration > renew_deadline > JITTER * retry_period:
            raise ValueError("lease_duration must exceed renew_deadline, and that 1.2 times retry_period")
        self.identity = identity
        self.leading = False
        """Whether this process holds the lease."""
        self._client = client
        self._clock = clock
        self._name = lease_name
        self._namespace = namespace
        self._lease_duration = lease_duration
        self._renew_deadline = renew_deadline
        self._retry_period = retry_period
        self._recorder = recorder
        self._random = random or Random()
        self._observed: Object | None = None
        self._observed_at = 0.0
        self._gauge = metrics.LEADER_ELECTION_MASTER.labels(lease_name)

    @property
    def leader(self) -> str:
        """Who holds the lease, as last seen; empty where nobody does."""
        return str(_spec(self._observed).get("holderIdentity") or "")

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Waits for the lease, runs ``lead`` while it is held, and returns when ``lead`` does.

        Raises LeadershipLost, after ``lead`` was cancelled, where the lease could not be renewed. Cancelling it, or the
        end of ``lead``, gives the lease back, so that another replica takes over without waiting.
        """
        await self._acquire()
        self.leading = True
        self._gauge.set(1)
        log.info("Became leader", lease=self._name, identity=self.identity)
        self._record("became leader")
        tasks = Tasks()
        leading = tasks.start(f"lead {self._name}", _coroutine(lead))
        renewing = tasks.start(f"renew {self._name}", self._renew())
        try:
            done, _ = await asyncio.wait((leading, renewing), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await tasks.cancel_all()
            self.leading = False
            self._gauge.set(0)
            self._record("stopped leading")
            await self._release()

    async def _acquire(self) -> None:
        while not await self._try_acquire_or_renew():
            await self._clock.sleep(self._retry_period * (1 + self._random.random() * JITTER))

    async def _renew(self) -> None:
        while True:
            renewed_at = self._clock.monotonic()
            await self._clock.sleep(self._retry_period)
            while not await self._try_acquire_or_renew():
                if self._clock.monotonic() - renewed_at >= self._renew_deadline:
                    log.error("Lost leadership", lease=self._name, identity=self.identity, leader=self.leader)
                    raise LeadershipLost(
                        f"lease {self._namespace}/{self._name} not renewed in {self._renew_deadline} s"
                    )
                await self._clock.sleep(self._retry_period)

    async def _try_acquire_or_renew(self) -> bool:
        """One attempt; whether the lease is held now."""
        try:
            # An attempt that hangs must not outlive the deadline by which leadership has to be given up.
            async with asyncio.timeout(self._renew_deadline):
                return await self._attempt()
        except (ApiError, ConnectionFailed, TimeoutError) as error:
            log.debug("Lease not taken", lease=self._name, error=str(error))
            return False

    async def _attempt(self) -> bool:
        if self.leading and self._observed is not None and self.leader == self.identity:
            try:
                self._observe(await self._client.update(LEASES, self._next(self._observed)))
                return True
            except ApiError:
                # What is stored is not what was last seen: look at it.
                pass
        try:
            current = await self._client.get(LEASES, self._name, self._namespace)
        except NotFound:
            try:
                self._observe(await self._client.create(LEASES, self._next(None), namespace=self._namespace))
            except AlreadyExists:
                return False
            return True
        if self._observed is None or _spec(current) != _spec(self._observed):
            self._observe(current)
        if self.leader and self.leader != self.identity and not self._over():
            return False
        self._observe(await self._client.update(LEASES, self._next(current)))
        return True

    async def _release(self) -> None:
        if self._observed is None or self.leader != self.identity:
            return
        now = format_micro_time(self._clock.now())
        spec = _spec(self._observed) | {"leaseDurationSeconds": 1, "renewTime": now}
        # The API refuses an empty holder: who gives the lease back leaves the field out.
        del spec["holderIdentity"]
        try:
            async with asyncio.timeout(self._retry_period):
                self._observe(await self._client.update(LEASES, self._observed | {"spec": spec}))
        except (ApiError, ConnectionFailed, TimeoutError) as error:
            log.info("Lease not released", lease=self._name, error=str(error))

    def _over(self) -> bool:
        duration = float(_spec(self._observed).get("leaseDurationSeconds") or self._lease_duration)
        return self._clock.monotonic() - self._observed_at >= duration

    def _observe(self, lease: Object) -> None:
        self._observed = lease
        self._observed_at = self._clock.monotonic()

    def _next(self, current: Object | None) -> Object:
        """The lease as this process holds it from now on."""
        now = format_micro_time(self._clock.now())
        spec = dict(_spec(current))
        if spec.get("holderIdentity") != self.identity:
            transitions = int(spec.get("leaseTransitions") or 0)
            spec["acquireTime"] = now
            spec["leaseTransitions"] = transitions + 1 if current is not None else 0
        spec |= {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": max(int(self._lease_duration), 1),
            "renewTime": now,
        }
        if current is not None:
            return current | {"spec": spec}
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": spec,
        }

    def _record(self, what: str) -> None:
        if self._recorder is not None and self._observed is not None:
            self._recorder.event(self._observed, "Normal", "LeaderElection", f"{self.identity} {what}")


def _spec(lease: Object | None) -> Object:
    return (lease or {}).get("spec") or {}


async def _coroutine(lead: Callable[[], Awaitable[None]]) -> None:
    await lead()
