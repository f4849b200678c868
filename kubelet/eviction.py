"""Which pods must go when the node runs short of memory or disk. Pure; follows upstream's ``pkg/kubelet/eviction``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from minikube_py.api.meta import Object, namespace_of, uid_of
from minikube_py.api.pods import qos_class, requests
from minikube_py.api.quantity import Quantity

MEMORY = "memory.available"
NODE_FS = "nodefs.available"
IMAGE_FS = "imagefs.available"
RESOURCES = {MEMORY: "memory", NODE_FS: "ephemeral-storage", IMAGE_FS: "ephemeral-storage"}
PRESSURE_TRANSITION = timedelta(minutes=5)
"""How long a shortage must be over before its condition is taken back."""
_CRITICAL_PRIORITY = 2_000_000_000
_QOS_ORDER = {"BestEffort": 0, "Burstable": 1, "Guaranteed": 2}


@dataclass(frozen=True, slots=True)
class Threshold:
    """The amount of a signal below which pods are evicted: bytes, or a share of the capacity."""

    signal: str
    amount: int = 0
    share: float = 0.0

    def quantity(self, capacity: int) -> int:
        """Bytes."""
        return int(capacity * self.share) if self.share else self.amount


@dataclass(frozen=True, slots=True)
class Reading:
    """One signal, in bytes."""

    available: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """A threshold that is crossed."""

    signal: str
    threshold: int
    available: int


@dataclass(frozen=True, slots=True)
class Victim:
    """The pod to evict, and the message for its status and event."""

    pod: Object
    message: str


@dataclass(frozen=True, slots=True)
class PressureState:
    """When each shortage was last seen, by signal."""

    seen: Mapping[str, datetime] = field(default_factory=dict)

    def under(self, signals: Iterable[str]) -> bool:
        """Whether any of the signals is short, or was a short while ago."""
        return any(signal in self.seen for signal in signals)


def parse_thresholds(settings: Mapping[str, str]) -> tuple[Threshold, ...]:
    """``{"memory.available": "100Mi", "nodefs.available": "10%"}``. Raises ValueError for what is not supported."""
    thresholds = []
    for signal, text in settings.items():
        if signal not in RESOURCES:
            raise ValueError(f"unsupported eviction signal {signal}")
        if text.endswith("%"):
            thresholds.append(Threshold(signal, share=float(text[:-1]) / 100))
        else:
            thresholds.append(Threshold(signal, amount=Quantity.parse(text).value()))
    return tuple(thresholds)


def shortages(thresholds: Iterable[Threshold], readings: Mapping[str, Reading]) -> tuple[Shortage, ...]:
    """The thresholds that are crossed, memory first."""
    found = []
    for threshold in thresholds:
        reading = readings.get(threshold.signal)
        if reading is not None:
            bound = threshold.quantity(reading.capacity)
            if reading.available < bound:
                found.append(Shortage(threshold.signal, bound, reading.available))
    return tuple(sorted(found, key=lambda shortage: list(RESOURCES).index(shortage.signal)))


def next_pressure(state: PressureState, found: Iterable[Shortage], now: datetime) -> PressureState:
    """The state after one more look."""
    seen = {signal: at for signal, at in state.seen.items() if now - at < PRESSURE_TRANSITION}
    seen.update({shortage.signal: now for shortage in found})
    return PressureState(seen)


def choose(shortage: Shortage, pods: Iterable[Object], memory_usage: Mapping[str, Mapping[str, int]]) -> Victim | None:
    """The pod to evict for a shortage; ``memory_usage`` is pod uid → container → bytes.

    Pods that use more than they asked for go first, then by priority, then by how much more they use.
    """
    candidates = [pod for pod in pods if int(pod["spec"].get("priority") or 0) < _CRITICAL_PRIORITY]
    if not candidates:
        return None
    if shortage.signal == MEMORY:
        victim = min(candidates, key=lambda pod: _memory_rank(pod, memory_usage.get(uid_of(pod), {})))
    else:
        victim = min(candidates, key=_disk_rank)
    usage = memory_usage.get(uid_of(victim), {}) if shortage.signal == MEMORY else {}
    return Victim(victim, _message(shortage, victim, usage))


def _memory_rank(pod: Object, usage: Mapping[str, int]) -> tuple[bool, int, int]:
    over = sum(usage.values()) - _requested_memory(pod)
    return over <= 0, int(pod["spec"].get("priority") or 0), -over


def _disk_rank(pod: Object) -> tuple[int, int, str]:
    return int(pod["spec"].get("priority") or 0), _QOS_ORDER[qos_class(pod)], namespace_of(pod)


def _requested_memory(pod: Object) -> int:
    amount = requests(pod).get("memory")
    return amount.value() if amount is not None else 0


def _message(shortage: Shortage, pod: Object, usage: Mapping[str, int]) -> str:
    resource = RESOURCES[shortage.signal]
    text = (
        f"The node was low on resource: {resource}. "
        f"Threshold quantity: {binary(shortage.threshold)}, available: {binary(shortage.available)}. "
    )
    for container in pod["spec"].get("containers") or []:
        used = usage.get(container["name"])
        asked = ((container.get("resources") or {}).get("requests") or {}).get(resource, "0")
        if used is not None and used > Quantity.parse(asked).value():
            text += (
                f"Container {container['name']} was using {binary(used)}, request is {asked}, "
                f"has larger consumption of {resource}. "
            )
    return text


def binary(size: int) -> str:
    """Bytes as a quantity in Ki, which is how upstream's messages show them."""
    return f"{size // 1024}Ki"
