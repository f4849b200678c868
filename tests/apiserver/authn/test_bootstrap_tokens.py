from __future__ import annotations

import base64
from typing import Any

import pytest

TOKEN = "abcdef.0123456789abcdef"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
GOOD = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
    "expiration": "2999-01-01T00:00:00Z",
}


async def who(api: Any, data: dict[str, str | None], token: str = TOKEN, **secret: Any) -> Any:
    encoded = {k: base64.b64encode(v.encode()).decode() for k, v in (GOOD | data).items() if v is not None}
    body = {
        "metadata": {"name": "bootstrap-token-abcdef"},
        "type": "bootstrap.kubernetes.io/token",
        "data": encoded,
    }
    await api.ok("POST", "/api/v1/namespaces/kube-system/secrets", body | secret)
    return await api("POST", WHO, {}, user=None, headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize("expiration", ["2999-01-01T00:00:00Z", None], ids=["in time", "for ever"])
async def test_a_token_names_its_user(api: Any, expiration: str | None) -> None:
    answer = await who(api, {"expiration": expiration})
    assert answer.json["status"]["userInfo"] == {
        "username": "system:bootstrap:abcdef",
        "groups": [
            "system:bootstrappers",
            "system:bootstrappers:kubeadm:default-node-token",
            "system:authenticated",
        ],
    }


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"token-secret": "x123456789abcdef"}, id="another secret"),
        pytest.param({"token-id": "fedcba"}, id="another id"),
        pytest.param({"expiration": "2001-01-01T00:00:00Z"}, id="expired"),
        pytest.param({"expiration": "soon"}, id="a time that can't be read"),
        pytest.param({"usage-bootstrap-authentication": "false"}, id="not for authentication"),
        pytest.param({"auth-extra-groups": "system:masters"}, id="a group out of reach"),
    ],
)
async def test_a_token_that_is_not_good_is_refused(api: Any, wrong: dict[str, str]) -> None:
    answer = await who(api, wrong)
    assert (answer.status, answer.message) == (401, "Unauthorized")


async def test_a_secret_of_another_type_is_no_token(api: Any) -> None:
    assert (await who(api, {}, type="Opaque")).status == 401


async def test_an_unknown_token_is_refused(api: Any) -> None:
    answer = await api("POST", WHO, {}, user=None, headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status == 401
