"""What a run of probes says of a container. Pure; follows upstream's ``pkg/kubelet/prober/worker.go``."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from minikube_py.api.meta import Object


class Kind(enum.Enum):
    """The three probes; the value is the field of the container, and ``title`` the word in events."""

    STARTUP = "startupProbe"
    READINESS = "readinessProbe"
    LIVENESS = "livenessProbe"

    @property
    def title(self) -> str:
        """``Startup``, ``Readiness`` or ``Liveness``."""
        return self.value.removesuffix("Probe").capitalize()


class Result(enum.Enum):
    """What is believed of the container, as against what the last probe said."""

    UNKNOWN = "unknown"
    SUCCESS = "success"
    FAILURE = "failure"


INITIAL = {Kind.STARTUP: Result.UNKNOWN, Kind.READINESS: Result.FAILURE, Kind.LIVENESS: Result.SUCCESS}


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """A probe's timing, in seconds, with the API's defaults."""

    initial_delay: int
    period: int
    timeout: int
    success_threshold: int
    failure_threshold: int


def probe_spec(probe: Object) -> ProbeSpec:
    """The timing of a ``v1.Probe``."""
    return ProbeSpec(
        initial_delay=int(probe.get("initialDelaySeconds") or 0),
        period=int(probe.get("periodSeconds") or 10),
        timeout=int(probe.get("timeoutSeconds") or 1),
        success_threshold=int(probe.get("successThreshold") or 1),
        failure_threshold=int(probe.get("failureThreshold") or 3),
    )


@dataclass(frozen=True, slots=True)
class ProbeState:
    """What is believed, and how often in a row the last probe's answer was given."""

    believed: Result
    last: Result | None = None
    in_a_row: int = 0


def observe(state: ProbeState, spec: ProbeSpec, answer: Result) -> ProbeState:
    """The state after one more answer: belief changes only when the answer's threshold is reached."""
    in_a_row = state.in_a_row + 1 if answer is state.last else 1
    threshold = spec.success_threshold if answer is Result.SUCCESS else spec.failure_threshold
    believed = answer if in_a_row >= threshold else state.believed
    return replace(state, believed=believed, last=answer, in_a_row=in_a_row)


def is_final(kind: Kind, state: ProbeState) -> bool:
    """Whether this container need not be probed any more: it has started, or it will be killed for its failure."""
    if kind is Kind.READINESS:
        return False
    if kind is Kind.STARTUP and state.believed is Result.SUCCESS:
        return True
    return state.believed is Result.FAILURE
