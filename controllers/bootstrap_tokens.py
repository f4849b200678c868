"""The token cleaner: bootstrap tokens are deleted when they expire."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from controllers.actions import Delete, RequeueAfter, delete
from controllers.perform import Performer
from minikube_py.api.meta import Object, key_of
from minikube_py.api.resources import SECRETS
from minikube_py.api.times import parse_time
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAMESPACE = "kube-system"
TYPE = "bootstrap.kubernetes.io/token"


@dataclass(frozen=True, slots=True)
class Observation:
    """A bootstrap token's Secret."""

    secret: Object
    now: datetime


def sync(observation: Observation) -> tuple[Delete | RequeueAfter, ...]:
    """Deletes an expired token, and looks again when one will have; one that does not expire stays.

    An expiration that is no time counts as past, as upstream.
    """
    encoded = (observation.secret.get("data") or {}).get("expiration")
    if not encoded:
        return ()
    try:
        remaining = (parse_time(base64.b64decode(encoded).decode()) - observation.now).total_seconds()
    except ValueError:
        remaining = 0.0
    return (RequeueAfter(remaining),) if remaining > 0 else (delete(SECRETS, observation.secret),)


class TokenCleaner:
    """Works token by token."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._secrets = context.informers.informer(SECRETS, namespace=NAMESPACE, field_selector=f"type={TYPE}")
        self._queue = WorkQueue("token_cleaner", context.clock)
        writes = Writes(context.clock, self._secrets)
        self._performer = Performer(context.client, writes=writes)
        self._secrets.add_handler(self._on_secret)
        context.add(Controller("token-cleaner-controller", self._queue, self._reconcile, context.clock, writes=writes))

    def _on_secret(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    async def _reconcile(self, key: str) -> float | None:
        secret = self._secrets.get(key)
        if secret is None:
            return None
        return await self._performer.perform(key, sync(Observation(secret, self._clock.now())))
