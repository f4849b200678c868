"""Launches containers: image, configuration, creation, start and postStart hook."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import structlog

from kubelet import metrics, pod_files
from kubelet.container_config import container_config
from kubelet.container_killer import ContainerKiller
from kubelet.environment import ConfigurationError, Sources, environment, references, service_variables
from kubelet.hooks import HookFailed
from kubelet.images import ImageFailure, pull_credentials
from kubelet.mounts import container_mounts
from kubelet.objects import NotYetRead, Reference
from kubelet.observation import Failure, KillContainer, LaunchContainer
from kubelet.operations import arrival, pod_addresses, pod_ip, uninterrupted, use_references
from kubelet.pod import spec_grace_period
from kubelet.pod_worker import Abandoned, Delayed, PodWorker, SandboxHandle
from kubelet.runtime import ContainerState, CreateContainerFailed, ImageStatus, StartContainerFailed
from kubelet.sandbox_starter import SandboxStarter
from kubelet.services import PodServices
from minikube_py.api.meta import Object, key_of, namespace_of
from minikube_py.api.resources import CONFIG_MAPS, SECRETS

log = structlog.get_logger("kubelet")

CONFIGURATION_RETRY_SECONDS = 10
LONGEST_POST_START_SECONDS = 3600.0


class ContainerLauncher:
    """Launches one attempt of a container; what can be done before the sandbox is ready is done before."""

    def __init__(self, services: PodServices, sandboxes: SandboxStarter, killer: ContainerKiller) -> None:
        self._services = services
        self._sandboxes = sandboxes
        self._killer = killer

    async def launch(self, worker: PodWorker, action: LaunchContainer) -> None:
        """Returns when the container runs and its postStart hook has succeeded. Raises Delayed, Abandoned."""
        services, pod, name = self._services, worker.pod, action.name
        container = worker.container(name)
        if container is None:
            raise Abandoned
        handle = self._sandboxes.handle(worker)
        try:
            image = await self._image(worker, container)
            container_id = await self._create(worker, container, action, handle, image)
            await arrival(handle.ready)
            if action.after:
                await worker.finished_launch(action.after)
            await uninterrupted(services.runtime.start_container(container_id))
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
        use_references(services, worker)
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
        paths = await arrival(worker.volume_paths)
        if _reads_pod_ip(container):
            await arrival(handle.ready)
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
            target_container_id=self._target(worker, container),
        )
        sandbox_id = await arrival(handle.id)
        container_id = await uninterrupted(services.runtime.create_container(sandbox_id, handle.config, config))
        services.events.container(pod, container, "Normal", "Created", f"Created container: {container['name']}")
        return container_id

    def _target(self, worker: PodWorker, container: Object) -> str:
        """The id of an ephemeral container's target. Raises ConfigurationError where that does not run."""
        name = container.get("targetContainerName")
        if not name:
            return ""
        runtime = self._services.cache.pod(worker.uid)
        for found in runtime.containers if runtime is not None else ():
            if found.name == name and found.state is ContainerState.RUNNING:
                return found.id
        raise ConfigurationError(f"unable to find target container {name}")

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
                addresses=pod_addresses(services, worker),
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
            await services.hooks.run(
                handler, container, container_id, pod_ip(services, worker), LONGEST_POST_START_SECONDS
            )
        except HookFailed as error:
            log.warning("postStart hook failed", pod=key_of(worker.pod), container=name, error=str(error))
            services.events.container(worker.pod, container, "Warning", "FailedPostStartHook", "PostStartHook failed")
            worker.failures[name] = Failure("PostStartHookError", str(error))
            grace = timedelta(seconds=spec_grace_period(worker.pod))
            await self._killer.kill(
                worker,
                KillContainer(container_id, name, services.clock.now() + grace, "FailedPostStartHook"),
            )


def _reads_pod_ip(container: Object) -> bool:
    return any(
        ((variable.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath", "").startswith("status.podIP")
        for variable in container.get("env") or []
    )
