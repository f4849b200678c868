"""Performs the actions of a plan: the one place of the kubelet's pod path that has effects on the runtime."""

from __future__ import annotations

import asyncio

import structlog

from kubelet import pod_files
from kubelet.backoff import BackoffPolicy
from kubelet.container_killer import ContainerKiller
from kubelet.container_launcher import ContainerLauncher
from kubelet.observation import (
    AbandonLaunches,
    Action,
    Cause,
    FinishDeletion,
    Forget,
    KillContainer,
    LaunchContainer,
    RemoveContainer,
    RemoveSandbox,
    SetUpVolumes,
    StartSandbox,
    StopSandbox,
    TearDownVolumes,
)
from kubelet.operations import pod_addresses, refresh, use_references
from kubelet.pod_worker import Delayed, PodWorker
from kubelet.runtime import (
    ContainerStatus,
    LogOptions,
)
from kubelet.sandbox_starter import SandboxStarter
from kubelet.services import PodServices
from minikube_py.api import errors
from minikube_py.api.meta import key_of, name_of, namespace_of
from minikube_py.api.resources import PODS

log = structlog.get_logger("kubelet")

VOLUME_RETRY = BackoffPolicy(initial=0.5, maximum=122)
LAST_LOG_LINES = 80
LAST_LOG_BYTES = 2048


class PodInterpreter:
    """Performs one pod's actions with the kubelet's services."""

    def __init__(self, services: PodServices) -> None:
        self._services = services
        self._sandboxes = SandboxStarter(services)
        self._killer = ContainerKiller(services)
        self._launcher = ContainerLauncher(services, self._sandboxes, self._killer)

    async def perform(self, worker: PodWorker, action: Action) -> None:
        """Returns when the action's effect is there. Raises Delayed, Abandoned, RuntimeFailure."""
        services = self._services
        match action:
            case SetUpVolumes():
                await self._set_up_volumes(worker)
            case StartSandbox():
                await self._sandboxes.start(worker, action)
            case LaunchContainer():
                await self._launcher.launch(worker, action)
            case KillContainer():
                await self._killer.kill(worker, action)
            case RemoveContainer():
                await services.runtime.remove_container(action.container_id)
                services.probes.forget_container(action.container_id)
                services.cache.forget(action.container_id)
            case StopSandbox():
                await services.runtime.stop_sandbox(action.sandbox_id)
                services.cache.sandbox_died(worker.uid, action.sandbox_id)
                worker.stopped_sandboxes |= {action.sandbox_id}
            case RemoveSandbox():
                await services.runtime.remove_sandbox(action.sandbox_id)
                await refresh(services, worker)
            case AbandonLaunches():
                await worker.cancel_launches()
                await refresh(services, worker)
            case TearDownVolumes():
                await self._tear_down(worker)
            case FinishDeletion():
                await self._finish_deletion(worker)
            case Forget():
                await services.objects.release(worker.uid)
                services.forget(worker.uid)

    async def _set_up_volumes(self, worker: PodWorker) -> None:
        services = self._services
        if worker.volume_paths is None or worker.volume_paths.cancelled():
            worker.volume_paths = asyncio.get_running_loop().create_future()
        use_references(services, worker)
        directory = services.volumes.pod_directory(worker.uid)
        warnings = await asyncio.to_thread(pod_files.prepare, directory, worker.pod, services.node)
        for reason, message in warnings:
            services.events.pod(worker.pod, "Warning", reason, message)
        volumes = await services.volumes.set_up(worker.pod, pod_addresses(services, worker))
        if volumes.failures:
            for failure in volumes.failures:
                text = f'MountVolume.SetUp failed for volume "{failure.volume}" : {failure.message}'
                services.events.pod(worker.pod, "Warning", "FailedMount", text)
            waiting, worker.volume_paths = worker.volume_paths, None
            waiting.cancel()
            raise Delayed("volumes", worker.retry_at(SetUpVolumes.key, VOLUME_RETRY))
        worker.volume_paths.set_result(volumes.paths)
        worker.renew_volumes_at(volumes.renew_at)

    async def refresh_volumes(self, worker: PodWorker) -> None:
        """Writes what changed in the volumes of a running pod; a failure is told and leaves the old content."""
        services = self._services
        volumes = await services.volumes.set_up(worker.pod, pod_addresses(services, worker))
        for failure in volumes.failures:
            text = f'MountVolume.SetUp failed for volume "{failure.volume}" : {failure.message}'
            services.events.pod(worker.pod, "Warning", "FailedMount", text)
        worker.renew_volumes_at(volumes.renew_at)
        if volumes.failures:
            worker.volumes_stale = True
            raise Delayed("volumes", worker.retry_at("refresh", VOLUME_RETRY))

    async def _tear_down(self, worker: PodWorker) -> None:
        volumes = self._services.volumes
        if worker.stop is not None and worker.stop.cause in (Cause.FAILED, Cause.FINISHED):
            await volumes.unmount(worker.uid)
        else:
            await volumes.tear_down(worker.uid)
        worker.volume_paths = None
        worker.volumes_gone = True

    async def _finish_deletion(self, worker: PodWorker) -> None:
        pod = worker.pod
        try:
            await self._services.client.delete(
                PODS, name_of(pod), namespace_of(pod), grace_period_seconds=0, uid=worker.uid
            )
        except (errors.NotFound, errors.Conflict):
            log.debug("Pod was gone already", pod=key_of(pod))
        worker.in_api = False

    async def read_last_log(self, worker: PodWorker, container: ContainerStatus) -> None:
        """Takes the end of a dead container's log for its termination message."""
        pieces: list[bytes] = []
        size = 0
        options = LogOptions(tail_lines=LAST_LOG_LINES)
        async for _, data in self._services.runtime.logs(container.id, options):
            pieces.append(data)
            size += len(data)
            while len(pieces) > 1 and size - len(pieces[0]) >= LAST_LOG_BYTES:
                size -= len(pieces.pop(0))
        worker.termination_messages[container.id] = b"".join(pieces)[-LAST_LOG_BYTES:].decode(errors="replace")
