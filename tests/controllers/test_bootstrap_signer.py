from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta

from controllers.bootstrap_signer import NAME, NAMESPACE, TOKEN_TYPE, TOKENS_NAMESPACE, signature
from minikube_py.api.meta import Object
from minikube_py.api.resources import CONFIG_MAPS, SECRETS
from minikube_py.api.times import format_time

CONTENT = "apiVersion: v1\nkind: Config\n"


def token(identity: str, **fields: str) -> Object:
    data = {"token-id": identity, "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true", **fields}
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    meta = {"name": f"bootstrap-token-{identity}", "namespace": TOKENS_NAMESPACE}
    return {"metadata": meta, "type": TOKEN_TYPE, "data": encoded}


def signatures(harness) -> dict[str, str]:
    data = harness.client.object(CONFIG_MAPS, NAME, NAMESPACE)["data"]
    assert data.pop("kubeconfig") == CONTENT
    return data


def test_a_signature_can_be_checked_with_the_token() -> None:
    header, payload, signed = signature(CONTENT, "abcdef", "0123456789abcdef").split(".")
    assert payload == ""
    assert json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))) == {"alg": "HS256", "kid": "abcdef"}
    whole = f"{header}.{base64.urlsafe_b64encode(CONTENT.encode()).decode().rstrip('=')}"
    digest = hmac.new(b"0123456789abcdef", whole.encode(), hashlib.sha256).digest()
    assert signed == base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def test_it_is_signed_with_every_token_that_may_sign_and_lives(harness) -> None:
    await harness.start("bootstrap-signer-controller")
    soon = format_time(harness.clock.now() + timedelta(seconds=60))
    harness.client.seed(
        SECRETS,
        token("aaaaaa"),
        token("bbbbbb", expiration=soon),
        token("cccccc", expiration="2001-01-01T00:00:00Z"),
        token("dddddd", **{"usage-bootstrap-signing": "false"}),
    )
    await harness.settle()
    meta = {"name": NAME, "namespace": NAMESPACE}
    harness.client.seed(CONFIG_MAPS, {"metadata": meta, "data": {"kubeconfig": CONTENT, "jws-kubeconfig-zzzzzz": "x"}})
    await harness.settle()
    assert sorted(signatures(harness)) == ["jws-kubeconfig-aaaaaa", "jws-kubeconfig-bbbbbb"]
    await harness.advance(61)
    assert sorted(signatures(harness)) == ["jws-kubeconfig-aaaaaa"]
    harness.client.remove(SECRETS, "bootstrap-token-aaaaaa", TOKENS_NAMESPACE)
    await harness.settle()
    assert signatures(harness) == {}


async def test_without_the_config_map_nothing_is_done(harness) -> None:
    await harness.start("bootstrap-signer-controller")
    harness.client.seed(SECRETS, token("aaaaaa"))
    await harness.settle()
    assert harness.client.writes() == []
