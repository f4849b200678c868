"""The kubelet: wires its parts and gives each pod of the node a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from kubelet import metrics
from kubelet.admission import admit
from kubelet.hooks import HookRunner
from kubelet.images import ImageManager
from kubelet.interpreter import PodInterpreter
from kubelet.node_context import NodeContext
from kubelet.objects import ReferencedObjects
from kubelet.observation import Cause
from kubelet.pleg import PodLifecycleEvents
from kubelet.pod import spec_grace_period
from kubelet.pod_events import PodEvents, Recorder
from kubelet.pod_worker import PodWorker
from kubelet.probes.http import HttpProber
from kubelet.probes.manager import ProbeManager
from kubelet.runtime import ContainerRuntime, RuntimePod
from kubelet.runtime_cache import RuntimeCache
from kubelet.services import PodServices
from kubelet.status_manager import StatusManager
from kubelet.tokens import TokenManager
from kubelet.volumes.manager import VolumeManager
from kubelet.volumes.plugin import VolumeError
from minikube_py.api.meta import Object, is_deleting, join_key, key_of, uid_of
from minikube_py.api.pods import is_terminal
from minikube_py.api.resources import NODES, PODS, SERVICES
from minikube_py.client.protocol import Client
from minikube_py.runtime.clock import Clock
from minikube_py.runtime.informer import Informer
from minikube_py.runtime.tasks import Tasks

log = structlog.get_logger("kubelet")

HOUSEKEEPING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class KubeletParts:
    """What a kubelet is made from: the outside world."""

    client: Client
    runtime: ContainerRuntime
    clock: Clock
    recorder: Recorder
    node: NodeContext
    root: Path


class Kubelet:
    """Runs the pods bound to one node. Also the :class:`kubelet.server.source.PodSource` of the HTTPS endpoint."""

    def __init__(self, parts: KubeletParts, tasks: Tasks) -> None:
        client, clock, runtime = parts.client, parts.clock, parts.runtime
        self._node = parts.node
        self._clock = clock
        self._tasks = tasks
        self._root = parts.root
        self._workers: dict[str, PodWorker] = {}
        self._events = PodEvents(parts.recorder)
        self._cache = RuntimeCache()
        self._http = HttpProber()
        name = parts.node.name
        self.pods = Informer(client, PODS, field_selector=f"spec.nodeName={name}", clock=clock)
        self.node = Informer(client, NODES, field_selector=f"metadata.name={name}", clock=clock)
        self._services_informer = Informer(client, SERVICES, clock=clock)
        objects = ReferencedObjects(client, clock, self._references_changed)
        tokens = TokenManager(client, clock)
        self._pleg = PodLifecycleEvents(runtime, self._cache, clock, self._runtime_changed, self._runtime_turned)
        self._services = PodServices(
            client=client,
            clock=clock,
            tasks=tasks,
            runtime=runtime,
            cache=self._cache,
            node=parts.node,
            events=self._events,
            probes=ProbeManager(runtime, self._http, self._events, clock, tasks, self._wake),
            hooks=HookRunner(runtime, self._http, clock),
            images=ImageManager(runtime, clock),
            objects=objects,
            tokens=tokens,
            volumes=VolumeManager(parts.root, objects, tokens, clock, lambda: parts.node.allocatable),
            statuses=StatusManager(client, clock, tasks, self._wake),
            list_services=self._services_informer.list,
            runtime_lost=self._pleg.runtime_lost,
            forget=self._forget,
        )
        self._interpreter = PodInterpreter(self._services)
        self._runtime_was_up = False
        self.on_runtime_turned: list[Callable[[], None]] = []
        """Called whenever the runtime begins or ceases to answer."""
        metrics.RUNNING_PODS.set_function(lambda: self._cache.counts()[0])
        metrics.RUNNING_CONTAINERS.labels("running").set_function(lambda: self._cache.counts()[1])
        metrics.NODE_NAME.labels(name).set(1)

    def start(self) -> None:
        """Begins to watch the API and the runtime; containers that run are left to run."""
        self.pods.add_handler(self._on_pod)
        for informer in (self.node, self._services_informer, self.pods):
            informer.start(self._tasks)
        self._pleg.start(self._tasks)
        self._tasks.start("housekeeping", self._keep_house())

    async def close(self) -> None:
        """Ends everything of this kubelet; nothing that runs is touched."""
        for worker in self._workers.values():
            worker.close()
        await self._services.objects.close()
        await self._http.close()

    # -- the endpoint's pod source --------------------------------------------------------------------------------

    def get_pod(self, namespace: str, name: str) -> Object | None:
        """The pod with the newest status, or None where it is not on this node."""
        pod = self.pods.get(join_key(namespace, name))
        return self._with_status(pod) if pod is not None else None

    def list_pods(self) -> list[Object]:
        """Every pod of this node with its newest status."""
        return [self._with_status(pod) for pod in self.pods.list()]

    def workers(self) -> Mapping[str, PodWorker]:
        """The workers by pod uid."""
        return self._workers

    @property
    def runtime_is_up(self) -> bool:
        """Whether the runtime answers."""
        return self._cache.is_known

    @property
    def runtime_is_lost(self) -> bool:
        """Whether the runtime did answer once and now does not."""
        return self._runtime_was_up and not self._cache.is_known

    def _with_status(self, pod: Object) -> Object:
        worker = self._workers.get(uid_of(pod))
        if worker is None:
            return pod
        return {**pod, "status": {**(pod.get("status") or {}), **worker.status}}

    # -- news -----------------------------------------------------------------------------------------------------

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid_of(new) != uid_of(old)):
            worker = self._workers.get(uid_of(old))
            if worker is not None:
                worker.vanish()
        if new is None:
            return
        worker = self._workers.get(uid_of(new))
        if worker is not None:
            self._services.statuses.observe(new)
            stale = worker.pod["metadata"].get("labels") != new["metadata"].get("labels") or worker.pod["metadata"].get(
                "annotations"
            ) != new["metadata"].get("annotations")
            worker.update(new)
            if stale:
                worker.references_changed()
            return
        self._add(new)

    def _add(self, pod: Object) -> None:
        worker = PodWorker(pod, self._services, self._interpreter)
        if not is_terminal(pod) and not is_deleting(pod) and not self._runs(pod):
            self._admit(worker)
        self._workers[worker.uid] = worker
        worker.wake()

    def _runs(self, pod: Object) -> bool:
        """Whether the pod was admitted before, by an earlier kubelet."""
        return bool((pod.get("status") or {}).get("startTime"))

    def _admit(self, worker: PodWorker) -> None:
        others = [w.pod for w in self._workers.values() if w.stop is None and not is_terminal(w.pod)]
        if not self._node.allocatable:
            return
        rejection = admit(worker.pod, others, self._node.allocatable, self.node.get(self._node.name))
        if rejection is not None:
            log.info("Pod rejected", pod=key_of(worker.pod), reason=rejection.reason)
            self._events.pod(worker.pod, "Warning", rejection.reason, rejection.message)
            message = f"Pod was rejected: {rejection.message}"
            worker.end(Cause.FAILED, rejection.reason, message, spec_grace_period(worker.pod))

    def _runtime_changed(self, uid: str) -> None:
        worker = self._workers.get(uid)
        if worker is not None:
            worker.wake()
            return
        runtime_pod = self._cache.pod(uid)
        if self.pods.synced and runtime_pod is not None and (runtime_pod.sandboxes or runtime_pod.containers):
            self._adopt_orphan(runtime_pod)

    def _runtime_turned(self, up: bool) -> None:
        self._runtime_was_up = True
        for turned in self.on_runtime_turned:
            turned()
        if up:
            for worker in self._workers.values():
                worker.wake()

    def _references_changed(self, uid: str) -> None:
        worker = self._workers.get(uid)
        if worker is not None:
            worker.references_changed()

    def _wake(self, uid: str) -> None:
        worker = self._workers.get(uid)
        if worker is not None:
            worker.wake()

    def _forget(self, uid: str) -> None:
        worker = self._workers.pop(uid, None)
        if worker is not None:
            worker.close()
        self._services.probes.forget(uid)
        self._services.tokens.forget(uid)
        self._services.images.forget(uid)
        self._services.statuses.forget(uid)
        # A pod that was taken for unknown may have come to be known meanwhile, as after the API was restored.
        if worker is not None:
            known = self.pods.get(key_of(worker.pod))
            if known is not None and uid_of(known) == uid:
                self._add(known)

    # -- housekeeping ---------------------------------------------------------------------------------------------

    def _adopt_orphan(self, runtime_pod: RuntimePod) -> None:
        """A pod that only the runtime knows: it is stopped with the grace that its containers were made with."""
        log.info("Stopping a pod that the API does not know", pod=join_key(runtime_pod.namespace, runtime_pod.name))
        worker = PodWorker(orphan(runtime_pod), self._services, self._interpreter)
        worker.in_api = False
        self._workers[worker.uid] = worker
        worker.wake()

    async def _keep_house(self) -> None:
        while not (self.pods.synced and self._cache.is_known):
            if not self.pods.synced:
                await self._wait_for_pods()
            else:
                await self._clock.sleep(1)
        while True:
            for uid in self._cache.uids():
                self._runtime_changed(uid)
            await self._remove_stray_directories()
            await self._clock.sleep(HOUSEKEEPING_SECONDS)

    async def _wait_for_pods(self) -> None:
        try:
            await self.pods.wait_synced(HOUSEKEEPING_SECONDS)
        except TimeoutError:
            log.warning("Pods of this node are not known yet: the API server does not answer")

    async def _remove_stray_directories(self) -> None:
        """Removes what is left on disk of pods that nobody knows any more."""
        directory = self._root / "pods"
        for name in await asyncio.to_thread(_entries, directory):
            runtime_pod = self._cache.pod(name)
            if name in self._workers or runtime_pod is None or runtime_pod.containers or runtime_pod.sandboxes:
                continue
            try:
                await self._services.volumes.tear_down(name)
            except (VolumeError, OSError) as error:
                log.warning("Pod directory could not be removed", uid=name, error=str(error))


def orphan(runtime_pod: RuntimePod) -> Object:
    """A Pod made from what the runtime has, enough to stop it by. Pure."""
    names = dict.fromkeys(container.name for container in runtime_pod.containers)
    grace = max((c.grace_period_seconds for c in runtime_pod.containers), default=1)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": runtime_pod.name,
            "namespace": runtime_pod.namespace,
            "uid": runtime_pod.uid,
            "deletionGracePeriodSeconds": grace,
        },
        "spec": {"containers": [{"name": name} for name in names]},
    }


def _entries(directory: Path) -> list[str]:
    return [entry.name for entry in directory.iterdir()] if directory.is_dir() else []
