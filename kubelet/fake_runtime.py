"""The container runtime in memory, for tests of everything above it. Held to the same contract test as the real one.

Processes never do anything by themselves: a test ends them with :meth:`FakeRuntime.exit`, and says beforehand what an
exec gives, which images exist and which calls fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kubelet.runtime import (
    ContainerConfig,
    ContainerState,
    ContainerStats,
    ContainerStatus,
    CreateContainerFailed,
    EventType,
    ExecResult,
    ExecTimeout,
    ImageInUse,
    ImagePullFailed,
    ImageStatus,
    LogOptions,
    NamespaceMode,
    NotFound,
    PodSandbox,
    PullProgress,
    RegistryAuth,
    RuntimeCondition,
    RuntimeEvent,
    RuntimePod,
    RuntimeStatus,
    RuntimeUnavailable,
    RuntimeVersion,
    SandboxConfig,
    StartContainerFailed,
    Stream,
)

Exec = Callable[[str, Sequence[str]], ExecResult]


@dataclass
class _Sandbox:
    config: SandboxConfig
    value: PodSandbox
    started: bool = False


@dataclass
class _Container:
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


class FakeRuntime:
    """Runs pods that are only remembered.

    ``now`` gives the time. Stopping takes no time and gives ``stop_exit_code``.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._sandboxes: dict[str, _Sandbox] = {}
        self._containers: dict[str, _Container] = {}
        self._subscribers: list[asyncio.Queue[RuntimeEvent]] = []
        self._serial = 0
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

    # -- what a test does to it ----------------------------------------------------------------------------------------

    def add_image(self, reference: str, *, size_bytes: int = 1 << 20, user: str = "", digest: str = "") -> ImageStatus:
        """An image that is present."""
        self._serial += 1
        identity = f"sha256:{self._serial:064x}"
        repository = reference.rpartition(":")[0] or reference
        digests = (f"{repository}@{digest}",) if digest else ()
        image = ImageStatus(identity, (reference,), digests, size_bytes, user)
        self.images[reference] = image
        return image

    def exit(self, container_id: str, exit_code: int = 0, *, oom_killed: bool = False, message: str = "") -> None:
        """A container's process ends."""
        container = self._container(container_id)
        if container.value.state is not ContainerState.RUNNING:
            return
        reason = "OOMKilled" if oom_killed else "Completed" if exit_code == 0 else "Error"
        container.value = replace(
            container.value,
            state=ContainerState.EXITED,
            finished_at=self._now(),
            exit_code=exit_code,
            reason=reason,
            message=message,
            pid=0,
        )
        container.changed.set()
        self._tell(EventType.DIED, container.value, exit_code)

    def kill_sandbox(self, sandbox_id: str) -> None:
        """The pause process dies."""
        sandbox = self._sandbox(sandbox_id)
        sandbox.value = replace(sandbox.value, ready=False, pid=0)
        self._tell_sandbox(EventType.DIED, sandbox.value)

    def write_log(self, container_id: str, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        """A container's process writes."""
        container = self._container(container_id)
        container.log.append((self._now(), stream, data))
        container.changed.set()

    def break_events(self) -> None:
        """Every event stream ends, as when the engine restarts."""
        for queue in self._subscribers:
            queue.put_nowait(RuntimeEvent(EventType.REMOVED, "", "", "", "", "", self._now()))

    def config(self, container_id: str) -> ContainerConfig:
        """What a container was created with."""
        return self._container(container_id).config

    def sandbox_config(self, sandbox_id: str) -> SandboxConfig:
        """What a sandbox was created with."""
        return self._sandbox(sandbox_id).config

    def running(self) -> list[str]:
        """Names of the containers that run, as ``pod/container``."""
        values = [container.value for container in self._containers.values()]
        return sorted(f"{value.pod_name}/{value.name}" for value in values if value.state is ContainerState.RUNNING)

    # -- the protocol --------------------------------------------------------------------------------------------------

    async def version(self) -> RuntimeVersion:
        """See the protocol."""
        self._may_fail("version")
        return RuntimeVersion("fake", "1.0", "1.0")

    async def status(self) -> RuntimeStatus:
        """See the protocol."""
        self._may_fail("status")
        return self.condition

    async def update_pod_cidr(self, cidr: str) -> None:
        """See the protocol."""
        self.pod_cidr = cidr

    async def create_sandbox(self, config: SandboxConfig) -> str:
        """See the protocol."""
        self._may_fail("create_sandbox")
        sandbox_id = self._new_id()
        on_host = config.network is NamespaceMode.NODE
        value = PodSandbox(
            sandbox_id,
            config.name,
            config.namespace,
            config.uid,
            config.attempt,
            False,
            self._now(),
            host_network=on_host,
            labels=dict(config.labels),
        )
        self._sandboxes[sandbox_id] = _Sandbox(config, value)
        self._tell_sandbox(EventType.CREATED, value)
        return sandbox_id

    async def start_sandbox(self, sandbox_id: str) -> PodSandbox:
        """See the protocol."""
        self._may_fail("start_sandbox")
        sandbox = self._sandbox(sandbox_id)
        ips = () if sandbox.value.host_network else (f"10.244.0.{self._serial % 250 + 2}",)
        sandbox.value = replace(sandbox.value, ready=True, ips=ips, pid=self._serial)
        sandbox.started = True
        self._tell_sandbox(EventType.STARTED, sandbox.value)
        return sandbox.value

    async def stop_sandbox(self, sandbox_id: str) -> None:
        """See the protocol."""
        self._may_fail("stop_sandbox")
        if sandbox_id not in self._sandboxes:
            return
        for container in self._of_sandbox(sandbox_id):
            self.exit(container.value.id, 137)
        if self._sandboxes[sandbox_id].value.ready:
            self.kill_sandbox(sandbox_id)
        sandbox = self._sandboxes[sandbox_id]
        sandbox.value = replace(sandbox.value, ips=())

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """See the protocol."""
        await self.stop_sandbox(sandbox_id)
        for container in self._of_sandbox(sandbox_id):
            await self.remove_container(container.value.id)
        sandbox = self._sandboxes.pop(sandbox_id, None)
        if sandbox is not None:
            self._tell_sandbox(EventType.REMOVED, sandbox.value)

    async def list_pods(self, pod_uid: str = "") -> list[RuntimePod]:
        """See the protocol."""
        self._may_fail("list_pods")
        sandboxes = [sandbox.value for sandbox in self._sandboxes.values()]
        containers = [container.value for container in self._containers.values()]
        names = {s.uid: (s.name, s.namespace) for s in sandboxes}
        names |= {c.pod_uid: (c.pod_name, c.pod_namespace) for c in containers}
        return [
            RuntimePod(
                uid,
                name,
                namespace,
                tuple(s for s in reversed(sandboxes) if s.uid == uid),
                tuple(c for c in reversed(containers) if c.pod_uid == uid),
            )
            for uid, (name, namespace) in names.items()
            if pod_uid in ("", uid)
        ]

    async def create_container(self, sandbox_id: str, sandbox: SandboxConfig, config: ContainerConfig) -> str:
        """See the protocol."""
        self._may_fail("create_container")
        self._sandbox(sandbox_id)
        image = self._image(config.image)
        if image is None:
            raise CreateContainerFailed(f"Error response from daemon: No such image: {config.image}")
        for leftover in list(self._of_sandbox(sandbox_id)):
            same = leftover.config.name == config.name and leftover.config.attempt == config.attempt
            if same and leftover.value.state is ContainerState.CREATED:
                await self.remove_container(leftover.value.id)
            elif same:
                raise CreateContainerFailed(
                    "Error response from daemon: Conflict. The container name is already in use"
                )
        container_id = self._new_id()
        value = ContainerStatus(
            id=container_id,
            sandbox_id=sandbox_id,
            pod_name=sandbox.name,
            pod_namespace=sandbox.namespace,
            pod_uid=sandbox.uid,
            name=config.name,
            attempt=config.attempt,
            state=ContainerState.CREATED,
            created_at=self._now(),
            image=config.image_name or config.image,
            image_id=image.shown_id(),
            tty=config.tty,
            stdin=config.stdin,
            stdin_once=config.stdin_once,
            spec_hash=config.spec_hash,
            termination_message_path=config.termination_message_path,
            termination_message_policy=config.termination_message_policy,
            termination_message_host_path=config.termination_message_host_path,
            grace_period_seconds=config.grace_period_seconds,
            pre_stop=config.pre_stop,
            ports=config.ports,
            labels=dict(config.labels),
        )
        self._containers[container_id] = _Container(config, value)
        self.created.append(config)
        self._tell(EventType.CREATED, value)
        return container_id

    async def start_container(self, container_id: str) -> None:
        """See the protocol."""
        self._may_fail("start_container")
        container = self._container(container_id)
        cause = self.start_failures.get(container.value.name)
        if cause is None and not self._sandbox(container.value.sandbox_id).value.ready:
            cause = "cannot join network of a non running container"
        if cause is not None:
            at = container.value.created_at
            container.value = replace(
                container.value,
                state=ContainerState.EXITED,
                started_at=at,
                finished_at=at,
                exit_code=127,
                reason="ContainerCannotRun",
                message=cause,
            )
            raise StartContainerFailed(
                f'failed to start container "{container_id}": Error response from daemon: {cause}'
            )
        container.value = replace(
            container.value, state=ContainerState.RUNNING, started_at=self._now(), pid=10_000 + self._serial
        )
        self._tell(EventType.STARTED, container.value)

    async def stop_container(self, container_id: str, grace_seconds: float) -> None:
        """See the protocol."""
        self._may_fail("stop_container")
        self.stops.append((container_id, grace_seconds))
        if container_id in self._containers:
            self.exit(container_id, self.stop_exit_code if grace_seconds > 0 else 137)

    async def remove_container(self, container_id: str) -> None:
        """See the protocol."""
        self._may_fail("remove_container")
        if container_id not in self._containers:
            return
        self.exit(container_id, 137)
        container = self._containers.pop(container_id)
        container.changed.set()
        self._tell(EventType.REMOVED, container.value)

    async def container_status(self, container_id: str) -> ContainerStatus:
        """See the protocol."""
        self._may_fail("container_status")
        return self._container(container_id).value

    async def container_stats(self, container_ids: Sequence[str]) -> list[ContainerStats]:
        """See the protocol; what ``stats`` holds, or an idle process."""
        running = [
            container_id
            for container_id in container_ids
            if container_id in self._containers and self._containers[container_id].value.state is ContainerState.RUNNING
        ]
        idle = [ContainerStats(each, self._now(), 0, 0, 0) for each in running]
        return [self.stats.get(each.id, each) for each in idle]

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout_seconds: float) -> ExecResult:
        """See the protocol; what ``exec_results`` gives, at once."""
        self._may_fail("exec_sync")
        self._running(container_id)
        self.execs.append((container_id, tuple(command)))
        if self.exec_seconds.get(command[0], 0.0) > timeout_seconds:
            raise ExecTimeout(f"command {list(command)!r} timed out")
        return self.exec_results(container_id, command)

    async def open_exec(
        self,
        container_id: str,
        command: Sequence[str],
        *,
        tty: bool,
        stdin: bool,
        stdout: bool = True,
        stderr: bool = True,
    ) -> FakeProcessStream:
        """See the protocol."""
        self._running(container_id)
        self.execs.append((container_id, tuple(command)))
        return FakeProcessStream(self.exec_results(container_id, command), stdin=stdin)

    async def open_attach(
        self, container_id: str, *, tty: bool, stdin: bool, stdout: bool = True, stderr: bool = True
    ) -> FakeProcessStream:
        """See the protocol."""
        self._running(container_id)
        return FakeProcessStream(ExecResult(0), stdin=stdin)

    async def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[tuple[Stream, bytes]]:
        """See the protocol."""
        container = self._container(container_id)
        wanted = {Stream.STDOUT: options.stdout, Stream.STDERR: options.stderr}
        written = container.log
        position = 0
        if options.tail_lines is not None:
            position = max(0, len(written) - options.tail_lines)
        while True:
            for at, stream, data in written[position:]:
                if wanted[stream] and (options.since is None or at >= options.since):
                    stamp = f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z ".encode() if options.timestamps else b""
                    yield stream, stamp + data
            position = len(written)
            if not options.follow or container.value.state is not ContainerState.RUNNING:
                return
            container.changed.clear()
            await container.changed.wait()

    async def events(self) -> AsyncIterator[RuntimeEvent]:
        """See the protocol."""
        self._may_fail("events")
        queue: asyncio.Queue[RuntimeEvent] = asyncio.Queue()
        self._subscribers.append(queue)
        try:
            while (event := await queue.get()).id:
                yield event
        finally:
            self._subscribers.remove(queue)
        raise RuntimeUnavailable("the engine ended its events")

    async def image_status(self, image: str) -> ImageStatus | None:
        """See the protocol."""
        self._may_fail("image_status")
        return self._image(image)

    async def list_images(self) -> list[ImageStatus]:
        """See the protocol."""
        self._may_fail("list_images")
        return list({image.id: image for image in self.images.values()}.values())

    async def pull_image(
        self, image: str, auth: RegistryAuth | None = None, progress: Callable[[PullProgress], None] | None = None
    ) -> ImageStatus:
        """See the protocol."""
        self.pulls.append((image, auth))
        self._may_fail("pull_image")
        if image not in self.registry:
            raise ImagePullFailed(
                f"Error response from daemon: pull access denied for {image.rpartition(':')[0] or image}, "
                "repository does not exist or may require 'docker login'"
            )
        self.images[image] = self.registry[image]
        return self.images[image]

    async def remove_image(self, image: str) -> None:
        """See the protocol."""
        self._may_fail("remove_image")
        found = self._image(image)
        if found is None:
            return
        if any(self._image(container.config.image) == found for container in self._containers.values()):
            raise ImageInUse(f"conflict: unable to remove {image}: container is using it")
        self.images = {name: present for name, present in self.images.items() if present.id != found.id}

    async def close(self) -> None:
        """See the protocol."""
        self.break_events()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _may_fail(self, method: str) -> None:
        if method in self.failures:
            raise self.failures[method]

    def _new_id(self) -> str:
        self._serial += 1
        return f"{self._serial:064x}"

    def _sandbox(self, sandbox_id: str) -> _Sandbox:
        if sandbox_id not in self._sandboxes:
            raise NotFound(f"No such container: {sandbox_id}")
        return self._sandboxes[sandbox_id]

    def _container(self, container_id: str) -> _Container:
        if container_id not in self._containers:
            raise NotFound(f"No such container: {container_id}")
        return self._containers[container_id]

    def _running(self, container_id: str) -> _Container:
        container = self._container(container_id)
        if container.value.state is not ContainerState.RUNNING:
            raise NotFound(f"Container {container_id} is not running")
        return container

    def _of_sandbox(self, sandbox_id: str) -> list[_Container]:
        return [container for container in self._containers.values() if container.value.sandbox_id == sandbox_id]

    def _image(self, image: str) -> ImageStatus | None:
        by_id = {present.id: present for present in self.images.values()}
        return self.images.get(image) or self.images.get(f"{image}:latest") or by_id.get(image)

    def _tell(self, kind: EventType, value: ContainerStatus, exit_code: int = 0) -> None:
        names = (value.id, value.pod_uid, value.pod_name, value.pod_namespace, value.name)
        self._publish(RuntimeEvent(kind, *names, self._now(), exit_code))

    def _tell_sandbox(self, kind: EventType, value: PodSandbox) -> None:
        names = (value.id, value.uid, value.name, value.namespace, "")
        self._publish(RuntimeEvent(kind, *names, self._now()))

    def _publish(self, event: RuntimeEvent) -> None:
        for queue in self._subscribers:
            queue.put_nowait(event)
