"""The status that a ResourceQuota is to have; pure. Follows ``k8s.io/kubernetes/pkg/controller/resourcequota``."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.actions import RequeueAfter, Update
from controllers.resource_quota.in_flight import RECHECK_SECONDS
from minikube_py.api.meta import Object
from minikube_py.api.quantity import ZERO, Quantity
from minikube_py.api.quota_amounts import Amounts, parse, written
from minikube_py.api.resources import RESOURCE_QUOTAS

RESYNC_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Observation:
    """A quota, what the objects that are there use of it, and what may be on its way."""

    quota: Object
    counted: Amounts
    in_flight: Amounts


def sync(observation: Observation) -> tuple[Update | RequeueAfter, ...]:
    """Put ``hard`` and ``used`` right; usage shrinks only as far as nothing is on its way."""
    quota = observation.quota
    status = quota.get("status") or {}
    hard = parse((quota.get("spec") or {}).get("hard"))
    before = parse(status.get("used"))
    used = {name: amount for name in hard if (amount := _used(observation, name, before)) is not None}
    waits = any(used.get(name, ZERO) > amount for name, amount in observation.counted.items())
    again = RequeueAfter(RECHECK_SECONDS if waits else RESYNC_SECONDS)
    if "hard" in status and "used" in status and parse(status["hard"]) == hard and before == used:
        return (again,)
    changed = {**quota, "status": {**status, "hard": written(hard), "used": written(used)}}
    return (Update(RESOURCE_QUOTAS, changed, "status"), again)


def _used(observation: Observation, name: str, before: Amounts) -> Quantity | None:
    counted, known = observation.counted.get(name), before.get(name)
    if counted is None or known is None or counted >= known:
        # What nobody can count stays as it was.
        return known if counted is None else counted
    waiting = observation.in_flight.get(name)
    return counted if waiting is None else min(known, counted + waiting)
