"""Credentials of a request to a user: a client certificate first, then a bearer token, else anonymous.

A bearer token is a ServiceAccount's or a bootstrap token.
"""

from __future__ import annotations

import structlog
from starlette.requests import HTTPConnection

from apiserver.authn.bootstrap_tokens import BootstrapTokens
from apiserver.authn.certificates import peer_of, user_of_certificate
from apiserver.authn.jwt import InvalidToken
from apiserver.authn.tokens import TokenIssuer
from apiserver.context import ANONYMOUS, UserInfo
from minikube_py.api.errors import Unauthorized
from minikube_py.runtime.clock import Clock

log = structlog.get_logger("apiserver")


class Authenticator:
    """Decides who a request comes from. Credentials that are wrong are refused, none at all are anonymous."""

    def __init__(self, tokens: TokenIssuer, bootstrap_tokens: BootstrapTokens, clock: Clock) -> None:
        self._tokens = tokens
        self._bootstrap_tokens = bootstrap_tokens
        self._clock = clock

    async def authenticate(self, connection: HTTPConnection) -> UserInfo:
        """The user. Raises Unauthorized."""
        peer = peer_of(connection.scope)
        if peer is not None:
            return user_of_certificate(peer, self._clock.now())
        authorization = connection.headers.get("authorization", "")
        if not authorization:
            return ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("Unauthorized")
        token = token.strip()
        try:
            if self._bootstrap_tokens.is_one(token):
                return await self._bootstrap_tokens.authenticate(token)
            return (await self._tokens.authenticate(token)).user
        except InvalidToken as error:
            log.info("Bearer token refused", cause=str(error))
            raise Unauthorized("Unauthorized") from None
