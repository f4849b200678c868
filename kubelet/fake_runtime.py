"""The container runtime in memory, for tests of everything above it. Held to the same contract test as the real one.

Processes never do anything by themselves: a test ends them with :meth:`FakeRuntime.exit`, and says beforehand what an
exec gives, which images exist and which calls fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from kubelet.fake_engine import FakeEngine, FakeProcessStream, HeldContainer, HeldSandbox
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
    PodSandbox,
    PullProgress,
    RegistryAuth,
    RuntimeEvent,
    RuntimePod,
    RuntimeStatus,
    RuntimeUnavailable,
    RuntimeVersion,
    SandboxConfig,
    StartContainerFailed,
    Stream,
)


class FakeRuntime(FakeEngine):
    """Runs pods that are only remembered.

    ``now`` gives the time. Stopping takes no time and gives ``stop_exit_code``.
    """

    async def version(self) -> RuntimeVersion:
        """See the protocol."""
        self.may_fail("version")
        return RuntimeVersion("fake", "1.0", "1.0")

    async def status(self) -> RuntimeStatus:
        """See the protocol."""
        self.may_fail("status")
        return self.condition

    async def update_pod_cidr(self, cidr: str) -> None:
        """See the protocol."""
        self.pod_cidr = cidr

    async def create_sandbox(self, config: SandboxConfig) -> str:
        """See the protocol."""
        self.may_fail("create_sandbox")
        sandbox_id = self.new_id()
        on_host = config.network is NamespaceMode.NODE
        value = PodSandbox(
            sandbox_id,
            config.name,
            config.namespace,
            config.uid,
            config.attempt,
            False,
            self.now(),
            host_network=on_host,
            labels=dict(config.labels),
        )
        self.sandboxes[sandbox_id] = HeldSandbox(config, value)
        self.tell_sandbox(EventType.CREATED, value)
        return sandbox_id

    async def start_sandbox(self, sandbox_id: str) -> PodSandbox:
        """See the protocol."""
        self.may_fail("start_sandbox")
        sandbox = self.held_sandbox(sandbox_id)
        ips = () if sandbox.value.host_network else (f"10.244.0.{self.serial % 250 + 2}",)
        sandbox.value = replace(sandbox.value, ready=True, ips=ips, pid=self.serial)
        sandbox.started = True
        self.tell_sandbox(EventType.STARTED, sandbox.value)
        return sandbox.value

    async def stop_sandbox(self, sandbox_id: str) -> None:
        """See the protocol."""
        self.may_fail("stop_sandbox")
        if sandbox_id not in self.sandboxes:
            return
        for container in self.of_sandbox(sandbox_id):
            self.exit(container.value.id, 137)
        if self.sandboxes[sandbox_id].value.ready:
            self.kill_sandbox(sandbox_id)
        sandbox = self.sandboxes[sandbox_id]
        sandbox.value = replace(sandbox.value, ips=())

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """See the protocol."""
        await self.stop_sandbox(sandbox_id)
        for container in self.of_sandbox(sandbox_id):
            await self.remove_container(container.value.id)
        sandbox = self.sandboxes.pop(sandbox_id, None)
        if sandbox is not None:
            self.tell_sandbox(EventType.REMOVED, sandbox.value)

    async def list_pods(self, pod_uid: str = "") -> list[RuntimePod]:
        """See the protocol."""
        self.may_fail("list_pods")
        sandboxes = [sandbox.value for sandbox in self.sandboxes.values()]
        containers = [container.value for container in self.containers.values()]
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
        self.may_fail("create_container")
        self.held_sandbox(sandbox_id)
        image = self.held_image(config.image)
        if image is None:
            raise CreateContainerFailed(f"Error response from daemon: No such image: {config.image}")
        for leftover in list(self.of_sandbox(sandbox_id)):
            same = leftover.config.name == config.name and leftover.config.attempt == config.attempt
            if same and leftover.value.state is ContainerState.CREATED:
                await self.remove_container(leftover.value.id)
            elif same:
                raise CreateContainerFailed(
                    "Error response from daemon: Conflict. The container name is already in use"
                )
        container_id = self.new_id()
        value = ContainerStatus(
            id=container_id,
            sandbox_id=sandbox_id,
            pod_name=sandbox.name,
            pod_namespace=sandbox.namespace,
            pod_uid=sandbox.uid,
            name=config.name,
            attempt=config.attempt,
            state=ContainerState.CREATED,
            created_at=self.now(),
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
        self.containers[container_id] = HeldContainer(config, value)
        self.created.append(config)
        self.tell(EventType.CREATED, value)
        return container_id

    async def start_container(self, container_id: str) -> None:
        """See the protocol."""
        self.may_fail("start_container")
        container = self.held_container(container_id)
        cause = self.start_failures.get(container.value.name)
        if cause is None and not self.held_sandbox(container.value.sandbox_id).value.ready:
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
            container.value, state=ContainerState.RUNNING, started_at=self.now(), pid=10_000 + self.serial
        )
        self.tell(EventType.STARTED, container.value)

    async def stop_container(self, container_id: str, grace_seconds: float) -> None:
        """See the protocol."""
        self.may_fail("stop_container")
        self.stops.append((container_id, grace_seconds))
        if container_id in self.containers:
            self.exit(container_id, self.stop_exit_code if grace_seconds > 0 else 137)

    async def remove_container(self, container_id: str) -> None:
        """See the protocol."""
        self.may_fail("remove_container")
        if container_id not in self.containers:
            return
        self.exit(container_id, 137)
        container = self.containers.pop(container_id)
        container.changed.set()
        self.tell(EventType.REMOVED, container.value)

    async def container_status(self, container_id: str) -> ContainerStatus:
        """See the protocol."""
        self.may_fail("container_status")
        return self.held_container(container_id).value

    async def container_stats(self, container_ids: Sequence[str]) -> list[ContainerStats]:
        """See the protocol; what ``stats`` holds, or an idle process."""
        running = [
            container_id
            for container_id in container_ids
            if container_id in self.containers and self.containers[container_id].value.state is ContainerState.RUNNING
        ]
        idle = [ContainerStats(each, self.now(), 0, 0, 0) for each in running]
        return [self.stats.get(each.id, each) for each in idle]

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout_seconds: float) -> ExecResult:
        """See the protocol; what ``exec_results`` gives, at once."""
        self.may_fail("exec_sync")
        self.running_container(container_id)
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
        self.running_container(container_id)
        self.execs.append((container_id, tuple(command)))
        return FakeProcessStream(self.exec_results(container_id, command), stdin=stdin)

    async def open_attach(
        self, container_id: str, *, tty: bool, stdin: bool, stdout: bool = True, stderr: bool = True
    ) -> FakeProcessStream:
        """See the protocol."""
        self.running_container(container_id)
        return FakeProcessStream(ExecResult(0), stdin=stdin)

    async def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[tuple[Stream, bytes]]:
        """See the protocol."""
        container = self.held_container(container_id)
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
        self.may_fail("events")
        queue: asyncio.Queue[RuntimeEvent] = asyncio.Queue()
        self.subscribers.append(queue)
        try:
            while (event := await queue.get()).id:
                yield event
        finally:
            self.subscribers.remove(queue)
        raise RuntimeUnavailable("the engine ended its events")

    async def image_status(self, image: str) -> ImageStatus | None:
        """See the protocol."""
        self.may_fail("image_status")
        return self.held_image(image)

    async def list_images(self) -> list[ImageStatus]:
        """See the protocol."""
        self.may_fail("list_images")
        return list({image.id: image for image in self.images.values()}.values())

    async def pull_image(
        self, image: str, auth: RegistryAuth | None = None, progress: Callable[[PullProgress], None] | None = None
    ) -> ImageStatus:
        """See the protocol."""
        self.pulls.append((image, auth))
        self.may_fail("pull_image")
        if image not in self.registry:
            raise ImagePullFailed(
                f"Error response from daemon: pull access denied for {image.rpartition(':')[0] or image}, "
                "repository does not exist or may require 'docker login'"
            )
        self.images[image] = self.registry[image]
        return self.images[image]

    async def remove_image(self, image: str) -> None:
        """See the protocol."""
        self.may_fail("remove_image")
        found = self.held_image(image)
        if found is None:
            return
        if any(self.held_image(container.config.image) == found for container in self.containers.values()):
            raise ImageInUse(f"conflict: unable to remove {image}: container is using it")
        self.images = {name: present for name, present in self.images.items() if present.id != found.id}

    async def close(self) -> None:
        """See the protocol."""
        self.break_events()
