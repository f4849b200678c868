"""Performs the actions of a plan: the one place of the kubelet's pod path that has effects on the runtime."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import structlog

from kubelet import metrics, pod_files
from kubelet.backoff import BackoffPolicy
from kubelet.container_config import container_config, sandbox_config
from kubelet.environment import ConfigurationError, References, Sources, environment, references, service_variables
from kubelet.field_path import PodAddresses
from kubelet.hooks import HookFailed
from kubelet.images import ImageFailure, pull_credentials
from kubelet.mounts import container_mounts
from kubelet.network.hostname import hostname_and_domain
from kubelet.objects import NotYetRead, Reference
from kubelet.objects import references as object_references
from kubelet.observation import (
    AbandonLaunches,
    Action,
    Cause,
    Failure,
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
from kubelet.pod import app_containers, init_containers, spec_grace_period
from kubelet.pod_worker import Abandoned, Delayed, PodWorker, SandboxHandle
from kubelet.runtime import (
    ContainerStatus,
    CreateContainerFailed,
    ImageStatus,
    LogOptions,
    NotFound,
    RuntimeFailure,
    RuntimeUnavailable,
    StartContainerFailed,
)
from kubelet.services import PodServices
from kubelet.volumes.manager import volume_references
from minikube_py.api import errors
from minikube_py.api.meta import Object, key_of, name_of, namespace_of
from minikube_py.api.resources import CONFIG_MAPS, PODS, SECRETS

log = structlog.get_logger("kubelet")

T = TypeVar("T")

VOLUME_RETRY = BackoffPolicy(initial=0.5, maximum=122)
CONFIGURATION_RETRY_SECONDS = 10
SHORTEST_STOP_SECONDS = 2
"""What a container has left to end by itself after a preStop hook that used up the grace period."""
LONGEST_POST_START_SECONDS = 3600.0
LAST_LOG_LINES = 80
LAST_LOG_BYTES = 2048


class PodInterpreter:
    """Performs one pod's actions with the kubelet's services."""

    def __init__(self, services: PodServices) -> None:
        self._services = services

    async def perform(self, worker: PodWorker, action: Action) -> None:
        """Returns when the action's effect is there. Raises Delayed, Abandoned, RuntimeFailure."""
        services = self._services
        match action:
            case SetUpVolumes():
                await self._set_up_volumes(worker)
            case StartSandbox():
                await self._start_sandbox(worker, action)
            case LaunchContainer():
                await self._launch(worker, action)
            case KillContainer():
                await self._kill(worker, action)
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
                await self._refresh(worker)
            case AbandonLaunches():
                await worker.cancel_launches()
                await self._refresh(worker)
            case TearDownVolumes():
                await self._tear_down(worker)
            case FinishDeletion():
                await self._finish_deletion(worker)
            case Forget():
                await services.objects.release(worker.uid)
                services.forget(worker.uid)

    async def _refresh(self, worker: PodWorker) -> None:
        for pod in await self._services.runtime.list_pods(worker.uid):
            self._services.cache.replace_pod(pod)
            return
        pod_now = self._services.cache.pod(worker.uid)
        if pod_now is not None:
            self._services.cache.replace_pod(replace(pod_now, sandboxes=(), containers=()))

    # -- volumes --------------------------------------------------------------------------------------------------

    def _use_references(self, worker: PodWorker) -> References:
        """Begins to watch everything that the pod names; returns what its environment needs."""
        pod = worker.pod
        needed = references((*init_containers(pod), *app_containers(pod)))
        config_maps, secrets = volume_references(pod)
        pull_secrets = {r["name"] for r in pod["spec"].get("imagePullSecrets") or [] if r.get("name")}
        self._services.objects.use(
            worker.uid,
            object_references(
                namespace_of(pod), needed.config_maps | config_maps, needed.secrets | secrets | pull_secrets
            ),
        )
        return needed

    async def _set_up_volumes(self, worker: PodWorker) -> None:
        services = self._services
        if worker.volume_paths is None or worker.volume_paths.cancelled():
            worker.volume_paths = asyncio.get_running_loop().create_future()
        self._use_references(worker)
        directory = services.volumes.pod_directory(worker.uid)
        warnings = await asyncio.to_thread(pod_files.prepare, directory, worker.pod, services.node)
        for reason, message in warnings:
            services.events.pod(worker.pod, "Warning", reason, message)
        volumes = await services.volumes.set_up(worker.pod, self._addresses(worker))
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
        volumes = await services.volumes.set_up(worker.pod, self._addresses(worker))
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

    def _addresses(self, worker: PodWorker) -> PodAddresses:
        host_ips = self._services.node.host_ips
        if worker.pod["spec"].get("hostNetwork"):
            return PodAddresses(host_ips, host_ips)
        runtime = self._services.cache.pod(worker.uid)
        ips = runtime.sandboxes[0].ips if runtime is not None and runtime.sandboxes else ()
        return PodAddresses(ips, host_ips)

    # -- sandbox --------------------------------------------------------------------------------------------------

    async def _start_sandbox(self, worker: PodWorker, action: StartSandbox) -> None:
        services = self._services
        if action.changed:
            message = "Pod sandbox changed, it will be killed and re-created."
            services.events.pod(worker.pod, "Normal", "SandboxChanged", message)
        try:
            hostname, _ = hostname_and_domain(worker.pod, services.node.cluster_domain)
            handle = SandboxHandle(sandbox_config(worker.pod, action.attempt, hostname))
        except ConfigurationError as error:
            services.events.pod(
                worker.pod, "Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}"
            )
            raise
        worker.sandbox = handle
        runtime_pod = services.cache.pod(worker.uid)
        for old in runtime_pod.sandboxes if runtime_pod is not None else ():
            if old.id not in worker.stopped_sandboxes:
                await services.runtime.stop_sandbox(old.id)
                worker.stopped_sandboxes |= {old.id}
        sandbox_id = ""
        try:
            sandbox_id = await _uninterrupted(services.runtime.create_sandbox(handle.config))
            handle.id.set_result(sandbox_id)
            sandbox = await _uninterrupted(services.runtime.start_sandbox(sandbox_id))
        except RuntimeFailure as error:
            handle.failed()
            worker.sandbox = None
            if not isinstance(error, RuntimeUnavailable):
                text = f"Failed to create pod sandbox: {error}"
                services.events.pod(worker.pod, "Warning", "FailedCreatePodSandBox", text)
                metrics.STARTED_PODS_ERRORS.inc()
                if sandbox_id:
                    await worker.cancel_launches()
                    await services.runtime.remove_sandbox(sandbox_id)
                    await self._refresh(worker)
            raise
        directory = services.volumes.pod_directory(worker.uid)
        await asyncio.to_thread(self._write_hosts, directory, worker.pod, sandbox.ips)
        services.cache.record_sandbox(sandbox)
        metrics.STARTED_PODS.inc()
        handle.ready.set_result(sandbox)

    def _write_hosts(self, directory: Path, pod: Object, ips: tuple[str, ...]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        pod_files.write_hosts(directory, pod, self._services.node, ips)

    def _handle(self, worker: PodWorker) -> SandboxHandle:
        """The sandbox to launch in: the one on its way, or the ready one that the runtime has."""
        if worker.sandbox is not None and not worker.sandbox.id.cancelled():
            handle = worker.sandbox
            runtime_pod = self._services.cache.pod(worker.uid)
            newest = runtime_pod.sandboxes[0] if runtime_pod is not None and runtime_pod.sandboxes else None
            if not handle.ready.done() or (newest is not None and handle.id.result() == newest.id):
                return handle
        runtime_pod = self._services.cache.pod(worker.uid)
        if runtime_pod is None or not runtime_pod.sandboxes or not runtime_pod.sandboxes[0].ready:
            raise Abandoned
        sandbox = runtime_pod.sandboxes[0]
        hostname, _ = hostname_and_domain(worker.pod, self._services.node.cluster_domain)
        handle = SandboxHandle(sandbox_config(worker.pod, sandbox.attempt, hostname))
        handle.id.set_result(sandbox.id)
        handle.ready.set_result(sandbox)
        worker.sandbox = handle
        return handle

    # -- launch ---------------------------------------------------------------------------------------------------

    async def _launch(self, worker: PodWorker, action: LaunchContainer) -> None:
        services, pod, name = self._services, worker.pod, action.name
        container = worker.container(name)
        if container is None:
            raise Abandoned
        handle = self._handle(worker)
        try:
            image = await self._image(worker, container)
            container_id = await self._create(worker, container, action, handle, image)
            await _arrival(handle.ready)
            if action.after:
                await worker.finished_launch(action.after)
            await _uninterrupted(services.runtime.start_container(container_id))
        except ImageFailure as error:
            worker.failures[name] = Failure(error.reason, str(error))
            raise Delayed(str(error), error.retry_at) from error
        except (ConfigurationError, NotYetRead) as error:
            self._failed(worker, container, "CreateContainerConfigError", str(error))
            raise Delayed(str(error), services.clock.now() + timedelta(seconds=CONFIGURATION_RETRY_SECONDS)) from error
        except CreateContainerFailed as error:
            self._failed(worker, container, error.reason, str(error))
            raise Delayed(str(error), worker.retry_at(action.key)) from error
        except StartContainerFailed as error:
            self._failed(worker, container, error.reason, str(error))
            services.cache.record_container(await services.runtime.container_status(container_id))
            raise Delayed(str(error), worker.retry_at(action.key)) from error
        services.cache.record_container(await services.runtime.container_status(container_id))
        metrics.STARTED_CONTAINERS.inc()
        services.events.container(pod, container, "Normal", "Started", f"Started container {name}")
        await self._post_start(worker, container, container_id)
        worker.failures.pop(name, None)

    def _failed(self, worker: PodWorker, container: Object, reason: str, message: str) -> None:
        worker.failures[container["name"]] = Failure(reason, message)
        self._services.events.container(worker.pod, container, "Warning", "Failed", f"Error: {message}")

    async def _image(self, worker: PodWorker, container: Object) -> ImageStatus:
        services = self._services
        self._use_references(worker)
        credentials, missing = await pull_credentials(worker.pod, self)
        if missing:
            text = (
                f"Unable to retrieve some image pull secrets ({', '.join(missing)}); "
                "attempting to pull the image may not succeed."
            )
            services.events.pod(worker.pod, "Warning", "FailedToRetrieveImagePullSecret", text)
        return await services.images.ensure(worker.pod, container, services.events, credentials)

    async def secret(self, namespace: str, name: str) -> Object | None:
        """A Secret that a pod uses, or None."""
        return await self._services.objects.get(Reference(SECRETS, namespace, name))

    async def _create(
        self,
        worker: PodWorker,
        container: Object,
        action: LaunchContainer,
        handle: SandboxHandle,
        image: ImageStatus,
    ) -> str:
        services, pod = self._services, worker.pod
        if worker.volume_paths is None:
            raise Abandoned
        paths = await _arrival(worker.volume_paths)
        if _reads_pod_ip(container):
            await _arrival(handle.ready)
        variables = await self._environment(worker, container)
        directory = services.volumes.pod_directory(worker.uid)
        log_file, mounts = await asyncio.to_thread(
            lambda: (
                pod_files.termination_log(directory, container["name"], action.attempt),
                container_mounts(pod, container, paths, directory, variables),
            )
        )
        config = container_config(
            pod,
            container,
            attempt=action.attempt,
            image=image,
            environment=variables,
            mounts=mounts,
            termination_log=str(log_file),
            node=services.node.facts,
        )
        sandbox_id = await _arrival(handle.id)
        container_id = await _uninterrupted(services.runtime.create_container(sandbox_id, handle.config, config))
        services.events.container(pod, container, "Normal", "Created", f"Created container: {container['name']}")
        return container_id

    async def _environment(self, worker: PodWorker, container: Object) -> Mapping[str, str]:
        services, pod = self._services, worker.pod
        namespace = namespace_of(pod)
        needed = references([container])
        config_maps = {n: await services.objects.get(Reference(CONFIG_MAPS, namespace, n)) for n in needed.config_maps}
        secrets = {n: await services.objects.get(Reference(SECRETS, namespace, n)) for n in needed.secrets}
        links = pod["spec"].get("enableServiceLinks") is not False
        result = environment(
            pod,
            container,
            Sources(
                config_maps={name: obj for name, obj in config_maps.items() if obj is not None},
                secrets={name: obj for name, obj in secrets.items() if obj is not None},
                service_variables=service_variables(services.list_services(), namespace, enable_service_links=links),
                addresses=self._addresses(worker),
                allocatable=services.node.allocatable,
            ),
        )
        for source, names in result.skipped:
            text = (
                f"Keys [{', '.join(names)}] from the EnvFrom {source.rpartition(' of type ')[2].lower()} "
                f"{source.partition(' of type ')[0]} were skipped since they are considered invalid "
                "environment variable names."
            )
            services.events.pod(pod, "Warning", "InvalidEnvironmentVariableNames", text)
        return result.variables

    async def _post_start(self, worker: PodWorker, container: Object, container_id: str) -> None:
        handler = (container.get("lifecycle") or {}).get("postStart")
        if not handler:
            return
        services, name = self._services, container["name"]
        try:
            await services.hooks.run(handler, container, container_id, self._pod_ip(worker), LONGEST_POST_START_SECONDS)
        except HookFailed as error:
            log.warning("postStart hook failed", pod=key_of(worker.pod), container=name, error=str(error))
            services.events.container(worker.pod, container, "Warning", "FailedPostStartHook", "PostStartHook failed")
            worker.failures[name] = Failure("PostStartHookError", str(error))
            grace = timedelta(seconds=spec_grace_period(worker.pod))
            await self._kill(
                worker,
                KillContainer(container_id, name, services.clock.now() + grace, "FailedPostStartHook"),
            )

    def _pod_ip(self, worker: PodWorker) -> str:
        addresses = self._addresses(worker).pod_ips
        return addresses[0] if addresses else ""

    # -- the end --------------------------------------------------------------------------------------------------

    async def _kill(self, worker: PodWorker, action: KillContainer) -> None:
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
            await services.hooks.run(handler, container, status.id, self._pod_ip(worker), seconds)
        except HookFailed as error:
            log.info("preStop hook failed", pod=key_of(worker.pod), container=status.name, error=str(error))
            services.events.container(worker.pod, container, "Warning", "FailedPreStopHook", "PreStopHook failed")

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


def _reads_pod_ip(container: Object) -> bool:
    return any(
        ((variable.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath", "").startswith("status.podIP")
        for variable in container.get("env") or []
    )


async def _arrival(future: asyncio.Future[T]) -> T:
    """What another operation of the pod is making. Raises Abandoned where it is given up."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if future.cancelled():
            raise Abandoned from None
        raise


async def _uninterrupted(coroutine: Coroutine[Any, Any, T]) -> T:
    """Lets a call to the runtime end before a cancellation goes on, so that its outcome is known to the runtime."""
    task = asyncio.ensure_future(coroutine)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.cancelled():
            await asyncio.wait([task])
        raise
