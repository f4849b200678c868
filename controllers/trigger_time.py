"""When the change happened that an Endpoints or EndpointSlice write follows; the value of the trigger-time annotation.

Follows upstream's ``TriggerTimeTracker``: the earliest of the changes since the last look, which are a pod's turning
ready or not ready and a Service's creation. Pure; the state is handed back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from minikube_py.api.meta import Object, find_condition, metadata, name_of


@dataclass(frozen=True, slots=True)
class TriggerTimes:
    """The times of a Service and its pods as they were last looked at."""

    service: str = ""
    pods: Mapping[str, str] = field(default_factory=dict)


def change_trigger_time(
    before: TriggerTimes | None, service: Object, pods: Iterable[Object]
) -> tuple[str, TriggerTimes]:
    """The time of the change, empty where none is known, and the state to hand in next time.

    Times are compared as text, which orders them, for all are in UTC and of the same form.
    """
    now = TriggerTimes(
        metadata(service).get("creationTimestamp") or "", {name_of(pod): _ready_changed(pod) for pod in pods}
    )
    known = before or TriggerTimes()
    changes = [time for name, time in now.pods.items() if time and time > known.pods.get(name, "")]
    if now.service and now.service > known.service:
        changes.append(now.service)
    return min(changes, default=""), now


def _ready_changed(pod: Object) -> str:
    condition = find_condition(pod, "Ready") or {}
    return condition.get("lastTransitionTime") or ""
