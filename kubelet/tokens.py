"""Service-account tokens for pods, asked for by ``TokenRequest`` and renewed in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelet.volumes.plugin import TokenReference, VolumeError
from minikube_py.api.errors import ApiError
from minikube_py.api.meta import Object, name_of, namespace_of, uid_of
from minikube_py.api.resources import SERVICE_ACCOUNTS
from minikube_py.api.times import parse_time
from minikube_py.client.protocol import Client, ConnectionFailed
from minikube_py.runtime.clock import Clock

RENEWED_AFTER = 0.8
"""The share of its life after which a token is renewed."""
LONGEST_USE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Token:
    """A token with the time from which it should be renewed and the time at which it ends."""

    text: str
    renew_at: datetime
    expires_at: datetime


class TokenManager:
    """Holds the tokens of this node's pods; one is asked for only when there is none that is fresh enough."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._tokens: dict[tuple[str, TokenReference], Token] = {}

    async def token(self, pod: Object, reference: TokenReference) -> Token:
        """A token bound to the pod. Raises VolumeError where none is to be had and the last one has ended."""
        key = (uid_of(pod), reference)
        now = self._clock.now()
        held = self._tokens.get(key)
        if held is not None and now < held.renew_at:
            return held
        try:
            self._tokens[key] = await self._request(pod, reference, now)
        except (ApiError, ConnectionFailed) as error:
            if held is not None and now < held.expires_at:
                return held
            raise VolumeError(f"failed to fetch token: {error}") from error
        return self._tokens[key]

    def forget(self, pod_uid: str) -> None:
        """Drops the tokens of a pod that is gone."""
        for key in [key for key in self._tokens if key[0] == pod_uid]:
            del self._tokens[key]

    async def _request(self, pod: Object, reference: TokenReference, now: datetime) -> Token:
        account = pod["spec"].get("serviceAccountName") or "default"
        body: Object = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "metadata": {},
            "spec": {
                "audiences": [reference.audience] if reference.audience else [],
                "expirationSeconds": reference.expiration_seconds,
                "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": name_of(pod), "uid": uid_of(pod)},
            },
        }
        answer = await self._client.post(SERVICE_ACCOUNTS, account, "token", body, namespace=namespace_of(pod))
        expires_at = parse_time(answer["status"]["expirationTimestamp"])
        life = min((expires_at - now) * RENEWED_AFTER, LONGEST_USE)
        return Token(answer["status"]["token"], now + life, expires_at)
