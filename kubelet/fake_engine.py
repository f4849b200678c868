"""What the fake runtime remembers, and what a test does to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kubelet.runtime import (
    ContainerConfig,
    ContainerState,
    ContainerStats,
    ContainerStatus,
    EventType,
    ExecResult,
    ImageStatus,
    NotFound,
    PodSandbox,
    RegistryAuth,
    RuntimeCondition,
    RuntimeEvent,
    RuntimeStatus,
    SandboxConfig,
    Stream,
)

Exec = Callable[[str, Sequence[str]], ExecResult]


@dataclass
class HeldSandbox:
    """A sandbox and what it was made with."""

    config: SandboxConfig
    value: PodSandbox
    started: bool = False


@dataclass
class HeldContainer:
    """A container, what it was made with and what it wrote."""

    config: ContainerConfig
    value: ContainerStatus
    log: list[tuple[datetime, Stream, bytes]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class FakeProcessStream:
    """A stream whose output is given beforehand; with a standard input, it echoes until that ends."""

    def __init__(self, result: ExecResult, *, stdin: bool) -> None:
        self._result = result
        self._echo = stdin
        self._pieces: asyncio.Queue[tuple[Stream, bytes] | None] = asyncio.Queue()
        self.sizes: list[tuple[int, int]] = []
        for stream, data in ((Stream.STDOUT, result.stdout), (Stream.STDERR, result.stderr)):
            if data:
                self._pieces.put_nowait((stream, data))
        if not stdin:
            self._pieces.put_nowait(None)

    async def read(self) -> tuple[Stream, bytes] | None:
        """The next piece of output."""
        return await self._pieces.get()

    async def write(self, data: bytes) -> None:
        """Comes back as output."""
        self._pieces.put_nowait((Stream.STDOUT, data))

    async def close_stdin(self) -> None:
        """Ends the process."""
        if self._echo:
            self._echo = False
            self._pieces.put_nowait(None)

    async def resize(self, width: int, height: int) -> None:
        """Kept in ``sizes``."""
        self.sizes.append((width, height))

    async def exit_code(self) -> int:
        """The given result's."""
        return self._result.exit_code

    async def close(self) -> None:
        """Ends the process."""
        await self.close_stdin()


class FakeEngine:
    """Sandboxes, containers and images in memory. Processes never do anything by themselves."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.sandboxes: dict[str, HeldSandbox] = {}
        self.containers: dict[str, HeldContainer] = {}
        self.subscribers: list[asyncio.Queue[RuntimeEvent]] = []
        self.serial = 0
        self.images: dict[str, ImageStatus] = {}
        self.registry: dict[str, ImageStatus] = {}
        """What can be pulled, by reference; anything else is refused as Docker Hub does."""
        self.pulls: list[tuple[str, RegistryAuth | None]] = []
        self.failures: dict[str, Exception] = {}
        """A method's name → what it raises until the entry is taken out."""
        self.exec_results: Exec = lambda _container, _command: ExecResult(0)
        self.exec_seconds: Mapping[str, float] = {}
        """First word of a command → how long it would take; past the time-out it is an ExecTimeout."""
        self.stop_exit_code = 143
        self.start_failures: dict[str, str] = {}
        """Container name → the cause for which it cannot be started."""
        self.execs: list[tuple[str, tuple[str, ...]]] = []
        self.stops: list[tuple[str, float]] = []
        self.created: list[ContainerConfig] = []
        self.condition = RuntimeStatus(RuntimeCondition(True), RuntimeCondition(True))
        self.stats: dict[str, ContainerStats] = {}
        self.pod_cidr = ""

    def add_image(self, reference: str, *, size_bytes: int = 1 << 20, user: str = "", digest: str = "") -> ImageStatus:
        """An image that is present."""
        self.serial += 1
        identity = f"sha256:{self.serial:064x}"
        repository = reference.rpartition(":")[0] or reference
        digests = (f"{repository}@{digest}",) if digest else ()
        image = ImageStatus(identity, (reference,), digests, size_bytes, user)
        self.images[reference] = image
        return image

    def exit(self, container_id: str, exit_code: int = 0, *, oom_killed: bool = False, message: str = "") -> None:
        """A container's process ends."""
        container = self.held_container(container_id)
        if container.value.state is not ContainerState.RUNNING:
            return
        reason = "OOMKilled" if oom_killed else "Completed" if exit_code == 0 else "Error"
        container.value = replace(
            container.value,
            state=ContainerState.EXITED,
            finished_at=self.now(),
            exit_code=exit_code,
            reason=reason,
            message=message,
            pid=0,
        )
        container.changed.set()
        self.tell(EventType.DIED, container.value, exit_code)

    def kill_sandbox(self, sandbox_id: str) -> None:
        """The pause process dies."""
        sandbox = self.held_sandbox(sandbox_id)
        sandbox.value = replace(sandbox.value, ready=False, pid=0)
        self.tell_sandbox(EventType.DIED, sandbox.value)

    def write_log(self, container_id: str, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        """A container's process writes."""
        container = self.held_container(container_id)
        container.log.append((self.now(), stream, data))
        container.changed.set()

    def break_events(self) -> None:
        """Every event stream ends, as when the engine restarts."""
        for queue in self.subscribers:
            queue.put_nowait(RuntimeEvent(EventType.REMOVED, "", "", "", "", "", self.now()))

    def config(self, container_id: str) -> ContainerConfig:
        """What a container was created with."""
        return self.held_container(container_id).config

    def sandbox_config(self, sandbox_id: str) -> SandboxConfig:
        """What a sandbox was created with."""
        return self.held_sandbox(sandbox_id).config

    def running(self) -> list[str]:
        """Names of the containers that run, as ``pod/container``."""
        values = [container.value for container in self.containers.values()]
        return sorted(f"{value.pod_name}/{value.name}" for value in values if value.state is ContainerState.RUNNING)

    # -- for the runtime above --------------------------------------------------------------------------------

    def may_fail(self, method: str) -> None:
        """Raises what the test has set for the method."""
        if method in self.failures:
            raise self.failures[method]

    def new_id(self) -> str:
        """An id of 64 digits."""
        self.serial += 1
        return f"{self.serial:064x}"

    def held_sandbox(self, sandbox_id: str) -> HeldSandbox:
        """Raises NotFound."""
        if sandbox_id not in self.sandboxes:
            raise NotFound(f"No such container: {sandbox_id}")
        return self.sandboxes[sandbox_id]

    def held_container(self, container_id: str) -> HeldContainer:
        """Raises NotFound."""
        if container_id not in self.containers:
            raise NotFound(f"No such container: {container_id}")
        return self.containers[container_id]

    def running_container(self, container_id: str) -> HeldContainer:
        """Raises NotFound for one that does not run."""
        container = self.held_container(container_id)
        if container.value.state is not ContainerState.RUNNING:
            raise NotFound(f"Container {container_id} is not running")
        return container

    def of_sandbox(self, sandbox_id: str) -> list[HeldContainer]:
        """The sandbox's containers."""
        return [container for container in self.containers.values() if container.value.sandbox_id == sandbox_id]

    def held_image(self, image: str) -> ImageStatus | None:
        """By reference, with or without ``latest``, or by id."""
        by_id = {present.id: present for present in self.images.values()}
        return self.images.get(image) or self.images.get(f"{image}:latest") or by_id.get(image)

    def tell(self, kind: EventType, value: ContainerStatus, exit_code: int = 0) -> None:
        """Sends a container's event."""
        names = (value.id, value.pod_uid, value.pod_name, value.pod_namespace, value.name)
        self.publish(RuntimeEvent(kind, *names, self.now(), exit_code))

    def tell_sandbox(self, kind: EventType, value: PodSandbox) -> None:
        """Sends a sandbox's event."""
        names = (value.id, value.uid, value.name, value.namespace, "")
        self.publish(RuntimeEvent(kind, *names, self.now()))

    def publish(self, event: RuntimeEvent) -> None:
        """Sends to everybody who listens."""
        for queue in self.subscribers:
            queue.put_nowait(event)
