"""Credentials of a request to a user: a client certificate first, then a bearer token, else anonymous.

A bearer token is a ServiceAccount's or a bootstrap token.
"""

from __future__ import annotations

import time

import structlog
from starlette.requests import HTTPConnection

from apiserver.authn.bootstrap_tokens import BootstrapTokens
from apiserver.authn.certificates import expiry_of_certificate, peer_of, user_of_certificate
from apiserver.authn.jwt import InvalidToken
from apiserver.authn.tokens import TokenIssuer
from apiserver.context import ANONYMOUS, UserInfo
from apiserver.metrics import Metrics
from minikube_py.api.errors import Unauthorized
from minikube_py.runtime.clock import Clock

log = structlog.get_logger("apiserver")


class Authenticator:
    """Decides who a request comes from. Credentials that are wrong are refused, none at all are anonymous."""

    def __init__(self, tokens: TokenIssuer, bootstrap_tokens: BootstrapTokens, clock: Clock, metrics: Metrics) -> None:
        self._tokens = tokens
        self._bootstrap_tokens = bootstrap_tokens
        self._clock = clock
        self._metrics = metrics

    async def authenticate(self, connection: HTTPConnection) -> UserInfo:
        """The user. Raises Unauthorized."""
        started = time.monotonic()
        try:
            user = await self._user(connection)
        except Unauthorized:
            self._metrics.not_authenticated(time.monotonic() - started)
            raise
        if user is not ANONYMOUS:
            self._metrics.authenticated(user.name, time.monotonic() - started)
        return user

    async def _user(self, connection: HTTPConnection) -> UserInfo:
        peer = peer_of(connection.scope)
        if peer is not None:
            now = self._clock.now()
            user = user_of_certificate(peer, now)
            self._metrics.certificates.of().observe(expiry_of_certificate(peer) - now.timestamp())
            return user
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
            user = (await self._tokens.authenticate(token)).user
        except InvalidToken as error:
            log.info("Bearer token refused", cause=str(error))
            raise Unauthorized("Unauthorized") from None
        self._metrics.valid_tokens.of().value += 1
        return user
