"""The container runtime as the kubelet sees it: CRI's shape, asyncio's manner.

Two implementations stand under one contract test: :class:`kubelet.docker.DockerRuntime` and
:class:`kubelet.fake_runtime.FakeRuntime`. Values are immutable; times are aware datetimes in UTC; every id is the
runtime's full id without a scheme.

A container's life only goes forward: created → running → exited → removed. The kubelet never starts a container twice;
a restart is a new container with the next attempt.

::

    RuntimeFailure                      retry
    ├── RuntimeUnavailable              yes    the engine does not answer
    ├── NotFound                        no     no such sandbox, container or image
    ├── SandboxFailed                   yes    the pause container could not be created or started
    ├── NetworkFailed                   yes    a CNI plugin refused, or no network is configured yet
    ├── CreateContainerFailed           yes    reason CreateContainerError (or CreateContainerConfigError)
    ├── StartContainerFailed            yes    reason RunContainerError; the container stays, exited, with its cause
    ├── ImagePullFailed                 yes    reason ErrImagePull or InvalidImageName
    ├── ImageInUse                      no
    └── ExecTimeout                     no     the command was still running after its time
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class RuntimeFailure(Exception):
    """What the runtime could not do; ``str`` is the text for an event or a status message."""


class RuntimeUnavailable(RuntimeFailure):
    """The engine does not answer; the same call may be tried again."""


class NotFound(RuntimeFailure):
    """There is no such sandbox, container or image."""


class SandboxFailed(RuntimeFailure):
    """The sandbox could not be created or started."""


class NetworkFailed(RuntimeFailure):
    """The pod's network could not be set up; nothing of it is left behind."""


class CreateContainerFailed(RuntimeFailure):
    """The engine refused the container; ``reason`` is that of the waiting state."""

    def __init__(self, message: str, reason: str = "CreateContainerError") -> None:
        super().__init__(message)
        self.reason = reason


class StartContainerFailed(RuntimeFailure):
    """The container's process could not be started; the container is left exited, with the cause in its status."""

    reason = "RunContainerError"


class ImagePullFailed(RuntimeFailure):
    """``reason`` is that of the waiting state: ErrImagePull or InvalidImageName."""

    def __init__(self, message: str, reason: str = "ErrImagePull") -> None:
        super().__init__(message)
        self.reason = reason


class ImageInUse(RuntimeFailure):
    """A container still needs the image."""


class ExecTimeout(RuntimeFailure):
    """The command did not end in its time; it has been killed where the runtime can."""


# -- what to run ------------------------------------------------------------------------------------------------------


class NamespaceMode(enum.Enum):
    """Whose namespace a pod's containers live in."""

    POD = "pod"
    CONTAINER = "container"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A ``hostPort``; ``protocol`` is TCP, UDP or SCTP."""

    container_port: int
    host_port: int
    protocol: str = "TCP"
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """One pod's sandbox. ``labels`` are added to those the runtime writes for itself."""

    name: str
    namespace: str
    uid: str
    attempt: int = 0
    hostname: str = ""
    network: NamespaceMode = NamespaceMode.POD
    pid: NamespaceMode = NamespaceMode.CONTAINER
    ipc: NamespaceMode = NamespaceMode.POD
    privileged: bool = False
    port_mappings: tuple[PortMapping, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    cgroup_parent: str = ""
    runtime_handler: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


class MountPropagation(enum.Enum):
    """As the API's ``mountPropagation``."""

    NONE = "None"
    HOST_TO_CONTAINER = "HostToContainer"
    BIDIRECTIONAL = "Bidirectional"


@dataclass(frozen=True, slots=True)
class Mount:
    """A bind mount; ``host_path`` (absolute) must exist when the container is created."""

    container_path: str
    host_path: str
    read_only: bool = False
    propagation: MountPropagation = MountPropagation.NONE


@dataclass(frozen=True, slots=True)
class LinuxResources:
    """cgroup settings in kernel units; 0 means unset. ``oom_score_adj`` −1000…1000."""

    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    memory_limit_bytes: int = 0
    oom_score_adj: int = 0
    pids_limit: int = 0


@dataclass(frozen=True, slots=True)
class SecurityContext:
    """The container's effective security context (the pod's already merged in).

    ``run_as_user`` None leaves the image's user. ``seccomp`` is "" (the engine's default), ``Unconfined`` or the
    absolute path of a profile; ``app_armor`` is "" or the profile's name.
    """

    run_as_user: int | None = None
    run_as_group: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    privileged: bool = False
    add_capabilities: tuple[str, ...] = ()
    drop_capabilities: tuple[str, ...] = ()
    read_only_root_filesystem: bool = False
    no_new_privileges: bool = False
    seccomp: str = ""
    app_armor: str = ""
    unmasked_proc: bool = False


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    """One attempt of one container. ``command`` and ``args`` are as in the API, already expanded.

    ``termination_message_host_path`` is an existing empty file that the runtime mounts at ``termination_message_path``.
    ``image`` is the reference or id to run, present on the host; ``image_name`` what the pod's spec calls it.
    ``spec_hash``, ``grace_period_seconds``, ``pre_stop`` (the handler as JSON) and ``ports`` (the spec's list as JSON)
    are only kept, so that a restarted kubelet can read them back.
    """

    name: str
    attempt: int
    image: str
    image_name: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    mounts: tuple[Mount, ...] = ()
    tty: bool = False
    stdin: bool = False
    stdin_once: bool = False
    stop_signal: str = ""
    resources: LinuxResources = LinuxResources()
    security: SecurityContext = SecurityContext()
    termination_message_path: str = ""
    termination_message_policy: str = "File"
    termination_message_host_path: str = ""
    spec_hash: str = ""
    grace_period_seconds: int = 30
    pre_stop: str = ""
    ports: str = ""
    target_container_id: str = ""
    """The container whose processes this one sees; empty leaves it to the sandbox's ``pid``."""
    labels: Mapping[str, str] = field(default_factory=dict)


# -- what runs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PodSandbox:
    """A sandbox: ``ready`` while its pause process runs and its network is set up.

    ``ips`` holds the pod's addresses, the primary one first; it is empty on the host's network. ``pid`` is that of the
    pause process on the host, 0 where it does not run.
    """

    id: str
    name: str
    namespace: str
    uid: str
    attempt: int
    ready: bool
    created_at: datetime
    ips: tuple[str, ...] = ()
    pid: int = 0
    host_network: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)


class ContainerState(enum.Enum):
    """Where a container is in its life."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    """A container with everything its labels and the engine tell of it.

    ``reason`` of an exited one is Completed, Error, OOMKilled, ContainerCannotRun or StartError, and ``message`` the
    engine's text where it has one (not the termination message: that is in ``termination_message_host_path``).
    ``image_id`` is what the API shows as ``imageID``: ``docker-pullable://repo@sha256:…``, or ``docker://sha256:…``
    for an image that has no digest in a registry.
    """

    id: str
    sandbox_id: str
    pod_name: str
    pod_namespace: str
    pod_uid: str
    name: str
    attempt: int
    state: ContainerState
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    image: str = ""
    image_id: str = ""
    pid: int = 0
    tty: bool = False
    stdin: bool = False
    stdin_once: bool = False
    spec_hash: str = ""
    termination_message_path: str = ""
    termination_message_policy: str = "File"
    termination_message_host_path: str = ""
    grace_period_seconds: int = 30
    pre_stop: str = ""
    ports: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuntimePod:
    """All that the runtime has of one pod; newest sandbox and newest attempts first."""

    uid: str
    name: str
    namespace: str
    sandboxes: tuple[PodSandbox, ...] = ()
    containers: tuple[ContainerStatus, ...] = ()


class EventType(enum.Enum):
    """What happened to a container or a sandbox."""

    CREATED = "created"
    STARTED = "started"
    DIED = "died"
    OOM = "oom"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class RuntimeEvent:
    """``container_name`` is empty for a sandbox; ``exit_code`` is set for DIED."""

    type: EventType
    id: str
    pod_uid: str
    pod_name: str
    pod_namespace: str
    container_name: str
    at: datetime
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class ContainerStats:
    """Usage of one container: cumulative CPU in core-nanoseconds, memory and writable layer in bytes."""

    id: str
    at: datetime
    cpu_usage_nanoseconds: int
    memory_usage_bytes: int
    memory_working_set_bytes: int
    memory_rss_bytes: int = 0
    process_count: int = 0


@dataclass(frozen=True, slots=True)
class RuntimeVersion:
    """``name`` and ``version`` as a node's ``containerRuntimeVersion`` joins them.

    ``api_version`` is the negotiated one.
    """

    name: str
    version: str
    api_version: str


@dataclass(frozen=True, slots=True)
class RuntimeCondition:
    """``RuntimeReady`` or ``NetworkReady`` with the cause where it is not."""

    ready: bool
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class RuntimeStatus:
    """What node status is made of."""

    runtime: RuntimeCondition
    network: RuntimeCondition


# -- images -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RegistryAuth:
    """One registry's credentials, as an entry of ``.dockerconfigjson`` has them."""

    username: str = ""
    password: str = ""
    server_address: str = ""
    identity_token: str = ""
    registry_token: str = ""


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """An image on the host. ``user`` is its configured user ("", a name, "uid" or "uid:gid")."""

    id: str
    repo_tags: tuple[str, ...] = ()
    repo_digests: tuple[str, ...] = ()
    size_bytes: int = 0
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    created_at: datetime | None = None

    def shown_id(self) -> str:
        """The ``imageID`` of a container status."""
        return f"docker-pullable://{self.repo_digests[0]}" if self.repo_digests else f"docker://{self.id}"


@dataclass(frozen=True, slots=True)
class PullProgress:
    """One report of a pull; ``current`` and ``total`` in bytes, 0 where unknown."""

    layer: str
    status: str
    current: int = 0
    total: int = 0


# -- streams ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command that ended left; output is cut to the last 64 KiB of each stream."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""


class Stream(enum.Enum):
    """Where output came from; with a terminal everything is STDOUT."""

    STDOUT = 1
    STDERR = 2


class ProcessStream(Protocol):
    """The open standard streams of a command or a container. ``close`` must be called in the end."""

    async def read(self) -> tuple[Stream, bytes] | None:
        """The next piece of output; None when all of it has been read."""
        ...

    async def write(self, data: bytes) -> None:
        """Sends to the standard input; returns when the kernel has taken it. Nothing happens once the process ended."""
        ...

    async def close_stdin(self) -> None:
        """Ends the standard input; output can still be read."""
        ...

    async def resize(self, width: int, height: int) -> None:
        """Sets the terminal's size in characters; nothing without a terminal."""
        ...

    async def exit_code(self) -> int:
        """The exit code, once output has ended. Waits for it."""
        ...

    async def close(self) -> None:
        """Ends the connection; does not end the process."""
        ...


@dataclass(frozen=True, slots=True)
class LogOptions:
    """As the API's ``PodLogOptions``; ``tail_lines`` None means all."""

    follow: bool = False
    tail_lines: int | None = None
    since: datetime | None = None
    timestamps: bool = False
    stdout: bool = True
    stderr: bool = True


class ContainerRuntime(Protocol):
    """Runs pods. Every method may raise RuntimeUnavailable; others are named where they can be."""

    async def version(self) -> RuntimeVersion:
        """The engine's own account of itself."""
        ...

    async def status(self) -> RuntimeStatus:
        """Whether containers can be run and pods given a network."""
        ...

    async def update_pod_cidr(self, cidr: str) -> None:
        """Tells where pods' addresses come from; the network is ready after it. Idempotent."""
        ...

    # Sandboxes: create, then start; containers may be created in the sandbox while it starts.
    async def create_sandbox(self, config: SandboxConfig) -> str:
        """The new sandbox's id.

        An unstarted one of the same name, left by a crash, is replaced. Raises SandboxFailed.
        """
        ...

    async def start_sandbox(self, sandbox_id: str) -> PodSandbox:
        """Starts the pause process and sets up the network. Raises SandboxFailed, NetworkFailed."""
        ...

    async def stop_sandbox(self, sandbox_id: str) -> None:
        """Kills what still runs in it and tears the network down. Idempotent; nothing if it is gone."""
        ...

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Stops it, and removes it and its containers. Idempotent."""
        ...

    async def list_pods(self, pod_uid: str = "") -> list[RuntimePod]:
        """Everything of one pod, or of all, in one look; only what a kubelet made."""
        ...

    # Containers
    async def create_container(self, sandbox_id: str, sandbox: SandboxConfig, config: ContainerConfig) -> str:
        """The new container's id; an unstarted one of the same name is replaced. Raises CreateContainerFailed."""
        ...

    async def start_container(self, container_id: str) -> None:
        """Returns when its process runs. Raises StartContainerFailed, NotFound."""
        ...

    async def stop_container(self, container_id: str, grace_seconds: float) -> None:
        """Sends the stop signal, and KILL after the grace period; returns when it has exited. Idempotent."""
        ...

    async def remove_container(self, container_id: str) -> None:
        """Removes it with its log, by force if it runs. Idempotent."""
        ...

    async def container_status(self, container_id: str) -> ContainerStatus:
        """Raises NotFound."""
        ...

    async def container_stats(self, container_ids: Sequence[str]) -> list[ContainerStats]:
        """Usage of those of the containers that run."""
        ...

    # Streams
    async def exec_sync(self, container_id: str, command: Sequence[str], timeout_seconds: float) -> ExecResult:
        """Raises ExecTimeout, NotFound, and RuntimeFailure where the command cannot be started."""
        ...

    async def open_exec(
        self,
        container_id: str,
        command: Sequence[str],
        *,
        tty: bool,
        stdin: bool,
        stdout: bool = True,
        stderr: bool = True,
    ) -> ProcessStream:
        """Starts a command with its streams open. Raises NotFound, RuntimeFailure."""
        ...

    async def open_attach(
        self, container_id: str, *, tty: bool, stdin: bool, stdout: bool = True, stderr: bool = True
    ) -> ProcessStream:
        """The streams of the container's own process, from now on. Raises NotFound."""
        ...

    def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[tuple[Stream, bytes]]:
        """The log's pieces (not always whole lines), oldest first.

        Following ends with the container. Raises NotFound.
        """
        ...

    def events(self) -> AsyncIterator[RuntimeEvent]:
        """What happens from now on; ends with RuntimeUnavailable, after which the caller lists again."""
        ...

    # Images
    async def image_status(self, image: str) -> ImageStatus | None:
        """The image of that reference or id, or None where it is not present."""
        ...

    async def list_images(self) -> list[ImageStatus]:
        """Every image on the host."""
        ...

    async def pull_image(
        self, image: str, auth: RegistryAuth | None = None, progress: Callable[[PullProgress], None] | None = None
    ) -> ImageStatus:
        """Raises ImagePullFailed with the engine's own text."""
        ...

    async def remove_image(self, image: str) -> None:
        """Idempotent. Raises ImageInUse."""
        ...

    async def close(self) -> None:
        """Ends every connection; nothing that runs is touched."""
        ...
