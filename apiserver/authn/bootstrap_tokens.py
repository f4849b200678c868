"""Bootstrap tokens: ``<id>.<secret>`` of a Secret in ``kube-system``, as joining hosts show them.

Follows ``k8s.io/kubernetes/plugin/pkg/auth/authenticator/token/bootstrap``.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re

from apiserver.authn.jwt import InvalidToken
from apiserver.context import UserInfo
from apiserver.storage.cache import WatchCache
from minikube_py.api.meta import Object, is_deleting
from minikube_py.api.times import parse_time
from minikube_py.runtime.clock import Clock

SECRET_TYPE = "bootstrap.kubernetes.io/token"
NAMESPACE = "kube-system"
DEFAULT_GROUP = "system:bootstrappers"
_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")
_FRESH_SECONDS = 10.0


class BootstrapTokens:
    """Tells users by the Secrets of type ``bootstrap.kubernetes.io/token`` in the watch cache."""

    def __init__(self, secrets: WatchCache, clock: Clock) -> None:
        self._secrets = secrets
        self._clock = clock

    @staticmethod
    def is_one(token: str) -> bool:
        """Whether a token has the form of a bootstrap token."""
        return _TOKEN.fullmatch(token) is not None

    async def authenticate(self, token: str) -> UserInfo:
        """The user ``system:bootstrap:<id>``. Raises InvalidToken saying why it is refused."""
        token_id, _, secret = token.partition(".")
        key = f"{NAMESPACE}/bootstrap-token-{token_id}"
        found = self._secrets.get(key)
        if found is None:
            # The cache of this process may be behind the one that created it.
            await self._secrets.wait_fresh(_FRESH_SECONDS)
            found = self._secrets.get(key)
        if found is None:
            raise InvalidToken("no such bootstrap token")
        return self._user(found.object, token_id, secret)

    def _user(self, stored: Object, token_id: str, secret: str) -> UserInfo:
        if is_deleting(stored):
            raise InvalidToken("the bootstrap token is being deleted")
        if stored.get("type") != SECRET_TYPE:
            raise InvalidToken(f"the Secret of the bootstrap token is not of type {SECRET_TYPE}")
        data = {name: _decoded(value) for name, value in (stored.get("data") or {}).items()}
        if not hmac.compare_digest(data.get("token-secret", "").encode(), secret.encode()):
            raise InvalidToken("wrong secret of the bootstrap token")
        if data.get("token-id") != token_id:
            raise InvalidToken("the Secret's token-id is another")
        if self._expired(data.get("expiration", "")):
            raise InvalidToken("the bootstrap token has expired")
        if data.get("usage-bootstrap-authentication") != "true":
            raise InvalidToken("the bootstrap token may not be used for authentication")
        groups = {group.strip() for group in data.get("auth-extra-groups", "").split(",") if group.strip()}
        if not all(_GROUP.fullmatch(group) for group in groups):
            raise InvalidToken("the bootstrap token names groups that it may not give")
        return UserInfo(
            f"system:bootstrap:{token_id}", groups=(*sorted({DEFAULT_GROUP, *groups}), "system:authenticated")
        )

    def _expired(self, expiration: str) -> bool:
        if not expiration:
            return False
        try:
            return parse_time(expiration) <= self._clock.now()
        except ValueError:
            # As upstream, a time that can't be read counts as passed.
            return True


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
