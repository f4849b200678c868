"""What every pod worker and the interpreter share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubelet.hooks import HookRunner
from kubelet.images import ImageManager
from kubelet.node_context import NodeContext
from kubelet.objects import ReferencedObjects
from kubelet.pod_events import PodEvents
from kubelet.probes.manager import ProbeManager
from kubelet.runtime import ContainerRuntime
from kubelet.runtime_cache import RuntimeCache
from kubelet.status_manager import StatusManager
from kubelet.tokens import TokenManager
from kubelet.volumes.manager import VolumeManager
from minikube_py.api.meta import Object
from minikube_py.client.protocol import Client
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.tasks import Tasks


@dataclass(frozen=True, slots=True)
class PodServices:
    """The kubelet's parts, wired once by :class:`kubelet.kubelet.Kubelet`."""

    client: Client
    clock: Clock
    tasks: Tasks
    runtime: ContainerRuntime
    cache: RuntimeCache
    node: NodeContext
    events: PodEvents
    probes: ProbeManager
    hooks: HookRunner
    images: ImageManager
    objects: ReferencedObjects
    tokens: TokenManager
    volumes: VolumeManager
    statuses: StatusManager
    list_services: Callable[[], list[Object]]
    """Every Service of the cluster, for environment variables."""
    runtime_lost: Callable[[], None]
    forget: Callable[[str], None]
    """Ends the worker of that pod uid."""
