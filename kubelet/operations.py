"""What the operations of a pod share: waiting for one another, calling the runtime, and what is known of the pod."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from kubelet.environment import References, references
from kubelet.field_path import PodAddresses
from kubelet.objects import references as object_references
from kubelet.pod import app_containers, ephemeral_containers, init_containers
from kubelet.pod_worker import Abandoned, PodWorker
from kubelet.services import PodServices
from kubelet.volumes.manager import volume_references
from minikube_py.api.meta import namespace_of

T = TypeVar("T")


def pod_addresses(services: PodServices, worker: PodWorker) -> PodAddresses:
    """The addresses of the pod and of its host, as far as they are known."""
    host_ips = services.node.host_ips
    if worker.pod["spec"].get("hostNetwork"):
        return PodAddresses(host_ips, host_ips)
    runtime = services.cache.pod(worker.uid)
    ips = runtime.sandboxes[0].ips if runtime is not None and runtime.sandboxes else ()
    return PodAddresses(ips, host_ips)


def pod_ip(services: PodServices, worker: PodWorker) -> str:
    """The primary address of the pod, or the empty string."""
    addresses = pod_addresses(services, worker).pod_ips
    return addresses[0] if addresses else ""


async def refresh(services: PodServices, worker: PodWorker) -> None:
    """Lists what the runtime has of the pod. Raises RuntimeUnavailable."""
    for pod in await services.runtime.list_pods(worker.uid):
        services.cache.replace_pod(pod)
        return
    known = services.cache.pod(worker.uid)
    if known is not None:
        services.cache.replace_pod(replace(known, sandboxes=(), containers=()))


def use_references(services: PodServices, worker: PodWorker) -> References:
    """Begins to watch everything that the pod names; returns what its environment needs."""
    pod = worker.pod
    needed = references((*init_containers(pod), *app_containers(pod), *ephemeral_containers(pod)))
    config_maps, secrets = volume_references(pod)
    pull_secrets = {r["name"] for r in pod["spec"].get("imagePullSecrets") or [] if r.get("name")}
    services.objects.use(
        worker.uid,
        object_references(namespace_of(pod), needed.config_maps | config_maps, needed.secrets | secrets | pull_secrets),
    )
    return needed


async def arrival(future: asyncio.Future[T]) -> T:
    """What another operation of the pod is making. Raises Abandoned where it is given up."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if future.cancelled():
            raise Abandoned from None
        raise


async def uninterrupted(coroutine: Coroutine[Any, Any, T]) -> T:
    """Lets a call to the runtime end before a cancellation goes on, so that its outcome is known to the runtime."""
    task = asyncio.ensure_future(coroutine)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.cancelled():
            await asyncio.wait([task])
        raise
