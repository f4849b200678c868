"""Service-account tokens, from TokenRequest to the user."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.authn.jwt import InvalidToken, encode_segment, unverified_claims, verify

TOKEN = "/api/v1/namespaces/default/serviceaccounts/default/token"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
PODS = "/api/v1/namespaces/default/pods"


def bearer(token: str) -> dict[str, Any]:
    return {"user": None, "headers": {"authorization": f"Bearer {token}"}}


async def issue(api: Any, **spec: Any) -> str:
    return str((await api.ok("POST", TOKEN, {"spec": spec}))["status"]["token"])


async def whoami(api: Any, token: str) -> Any:
    return await api("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, **bearer(token))


async def test_a_token_is_its_account(api: Any) -> None:
    answer = await whoami(api, await issue(api))
    user = answer.json["status"]["userInfo"]
    assert user["username"] == "system:serviceaccount:default:default"
    assert user["groups"] == ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]


async def test_the_claims_are_upstreams(api: Any) -> None:
    claims = unverified_claims(await issue(api, expirationSeconds=600))
    assert claims["iss"] == "https://kubernetes.default.svc.cluster.local"
    assert claims["exp"] - claims["iat"] == 600
    assert claims["kubernetes.io"]["serviceaccount"]["name"] == "default"


async def test_a_token_expires(api: Any) -> None:
    token = await issue(api, expirationSeconds=600)
    api.core.clock.advance(601)
    assert (await whoami(api, token)).status == 401


async def test_a_token_dies_with_its_account(api: Any) -> None:
    token = await issue(api)
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    await api.ok("DELETE", f"{accounts}/default")
    await api.ok("POST", accounts, {"metadata": {"name": "default"}})
    await api.ok("GET", accounts)
    assert (await whoami(api, token)).status == 401


async def test_a_token_dies_with_its_pod(api: Any) -> None:
    pod = await api.ok("POST", PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}})
    reference = {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": pod["metadata"]["uid"]}
    token = await issue(api, boundObjectRef=reference)
    user = (await whoami(api, token)).json["status"]["userInfo"]
    assert user["extra"]["authentication.kubernetes.io/pod-name"] == ["p"]
    await api.ok("DELETE", f"{PODS}/p")
    await api.ok("GET", PODS)
    assert (await whoami(api, token)).status == 401


async def test_a_token_for_somebody_else_is_reviewed_but_not_taken(api: Any) -> None:
    token = await issue(api, audiences=["vault"])
    assert (await whoami(api, token)).status == 401
    review = await api.ok("POST", REVIEWS, {"spec": {"token": token, "audiences": ["vault", "x"]}})
    assert review["status"]["authenticated"] is True
    assert review["status"]["audiences"] == ["vault"]
    review = await api.ok("POST", REVIEWS, {"spec": {"token": token}})
    assert "authenticated" not in review["status"]
    assert "audiences" in review["status"]["error"]


async def test_a_signature_is_checked(api: Any) -> None:
    header, claims, signature = (await issue(api)).split(".")
    assert (await whoami(api, f"{header}.{claims}.{signature[:-8]}AAAAAAAA")).status == 401
    unsigned = encode_segment(b'{"alg":"none"}')
    assert (await whoami(api, f"{unsigned}.{claims}.")).status == 401


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        pytest.param({"expirationSeconds": 60}, 422, id="for a minute"),
        pytest.param({"expirationSeconds": 2**33}, 422, id="for centuries"),
        pytest.param({"boundObjectRef": {"kind": "Pod", "name": "none"}}, 404, id="bound to nothing"),
        pytest.param({"boundObjectRef": {"kind": "ConfigMap", "name": "x"}}, 400, id="bound to a ConfigMap"),
        pytest.param({"boundObjectRef": {"kind": "Pod"}}, 422, id="bound to no name"),
    ],
)
async def test_a_token_is_refused(api: Any, spec: Any, status: int) -> None:
    assert (await api("POST", TOKEN, {"spec": spec})).status == status


async def test_the_issuers_keys_are_published(api: Any) -> None:
    document = await api.ok("GET", "/.well-known/openid-configuration")
    assert document["issuer"] == "https://kubernetes.default.svc.cluster.local"
    keys = (await api.ok("GET", "/openid/v1/jwks"))["keys"]
    assert keys[0]["alg"] == "RS256"


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "e30.e30.e30", "é.é.é"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        verify(token, None)  # type: ignore[arg-type]
