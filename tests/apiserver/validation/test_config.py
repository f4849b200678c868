from __future__ import annotations

from typing import Any

import pytest

from apiserver.strategies import strategy_for
from minikube_py.api import resources

SECRET = resources.SECRETS
HIDDEN = '"<secret contents redacted>"'


def secret(kind: str, **data: str) -> dict[str, Any]:
    return {"type": f"kubernetes.io/{kind}", "stringData": data}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(secret("dockerconfigjson", **{".dockerconfigjson": "{}"}), [], id="a registry's"),
        pytest.param(secret("basic-auth", username="a"), [], id="a name"),
        pytest.param(secret("tls"), ["data[tls.crt]", "data[tls.key]"], id="tls without its keys"),
        pytest.param(secret("ssh-auth", **{"ssh-privatekey": ""}), ["data[ssh-privatekey]"], id="an empty key"),
        pytest.param(secret("basic-auth"), ["data[username]", "data[password]"], id="neither name nor password"),
        pytest.param(
            secret("service-account-token"),
            ["metadata.annotations[kubernetes.io/service-account.name]"],
            id="a token of nobody",
        ),
    ],
)
def test_what_the_type_of_a_secret_asks_for(rules: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert rules.create(SECRET, obj) == [f"FieldValueRequired {path}: Required value" for path in expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "unexpected end of JSON input", id="nothing"),
        pytest.param("[]", "must be a JSON object", id="a list"),
        pytest.param("{", "must be a JSON document: ", id="half a document"),
    ],
)
def test_a_registry_secret_is_json(rules: Any, text: str, message: str) -> None:
    (error,) = rules.create(SECRET, secret("dockerconfigjson", **{".dockerconfigjson": text}))
    assert error.startswith(f"FieldValueInvalid data[.dockerconfigjson]: Invalid value: {HIDDEN}: {message}")


def test_an_annotation_of_accounts_is_on_its_way_out() -> None:
    meta = {"annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}}
    (warning,) = strategy_for(resources.SERVICE_ACCOUNTS).warnings({"metadata": meta})
    assert warning.startswith("metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+")
