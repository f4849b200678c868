"""What is known of one pod at one moment, and what may be decided about it: the language of :mod:`kubelet.sync`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubelet.backoff import Backoff
from kubelet.probes.state import Result
from kubelet.runtime import ContainerState, ContainerStatus, PodSandbox, RuntimePod
from minikube_py.api.meta import Object


@dataclass(frozen=True, slots=True)
class ProbeResults:
    """What the probes say of one container; SUCCESS where there is no such probe."""

    startup: Result = Result.SUCCESS
    readiness: Result = Result.SUCCESS
    liveness: Result = Result.SUCCESS


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a container could not be started the last time: the waiting state's reason and message."""

    reason: str
    message: str


class Cause(enum.Enum):
    """Why a pod is being stopped."""

    DELETED = "deleted"
    """The API has a deletion timestamp: stop, clean up, and finish the deletion."""
    GONE = "gone"
    """The API knows the pod no more: stop and clean up."""
    FAILED = "failed"
    """The kubelet ends the pod (eviction, deadline, admission): phase Failed, kept in the API."""
    FINISHED = "finished"
    """Every container is done: the sandbox goes, the dead containers stay for their logs."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A decision to stop a pod, that is never taken back; it can only become more urgent."""

    cause: Cause
    since: datetime
    grace_seconds: int
    reason: str = ""
    message: str = ""


# -- actions ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetUpVolumes:
    """Make every volume of the pod."""

    key = "volumes"


@dataclass(frozen=True, slots=True)
class StartSandbox:
    """Create and start a new sandbox."""

    attempt: int
    changed: bool = False
    """Whether a sandbox that containers ran in is being replaced."""
    key = "sandbox"


@dataclass(frozen=True, slots=True)
class LaunchContainer:
    """Get the image, create the container, and start it once the sandbox is ready and ``after`` has been started."""

    name: str
    attempt: int
    after: str = ""

    @property
    def key(self) -> str:
        """One launch of a container at a time."""
        return f"launch/{self.name}"


@dataclass(frozen=True, slots=True)
class KillContainer:
    """Run the preStop hook, then stop the container; KILL comes no later than ``deadline``."""

    container_id: str
    name: str
    deadline: datetime
    message: str = ""

    @property
    def key(self) -> str:
        """One kill of a container at a time; one with an earlier deadline replaces it."""
        return f"kill/{self.container_id}"


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    """Remove a dead container that is not kept for its log."""

    container_id: str

    @property
    def key(self) -> str:
        """One removal at a time."""
        return f"remove/{self.container_id}"


@dataclass(frozen=True, slots=True)
class StopSandbox:
    """Kill what runs in a sandbox and take its network down."""

    sandbox_id: str

    @property
    def key(self) -> str:
        """One stop at a time."""
        return f"stop/{self.sandbox_id}"


@dataclass(frozen=True, slots=True)
class RemoveSandbox:
    """Remove a sandbox with its containers."""

    sandbox_id: str

    @property
    def key(self) -> str:
        """One removal at a time."""
        return f"remove/{self.sandbox_id}"


@dataclass(frozen=True, slots=True)
class AbandonLaunches:
    """Cancel every launch that is under way: the pod is being stopped."""

    key = "abandon"


@dataclass(frozen=True, slots=True)
class TearDownVolumes:
    """Unmount and delete the pod's volumes and directory."""

    key = "tear down"


@dataclass(frozen=True, slots=True)
class FinishDeletion:
    """DELETE the pod in the API with grace 0: nothing of it is left here."""

    key = "finish"


@dataclass(frozen=True, slots=True)
class Forget:
    """End the worker: nothing of the pod is left here and the API knows it no more."""

    key = "forget"


Action = (
    SetUpVolumes
    | StartSandbox
    | LaunchContainer
    | KillContainer
    | RemoveContainer
    | StopSandbox
    | RemoveSandbox
    | AbandonLaunches
    | TearDownVolumes
    | FinishDeletion
    | Forget
)


@dataclass(frozen=True, slots=True)
class Observation:
    """One pod at one moment. Everything in it is frozen.

    ``delayed`` holds, for the key of an action that failed, when it may be tried again; ``backoffs`` the crash-loop
    back-off of each container; ``under_way`` what is being done now.
    """

    pod: Object
    now: datetime
    runtime: RuntimePod | None = None
    """None while the runtime does not answer: nothing is decided then."""
    in_api: bool = True
    stop: Stop | None = None
    under_way: Mapping[str, Action] = field(default_factory=dict)
    delayed: Mapping[str, datetime] = field(default_factory=dict)
    backoffs: Mapping[str, Backoff] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    probes: Mapping[str, ProbeResults] = field(default_factory=dict)
    spec_hashes: Mapping[str, str] = field(default_factory=dict)
    volumes_ready: bool = False
    volumes_failed: bool = False
    """Whether the last attempt to set the volumes up failed: then nothing is launched before one has succeeded."""
    volumes_gone: bool = False
    termination_messages: Mapping[str, str] = field(default_factory=dict)
    """By container id."""
    started_at: datetime | None = None
    """``status.startTime``."""
    previous_status: Object = field(default_factory=dict)
    stopped_sandboxes: frozenset[str] = frozenset()
    """Sandboxes whose network this kubelet has taken down."""
    status_written: bool = True
    """Whether the API has the newest status."""

    @property
    def sandbox(self) -> PodSandbox | None:
        """The newest sandbox, ready or not."""
        return self.runtime.sandboxes[0] if self.runtime is not None and self.runtime.sandboxes else None

    def current(self, name: str) -> ContainerStatus | None:
        """The newest attempt of a container in the newest sandbox, or None."""
        sandbox = self.sandbox
        if sandbox is None or self.runtime is None:
            return None
        return next((c for c in self.runtime.containers if c.name == name and c.sandbox_id == sandbox.id), None)

    def newest(self, name: str) -> ContainerStatus | None:
        """The newest attempt of a container in any sandbox, or None."""
        if self.runtime is None:
            return None
        return next((c for c in self.runtime.containers if c.name == name), None)

    def running(self) -> list[ContainerStatus]:
        """Every container that runs, in any sandbox."""
        if self.runtime is None:
            return []
        return [c for c in self.runtime.containers if c.state is ContainerState.RUNNING]

    def results(self, container: ContainerStatus) -> ProbeResults:
        """What the probes say of a container."""
        return self.probes.get(container.id, ProbeResults())


@dataclass(frozen=True, slots=True)
class CrashBackoff:
    """A container that waits to be restarted."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and when to look again even if nothing happens."""

    actions: tuple[Action, ...] = ()
    stop: Stop | None = None
    waiting: tuple[CrashBackoff, ...] = ()
    wake_at: datetime | None = None
