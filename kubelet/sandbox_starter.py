"""Starts a pod's sandbox, and hands it to those who launch containers in it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kubelet import metrics, pod_files
from kubelet.container_config import sandbox_config
from kubelet.environment import ConfigurationError
from kubelet.network.hostname import hostname_and_domain
from kubelet.observation import StartSandbox
from kubelet.operations import refresh, uninterrupted
from kubelet.pod_worker import Abandoned, PodWorker, SandboxHandle
from kubelet.runtime import RuntimeFailure, RuntimeUnavailable
from kubelet.services import PodServices
from minikube_py.api.meta import Object


class SandboxStarter:
    """Creates a sandbox, so that containers can be created in it, and then starts it."""

    def __init__(self, services: PodServices) -> None:
        self._services = services

    async def start(self, worker: PodWorker, action: StartSandbox) -> None:
        """Returns when the sandbox is ready. Raises RuntimeFailure, ConfigurationError."""
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
        sandbox_id = ""
        try:
            await self._stop_old(worker)
            sandbox_id = await uninterrupted(services.runtime.create_sandbox(handle.config))
            handle.id.set_result(sandbox_id)
            sandbox = await uninterrupted(services.runtime.start_sandbox(sandbox_id))
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
                    await refresh(services, worker)
            raise
        directory = services.volumes.pod_directory(worker.uid)
        await asyncio.to_thread(self._write_hosts, directory, worker.pod, sandbox.ips)
        services.cache.record_sandbox(sandbox)
        metrics.STARTED_PODS.inc()
        handle.ready.set_result(sandbox)

    async def _stop_old(self, worker: PodWorker) -> None:
        runtime_pod = self._services.cache.pod(worker.uid)
        for old in runtime_pod.sandboxes if runtime_pod is not None else ():
            if old.id not in worker.stopped_sandboxes:
                await self._services.runtime.stop_sandbox(old.id)
                worker.stopped_sandboxes |= {old.id}

    def _write_hosts(self, directory: Path, pod: Object, ips: tuple[str, ...]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        pod_files.write_hosts(directory, pod, self._services.node, ips)

    def handle(self, worker: PodWorker) -> SandboxHandle:
        """The sandbox to launch in: the one on its way, or the ready one that the runtime has. Raises Abandoned."""
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
