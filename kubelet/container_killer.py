"""Ends containers: the preStop hook, the stop signal and, when the grace period is over, KILL."""

from __future__ import annotations

import json

import structlog

from kubelet.hooks import HookFailed
from kubelet.observation import KillContainer
from kubelet.operations import pod_ip
from kubelet.pod_worker import PodWorker
from kubelet.runtime import ContainerStatus, NotFound
from kubelet.services import PodServices
from minikube_py.api.meta import Object, key_of

log = structlog.get_logger("kubelet")

SHORTEST_STOP_SECONDS = 2
"""What a container has left to end by itself after a preStop hook that used up the grace period."""


class ContainerKiller:
    """Stops containers with all that a pod's author may expect of it."""

    def __init__(self, services: PodServices) -> None:
        self._services = services

    async def kill(self, worker: PodWorker, action: KillContainer) -> None:
        """Returns when the container has exited. Raises RuntimeFailure."""
        services = self._services
        status = services.cache.container(action.container_id)
        container = worker.container(action.name) or {"name": action.name}
        if action.container_id not in worker.kills_told:
            worker.kills_told.add(action.container_id)
            message = action.message or f"Stopping container {action.name}"
            services.events.container(worker.pod, container, "Normal", "Killing", message)
            if status is not None and status.pre_stop:
                await self._pre_stop(worker, container, status, self._left(action))
        left = self._left(action)
        if status is not None and status.pre_stop:
            left = max(left, SHORTEST_STOP_SECONDS)
        await services.runtime.stop_container(action.container_id, max(0.0, left))
        try:
            services.cache.record_container(await services.runtime.container_status(action.container_id))
        except NotFound:
            services.cache.forget(action.container_id)

    def _left(self, action: KillContainer) -> float:
        return (action.deadline - self._services.clock.now()).total_seconds()

    async def _pre_stop(self, worker: PodWorker, container: Object, status: ContainerStatus, seconds: float) -> None:
        if seconds <= 0:
            return
        services = self._services
        try:
            handler = json.loads(status.pre_stop)
            await services.hooks.run(handler, container, status.id, pod_ip(services, worker), seconds)
        except HookFailed as error:
            log.info("preStop hook failed", pod=key_of(worker.pod), container=status.name, error=str(error))
            services.events.container(worker.pod, container, "Warning", "FailedPreStopHook", "PreStopHook failed")
