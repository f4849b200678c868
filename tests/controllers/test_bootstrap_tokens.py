from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from controllers.bootstrap_tokens import NAMESPACE, TYPE, Observation, sync
from minikube_py.api.meta import Object
from minikube_py.api.resources import SECRETS
from minikube_py.api.times import format_time
from minikube_py.runtime.clock import FakeClock


def token(expiration: str | None, kind: str = TYPE) -> Object:
    data = {} if expiration is None else {"expiration": base64.b64encode(expiration.encode()).decode()}
    return {"metadata": {"name": "bootstrap-token-abcdef", "namespace": NAMESPACE}, "type": kind, "data": data}


@pytest.mark.parametrize(
    ("expiration", "expected"),
    [
        pytest.param(None, [], id="one that never expires"),
        pytest.param(timedelta(seconds=90), ["RequeueAfter"], id="one that will expire"),
        pytest.param(timedelta(seconds=-1), ["Delete"], id="one that has expired"),
        pytest.param("soon", ["Delete"], id="one whose expiration is no time"),
    ],
)
def test_what_becomes_of_a_token(expiration: timedelta | str | None, expected: list[str]) -> None:
    now = FakeClock().now()
    text = format_time(now + expiration) if isinstance(expiration, timedelta) else expiration
    assert [type(action).__name__ for action in sync(Observation(token(text), now))] == expected


async def test_a_token_is_deleted_when_it_expires(harness) -> None:
    await harness.start("token-cleaner-controller")
    harness.client.seed(SECRETS, token(format_time(harness.clock.now() + timedelta(seconds=60))))
    await harness.advance(59)
    assert len(harness.client.objects(SECRETS)) == 1
    await harness.advance(2)
    assert harness.client.objects(SECRETS) == []
