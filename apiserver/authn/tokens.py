"""Service-account tokens: issued for a ``TokenRequest``, verified on each request.

A token is good as long as it has not expired and the ServiceAccount, and the Pod or Secret it is bound to, still exist
with the uid they had. Follows ``k8s.io/kubernetes/pkg/serviceaccount``.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apiserver.authn.jwt import (
    InvalidToken,
    load_private_key,
    load_public_key,
    public_jwk,
    sign,
    verify,
)
from apiserver.context import UserInfo
from apiserver.storage.cache import WatchCache
from minikube_py.api.meta import Object, join_key, name_of, namespace_of, uid_of
from minikube_py.api.resources import NODES, PODS, SECRETS, SERVICE_ACCOUNTS, Resource
from minikube_py.runtime.clock import Clock

MIN_SECONDS = 600
"""The shortest life of a token that may be asked for."""
MAX_SECONDS = 2**32
_REMEMBERED = 4096
_BOUND = {"pod": PODS, "secret": SECRETS, "node": NODES}


@dataclass(frozen=True, slots=True)
class Binding:
    """The object whose end ends a token, and for a pod its node."""

    kind: str
    name: str
    uid: str
    node_name: str = ""
    node_uid: str = ""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A verified token: the user, and the audiences it is for."""

    user: UserInfo
    audiences: tuple[str, ...]


class TokenIssuer:
    """Signs and verifies service-account tokens with the cluster's key pair."""

    def __init__(
        self,
        *,
        public_key_pem: bytes,
        private_key_pem: bytes,
        issuer: str,
        caches: Mapping[Resource, WatchCache],
        clock: Clock,
    ) -> None:
        self.issuer = issuer
        self._public_key = load_public_key(public_key_pem)
        self._private_key = load_private_key(private_key_pem)
        self._caches = caches
        self._clock = clock
        self._verified: OrderedDict[bytes, dict[str, Any]] = OrderedDict()

    def issue(
        self,
        account: Object,
        *,
        seconds: int,
        audiences: Sequence[str],
        token_id: str,
        binding: Binding | None = None,
    ) -> tuple[str, float]:
        """A token for a ServiceAccount, and when it expires as a POSIX time."""
        now = int(self._clock.now().timestamp())
        private: dict[str, Any] = {
            "namespace": namespace_of(account),
            "serviceaccount": {"name": name_of(account), "uid": uid_of(account)},
        }
        if binding is not None:
            private[binding.kind] = {"name": binding.name, "uid": binding.uid}
            if binding.node_name:
                private["node"] = {"name": binding.node_name} | ({"uid": binding.node_uid} if binding.node_uid else {})
        claims = {
            "aud": list(audiences) or [self.issuer],
            "exp": now + seconds,
            "iat": now,
            "iss": self.issuer,
            "jti": token_id,
            "kubernetes.io": private,
            "nbf": now,
            "sub": f"system:serviceaccount:{namespace_of(account)}:{name_of(account)}",
        }
        return sign(claims, self._private_key), float(now + seconds)

    async def authenticate(self, token: str, audiences: Sequence[str] = ()) -> Authenticated:
        """The user of a token. Raises InvalidToken saying why it is refused.

        ``audiences`` are those that the caller identifies as; at least one of them must be the token's.
        """
        claims = self._signed(token)
        now = self._clock.now().timestamp()
        if claims.get("iss") != self.issuer:
            raise InvalidToken("unknown issuer")
        if not isinstance(claims.get("exp"), int) or claims["exp"] <= now:
            raise InvalidToken("token has expired")
        if claims.get("nbf", 0) > now + 10:
            raise InvalidToken("token is not valid yet")
        wanted = tuple(audiences) or (self.issuer,)
        sent = claims.get("aud")
        matching = tuple(a for a in wanted if a in (sent if isinstance(sent, list) else [sent]))
        if not matching:
            raise InvalidToken(f"token audiences {sent} is invalid for the target audiences {list(wanted)}")
        return Authenticated(await self._user(claims), matching)

    def public_keys(self) -> list[dict[str, str]]:
        """The keys that tokens are verified by, as JSON web keys."""
        return [public_jwk(self._public_key)]

    def _signed(self, token: str) -> dict[str, Any]:
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        claims = self._verified.get(digest)
        if claims is None:
            claims = self._verified[digest] = verify(token, self._public_key)
            while len(self._verified) > _REMEMBERED:
                self._verified.popitem(last=False)
        return claims

    async def _user(self, claims: dict[str, Any]) -> UserInfo:
        private = claims.get("kubernetes.io")
        if not isinstance(private, dict):
            raise InvalidToken("not a service-account token")
        account, namespace = private.get("serviceaccount") or {}, str(private.get("namespace", ""))
        name, uid = str(account.get("name", "")), str(account.get("uid", ""))
        await self._check_exists(SERVICE_ACCOUNTS, namespace, name, uid)
        extra: dict[str, tuple[str, ...]] = {}
        if claims.get("jti"):
            extra["authentication.kubernetes.io/credential-id"] = (f"JTI={claims['jti']}",)
        for kind, resource in _BOUND.items():
            bound = private.get(kind)
            if not isinstance(bound, dict):
                continue
            bound_name, bound_uid = str(bound.get("name", "")), str(bound.get("uid", ""))
            if kind != "node":
                await self._check_exists(resource, namespace, bound_name, bound_uid)
            if kind != "secret":
                extra[f"authentication.kubernetes.io/{kind}-name"] = (bound_name,)
                extra[f"authentication.kubernetes.io/{kind}-uid"] = (bound_uid,)
        return UserInfo(
            f"system:serviceaccount:{namespace}:{name}",
            uid,
            ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"),
            extra,
        )

    async def _check_exists(self, resource: Resource, namespace: str, name: str, uid: str) -> None:
        cache = self._caches[resource]
        key = join_key(namespace if resource.namespaced else "", name)
        await cache.ready(10.0)
        found = cache.get(key)
        if found is None:
            # The cache of this process may be behind the one that created it.
            await cache.wait_fresh(10.0)
            found = cache.get(key)
        if found is None or uid_of(found.object) != uid:
            raise InvalidToken(f"{resource.singular} {key} has been deleted or replaced")
