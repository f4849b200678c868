"""The bootstrap signer: ``cluster-info`` is signed with every bootstrap token, so that who joins can trust it.

As upstream, the ConfigMap ``kube-public/cluster-info`` is signed where it exists; nobody else makes it here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

from controllers.actions import RequeueAfter, Update
from controllers.perform import Performer
from minikube_py.api.meta import Object, is_deleting, key_of, name_of
from minikube_py.api.resources import CONFIG_MAPS, SECRETS
from minikube_py.api.times import parse_time
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAMESPACE, NAME = "kube-public", "cluster-info"
SIGNED_FIELD = "kubeconfig"
SIGNATURE_PREFIX = "jws-kubeconfig-"
TOKENS_NAMESPACE, TOKEN_TYPE, TOKEN_PREFIX = "kube-system", "bootstrap.kubernetes.io/token", "bootstrap-token-"


@dataclass(frozen=True, slots=True)
class Observation:
    """The ConfigMap and the bootstrap tokens there are."""

    config_map: Object
    tokens: tuple[Object, ...]
    now: datetime


def sync(observation: Observation) -> tuple[Update | RequeueAfter, ...]:
    """A signature for every token that may sign and has not expired, and no others."""
    data = observation.config_map.get("data") or {}
    content = data.get(SIGNED_FIELD)
    if not content:
        return ()
    kept = {field: value for field, value in data.items() if not field.startswith(SIGNATURE_PREFIX)}
    waits: list[float] = []
    for token in observation.tokens:
        fields = _fields(token)
        remaining = _remaining(fields, observation.now)
        identity, secret = fields.get("token-id", ""), fields.get("token-secret", "")
        fits = identity and secret and name_of(token) == f"{TOKEN_PREFIX}{identity}" and not is_deleting(token)
        if fits and fields.get("usage-bootstrap-signing") == "true" and (remaining is None or remaining > 0):
            kept[f"{SIGNATURE_PREFIX}{identity}"] = signature(content, identity, secret)
            waits += [] if remaining is None else [remaining]
    actions: list[Update | RequeueAfter] = []
    if kept != data:
        actions.append(Update(CONFIG_MAPS, {**observation.config_map, "data": kept}))
    return (*actions, *(RequeueAfter(min(waits)) for _ in waits[:1]))


def signature(content: str, token_id: str, token_secret: str) -> str:
    """A JSON web signature (HS256) of the content, which it leaves out."""
    header = _base64(orjson.dumps({"alg": "HS256", "kid": token_id}))
    signed = f"{header}.{_base64(content.encode())}".encode()
    return f"{header}..{_base64(hmac.new(token_secret.encode(), signed, hashlib.sha256).digest())}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _fields(token: Object) -> dict[str, str]:
    """The Secret's data as text; what is no text is left out."""
    fields = {}
    for field, encoded in (token.get("data") or {}).items():
        try:
            fields[field] = base64.b64decode(encoded).decode()
        except ValueError:
            continue
    return fields


def _remaining(fields: dict[str, str], now: datetime) -> float | None:
    """The seconds until the token expires, None for never; an expiration that is no time is past."""
    if not fields.get("expiration"):
        return None
    try:
        return (parse_time(fields["expiration"]) - now).total_seconds()
    except ValueError:
        return 0.0


class BootstrapSigner:
    """Works on the one ConfigMap, whenever that or a token changes."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._config_maps = context.informers.informer(
            CONFIG_MAPS, namespace=NAMESPACE, field_selector=f"metadata.name={NAME}"
        )
        self._tokens = context.informers.informer(
            SECRETS, namespace=TOKENS_NAMESPACE, field_selector=f"type={TOKEN_TYPE}"
        )
        self._queue = WorkQueue("bootstrap_signer_queue", context.clock)
        writes = Writes(context.clock, self._config_maps)
        self._performer = Performer(context.client, writes=writes)
        self._config_maps.add_handler(self._on_change)
        self._tokens.add_handler(self._on_change)
        context.add(
            Controller("bootstrap-signer-controller", self._queue, self._reconcile, context.clock, writes=writes)
        )

    def _on_change(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(f"{NAMESPACE}/{NAME}")

    async def _reconcile(self, key: str) -> float | None:
        config_map = self._config_maps.get(key)
        if config_map is None:
            return None
        tokens: Iterable[Object] = sorted(self._tokens.list(), key=key_of)
        return await self._performer.perform(key, sync(Observation(config_map, tuple(tokens), self._clock.now())))
