from __future__ import annotations

from datetime import timedelta

import pytest

from kubelet.tokens import TokenManager
from kubelet.volumes.plugin import TokenReference, VolumeError
from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource
from minikube_py.api.times import format_time
from minikube_py.client.fake import FakeClient
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime.clock import FakeClock

from .pods import pod

REFERENCE = TokenReference("", 3600)


class Issuer(FakeClient):
    """Answers TokenRequests."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.clock = clock
        self.requests: list[Object] = []
        self.is_down = False

    async def post(
        self, resource: Resource, name: str, subresource: str, body: Object, *, namespace: str = ""
    ) -> Object:
        if self.is_down:
            raise ConnectionFailed("down")
        self.requests.append(body["spec"])
        expires = self.clock.now() + timedelta(seconds=body["spec"]["expirationSeconds"])
        return {"status": {"token": f"token-{len(self.requests)}", "expirationTimestamp": format_time(expires)}}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issuer(clock: FakeClock) -> Issuer:
    return Issuer(clock)


async def test_a_token_is_bound_to_the_pod_and_kept_for_four_fifths_of_its_life(
    clock: FakeClock, issuer: Issuer
) -> None:
    manager = TokenManager(issuer, clock)
    assert (await manager.token(pod(), REFERENCE)).text == "token-1"
    clock.advance(2879)
    assert (await manager.token(pod(), REFERENCE)).text == "token-1"
    clock.advance(1)
    assert (await manager.token(pod(), REFERENCE)).text == "token-2"
    assert issuer.requests[0]["boundObjectRef"] == {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": "uid-p"}


async def test_an_old_token_does_while_none_can_be_had(clock: FakeClock, issuer: Issuer) -> None:
    manager = TokenManager(issuer, clock)
    await manager.token(pod(), REFERENCE)
    issuer.is_down = True
    clock.advance(3000)
    assert (await manager.token(pod(), REFERENCE)).text == "token-1"
    clock.advance(601)
    with pytest.raises(VolumeError, match="failed to fetch token: down"):
        await manager.token(pod(), REFERENCE)
