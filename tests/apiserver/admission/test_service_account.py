from __future__ import annotations

from typing import Any

import pytest

from apiserver.admission.mountable_secrets import ENFORCE, ephemeral_violation, refers_to_secrets, violation
from apiserver.admission.service_account import MOUNT_PATH

NAMESPACE = "/api/v1/namespaces/default"
ACCOUNT = {
    "metadata": {"name": "sa", "annotations": {ENFORCE: "true"}},
    "secrets": [{"name": "good"}],
    "imagePullSecrets": [{"name": "pull"}],
}
NOT_ALLOWED = "is not allowed because service account sa does not reference that secret"


def pod(name: str = "p", **spec: Any) -> Any:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "x"}], **spec}}


def container(**fields: Any) -> Any:
    return [{"name": "c", "image": "x", **fields}]


def from_secret(name: str) -> Any:
    return {"env": [{"name": "V", "valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}}]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"volumes": [{"name": "v", "secret": {"secretName": "good"}}]}, "", id="a listed secret"),
        pytest.param(
            {"volumes": [{"name": "v", "secret": {"secretName": "bad"}}]},
            f'volume with secret.secretName="bad" {NOT_ALLOWED}',
            id="a volume",
        ),
        pytest.param(
            {"containers": container(**from_secret("bad"))},
            f'container c with envVar V referencing secret.secretName="bad" {NOT_ALLOWED}',
            id="a variable",
        ),
        pytest.param(
            {"initContainers": container(envFrom=[{"secretRef": {"name": "bad"}}])},
            f'init container c with envFrom referencing secret.secretName="bad" {NOT_ALLOWED}',
            id="an init container's variables",
        ),
        pytest.param(
            {"imagePullSecrets": [{"name": "pull"}, {"name": "bad"}]},
            'imagePullSecrets[1].name="bad" is not allowed because service account sa does not reference that '
            "imagePullSecret",
            id="a secret to pull with",
        ),
    ],
)
def test_the_secrets_that_an_account_lets_its_pods_refer_to(spec: Any, expected: str) -> None:
    assert violation(pod(**spec), ACCOUNT) == expected


def test_ephemeral_containers_too() -> None:
    found = ephemeral_violation(pod(ephemeralContainers=container(**from_secret("bad"))), ACCOUNT)
    assert found == f'ephemeral container c with envVar V referencing secret.secretName="bad" {NOT_ALLOWED}'


@pytest.mark.parametrize(
    ("spec", "refers"),
    [
        ({}, False),
        ({"imagePullSecrets": [{"name": "s"}]}, True),
        ({"containers": container(**from_secret("s"))}, True),
        ({"volumes": [{"projected": {"sources": [{"secret": {"name": "s"}}]}}]}, True),
        ({"volumes": [{"csi": {"nodePublishSecretRef": {"name": "s"}}}]}, True),
        ({"volumes": [{"configMap": {"name": "s"}}]}, False),
    ],
)
def test_what_refers_to_secrets(spec: Any, refers: bool) -> None:
    assert refers_to_secrets(pod(**spec)) is refers


async def make_account(api: Any, name: str, **fields: Any) -> None:
    await api.ok("POST", f"{NAMESPACE}/serviceaccounts", {"metadata": {"name": name}, **fields})


async def test_secrets_are_enforced_over_a_server(api: Any) -> None:
    await api.ok("POST", f"{NAMESPACE}/serviceaccounts", ACCOUNT)
    spec = {"serviceAccountName": "sa", "containers": container(**from_secret("bad"))}
    answer = await api("POST", f"{NAMESPACE}/pods", pod(**spec))
    refused = f'container c with envVar V referencing secret.secretName="bad" {NOT_ALLOWED}'
    assert (answer.status, answer.message) == (403, f'pods "p" is forbidden: {refused}')
    created = await api.ok("POST", f"{NAMESPACE}/pods", pod(serviceAccountName="sa"))
    assert created["spec"]["imagePullSecrets"] == [{"name": "pull"}]


async def test_an_account_that_is_not_there(api: Any) -> None:
    answer = await api("POST", f"{NAMESPACE}/pods", pod(serviceAccountName="x"))
    assert answer.message == (
        'pods "p" is forbidden: error looking up service account default/x: serviceaccount "x" not found'
    )


@pytest.mark.conformance("Service account tokens auto mount optionally")
@pytest.mark.parametrize("of_account", [None, True, False])
@pytest.mark.parametrize("of_pod", [None, True, False])
async def test_a_token_is_mounted_unless_somebody_opts_out(api: Any, of_pod: Any, of_account: Any) -> None:
    await make_account(api, "sa", **({} if of_account is None else {"automountServiceAccountToken": of_account}))
    spec = {} if of_pod is None else {"automountServiceAccountToken": of_pod}
    created = await api.ok("POST", f"{NAMESPACE}/pods", pod(serviceAccountName="sa", **spec))
    mounts = [mount["mountPath"] for mount in created["spec"]["containers"][0].get("volumeMounts", [])]
    wanted = of_pod if of_pod is not None else of_account is not False
    assert mounts == ([MOUNT_PATH] if wanted else [])


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        ({"serviceAccountName": "default"}, "a mirror pod may not reference service accounts"),
        ({"containers": container(**from_secret("s"))}, "a mirror pod may not reference secrets"),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
            "a mirror pod may not use ServiceAccountToken volume projections",
        ),
    ],
)
async def test_what_a_mirror_pod_may_not(api: Any, spec: Any, cause: str) -> None:
    mirror = pod(**spec)
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    assert (await api("POST", f"{NAMESPACE}/pods", mirror)).message == f'pods "p" is forbidden: {cause}'
