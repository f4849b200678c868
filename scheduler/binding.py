"""The scheduler's effects on the API: binding a pod, and telling why it is not bound."""

from __future__ import annotations

import enum
from random import Random

import structlog

from minikube_py.api import pods
from minikube_py.api.errors import ApiError, Conflict, NotFound
from minikube_py.api.meta import Object, find_condition, name_of, uid_of
from minikube_py.api.resources import PODS
from minikube_py.api.times import format_time
from minikube_py.client.protocol import Client, ConnectionFailed, PatchType
from minikube_py.runtime.backoff import Backoff
from minikube_py.runtime.clock import Clock
from scheduler.pod_info import PodInfo

log = structlog.get_logger("scheduler")

UNSCHEDULABLE = "Unschedulable"
SCHEDULER_ERROR = "SchedulerError"


class Outcome(enum.Enum):
    """How a binding ended."""

    BOUND = "bound"
    FAILED = "failed"
    """The pod is still unbound, and may be tried again."""
    GONE = "gone"
    """The pod was deleted, or somebody else has bound it."""


class Binder:
    """Writes what the scheduler has decided."""

    def __init__(self, client: Client, clock: Clock, random: Random) -> None:
        self._client = client
        self._clock = clock
        self._random = random

    async def bind(self, pod: PodInfo) -> tuple[Outcome, str]:
        """Binds the pod to ``pod.node_name``: the outcome, and for a failure its cause.

        Where the answer leaves open whether the pod was bound, the pod is read until that is known.
        """
        name = name_of(pod.pod)
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": pod.namespace, "uid": pod.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": pod.node_name},
        }
        try:
            await self._client.post(PODS, name, "binding", body, namespace=pod.namespace)
        except NotFound:
            return Outcome.GONE, ""
        except (ApiError, ConnectionFailed) as error:
            if isinstance(error, ConnectionFailed | Conflict) or error.retriable:
                return await self._find_out(pod), str(error)
            return Outcome.FAILED, str(error)
        return Outcome.BOUND, ""

    async def _find_out(self, pod: PodInfo) -> Outcome:
        """Whether the pod is bound, asked until the API server answers."""
        backoff = Backoff(self._random, initial=0.2, maximum=5.0)
        while True:
            try:
                current = await self._client.get(PODS, name_of(pod.pod), pod.namespace)
            except NotFound:
                return Outcome.GONE
            except (ApiError, ConnectionFailed) as error:
                log.debug("Binding still unknown", pod=pod.key, error=str(error))
                await self._clock.sleep(backoff.next())
                continue
            if uid_of(current) != pod.uid:
                return Outcome.GONE
            bound_to = pods.node_name(current)
            if bound_to:
                return Outcome.BOUND if bound_to == pod.node_name else Outcome.GONE
            return Outcome.FAILED

    async def tell_unscheduled(self, pod: Object, namespace: str, reason: str, message: str) -> None:
        """Sets the condition ``PodScheduled`` to false unless it says the same already; a failure is only logged."""
        condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
        known = find_condition(pod, "PodScheduled") or {}
        if all(known.get(name) == value for name, value in condition.items()):
            return
        changed = known.get("status") != "False"
        transition = format_time(self._clock.now()) if changed else known.get("lastTransitionTime")
        patch = {
            # The uid is a precondition: the pod may have been replaced by one of the same name.
            "metadata": {"uid": uid_of(pod)},
            "status": {"conditions": [condition | {"lastProbeTime": None, "lastTransitionTime": transition}]},
        }
        try:
            await self._client.patch(
                PODS, name_of(pod), patch, namespace=namespace, patch_type=PatchType.STRATEGIC, subresource="status"
            )
        except NotFound:
            return
        except (ApiError, ConnectionFailed) as error:
            log.warning("Condition not written", pod=f"{namespace}/{name_of(pod)}", error=str(error))
