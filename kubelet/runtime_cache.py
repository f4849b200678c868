"""What the runtime has, as last heard: from our own calls, from its events and from listings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from kubelet.runtime import ContainerState, ContainerStatus, PodSandbox, RuntimePod

_ORDER = {
    ContainerState.CREATED: 0,
    ContainerState.UNKNOWN: 1,
    ContainerState.RUNNING: 1,
    ContainerState.EXITED: 2,
}


@dataclass(slots=True)
class _Pod:
    name: str
    namespace: str
    sandboxes: dict[str, PodSandbox] = field(default_factory=dict)
    containers: dict[str, ContainerStatus] = field(default_factory=dict)
    snapshot: RuntimePod | None = None


class RuntimeCache:
    """Holds pods by uid. A container's state only goes forward, so late news never undoes newer news.

    ``revision`` counts what was recorded one by one: a listing that was overtaken by a record is not taken.
    """

    def __init__(self) -> None:
        self._pods: dict[str, _Pod] = {}
        self.is_known = False
        """Whether the runtime answers and has been listed since it last did not."""
        self.revision = 0

    def pod(self, uid: str) -> RuntimePod | None:
        """The pod, empty where the runtime has nothing of it; None while the runtime is not known."""
        if not self.is_known:
            return None
        held = self._pods.get(uid)
        if held is None:
            return RuntimePod(uid, "", "")
        if held.snapshot is None:
            held.snapshot = RuntimePod(
                uid,
                held.name,
                held.namespace,
                tuple(sorted(held.sandboxes.values(), key=lambda s: (s.attempt, s.created_at), reverse=True)),
                tuple(sorted(held.containers.values(), key=lambda c: (c.attempt, c.created_at), reverse=True)),
            )
        return held.snapshot

    def uids(self) -> list[str]:
        """Every pod that the runtime has something of."""
        return list(self._pods)

    def container(self, container_id: str) -> ContainerStatus | None:
        """The container of that id, or None."""
        return next((p.containers[container_id] for p in self._pods.values() if container_id in p.containers), None)

    def counts(self) -> tuple[int, int]:
        """How many sandboxes are ready and how many containers run."""
        sandboxes = sum(s.ready for p in self._pods.values() for s in p.sandboxes.values())
        running = sum(c.state is ContainerState.RUNNING for p in self._pods.values() for c in p.containers.values())
        return sandboxes, running

    def record_sandbox(self, sandbox: PodSandbox) -> None:
        """Takes news of one sandbox."""
        self.revision += 1
        held = self._hold(sandbox.uid, sandbox.name, sandbox.namespace)
        held.sandboxes[sandbox.id] = sandbox
        held.snapshot = None

    def record_container(self, container: ContainerStatus) -> None:
        """Takes news of one container unless something later is known of it."""
        self.revision += 1
        held = self._hold(container.pod_uid, container.pod_name, container.pod_namespace)
        self._take(held, container)
        held.snapshot = None

    def sandbox_died(self, uid: str, sandbox_id: str) -> None:
        """A pause process has ended."""
        held = self._pods.get(uid)
        if held is not None and sandbox_id in held.sandboxes:
            self.revision += 1
            held.sandboxes[sandbox_id] = replace(held.sandboxes[sandbox_id], ready=False, pid=0)
            held.snapshot = None

    def forget(self, runtime_id: str) -> None:
        """A sandbox or container has been removed."""
        self.revision += 1
        for uid, held in list(self._pods.items()):
            if held.sandboxes.pop(runtime_id, None) or held.containers.pop(runtime_id, None):
                held.snapshot = None
            if not held.sandboxes and not held.containers:
                del self._pods[uid]

    def replace(self, pods: Iterable[RuntimePod]) -> set[str]:
        """Takes a listing of everything; returns the uids of pods that it changed."""
        before = {uid: self.pod(uid) for uid in self._pods} if self.is_known else {}
        self.is_known = True
        listed = {pod.uid: pod for pod in pods}
        for uid in [uid for uid in self._pods if uid not in listed]:
            del self._pods[uid]
        for pod in listed.values():
            self.replace_pod(pod)
        return {uid for uid in {*before, *listed} if before.get(uid) != self.pod(uid)}

    def replace_pod(self, pod: RuntimePod) -> None:
        """Takes a listing of one pod."""
        if not pod.sandboxes and not pod.containers:
            self._pods.pop(pod.uid, None)
            return
        held = self._hold(pod.uid, pod.name, pod.namespace)
        held.sandboxes = {sandbox.id: sandbox for sandbox in pod.sandboxes}
        known, held.containers = held.containers, {}
        for container in pod.containers:
            if container.id in known:
                held.containers[container.id] = known[container.id]
            self._take(held, container)
        held.snapshot = None

    def lost(self) -> None:
        """The runtime does not answer: nothing is known until it is listed again."""
        self.is_known = False

    def _hold(self, uid: str, name: str, namespace: str) -> _Pod:
        return self._pods.setdefault(uid, _Pod(name, namespace))

    def _take(self, held: _Pod, container: ContainerStatus) -> None:
        known = held.containers.get(container.id)
        if known is None or _ORDER[container.state] >= _ORDER[known.state]:
            held.containers[container.id] = container
