"""Behaviours of authentication and authorisation: tokens, reviews, the issuer's discovery, signing requests."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from harness import Cluster, eventually
from pod_helpers import create, inside, ready, shell
from rest import Rest

ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture(scope="module")
def rest(cluster: Cluster) -> Rest:
    return Rest(cluster)


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace("auth") as name:
        yield name


@pytest.mark.conformance("ServiceAccount, create and review token")
def test_a_token_is_made_and_reviewed(rest: Rest, namespace: str) -> None:
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    rest.ok("POST", accounts, {"metadata": {"name": "robot"}})
    token = rest.ok("POST", f"{accounts}/robot/token", {"spec": {"expirationSeconds": 600}})["status"]["token"]
    review = rest.ok("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})
    assert review["status"]["authenticated"] is True
    assert review["status"]["user"]["username"] == f"system:serviceaccount:{namespace}:robot"
    assert "error" not in review["status"]


@pytest.mark.conformance("OIDC Discovery (ServiceAccountIssuerDiscovery)")
def test_a_pod_verifies_its_own_token_by_the_issuers_discovery(cluster: Cluster, rest: Rest, namespace: str) -> None:
    create(cluster, namespace, "verifier", containers=[shell("sleep 600")])
    ready(cluster, namespace, "verifier")
    token = inside(cluster, namespace, "verifier", f"cat {ACCOUNT_DIRECTORY}/token")
    header, claims, signature = (_decoded(part) for part in token.strip().split("."))
    as_pod = {"authorization": f"Bearer {token.strip()}"}
    anonymous = rest.client.__class__(base_url=rest.client.base_url, verify=False, headers=as_pod)
    with anonymous:
        configuration = anonymous.get("/.well-known/openid-configuration").json()
        keys = anonymous.get("/openid/v1/jwks").json()["keys"]
    assert json.loads(claims)["iss"] == configuration["issuer"]
    assert configuration["jwks_uri"].endswith("/openid/v1/jwks")
    [key] = [key for key in keys if key["kid"] == json.loads(header)["kid"]]
    _verify(key, token.strip().rpartition(".")[0].encode(), signature)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _verify(key: dict[str, str], signed: bytes, signature: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    numbers = rsa.RSAPublicNumbers(int.from_bytes(_decoded(key["e"]), "big"), int.from_bytes(_decoded(key["n"]), "big"))
    numbers.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.conformance("Service Account Tokens Must AutoMount")
def test_every_container_finds_its_account(cluster: Cluster, namespace: str) -> None:
    containers = [{**shell("sleep 600"), "name": name} for name in ("one", "two", "three")]
    create(cluster, namespace, "mounted", containers=containers)
    ready(cluster, namespace, "mounted")
    for container, file in (("one", "token"), ("two", "ca.crt"), ("three", "namespace")):
        words = ("mounted", "-n", namespace, "-c", container, "--", "cat", f"{ACCOUNT_DIRECTORY}/{file}")
        printed = cluster.kubectl("exec", *words)
        assert printed
        assert file != "namespace" or printed == namespace


@pytest.mark.conformance("Service account tokens auto mount optionally")
@pytest.mark.parametrize("of_account", [None, True, False], ids=["unset", "account true", "account false"])
@pytest.mark.parametrize("of_pod", [None, True, False], ids=["unset", "pod true", "pod false"])
def test_the_token_is_mounted_unless_somebody_says_no(
    rest: Rest, namespace: str, of_account: bool | None, of_pod: bool | None
) -> None:
    name = f"mount-{of_account}-{of_pod}".lower()
    account: dict[str, Any] = {"metadata": {"name": name}}
    if of_account is not None:
        account["automountServiceAccountToken"] = of_account
    rest.ok("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
    spec: dict[str, Any] = {"serviceAccountName": name, "containers": [{"name": "c", "image": "none:1"}]}
    if of_pod is not None:
        spec["automountServiceAccountToken"] = of_pod
    pod = rest.ok("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", {"metadata": {"name": name}, "spec": spec})
    mounts = [mount["mountPath"] for mount in pod["spec"]["containers"][0].get("volumeMounts", ())]
    expected = of_pod if of_pod is not None else of_account is not False
    assert (ACCOUNT_DIRECTORY in mounts) is expected


@pytest.mark.conformance("TokenRequestProjection should mount a projected volume with token using TokenRequest API.")
def test_a_projected_token(cluster: Cluster, namespace: str) -> None:
    source = {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 3600}}
    create(
        cluster, namespace, "projected",
        containers=[shell("sleep 600", volumeMounts=[{"name": "t", "mountPath": "/var/run/own"}])],
        volumes=[{"name": "t", "projected": {"sources": [source]}}],
    )  # fmt: skip
    ready(cluster, namespace, "projected")
    claims = json.loads(_decoded(inside(cluster, namespace, "projected", "cat /var/run/own/token").split(".")[1]))
    assert claims["aud"] == ["vault"]


@pytest.mark.conformance("RootCA ConfigMap test")
def test_the_root_certificate_is_published_and_kept(rest: Rest, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt"
    eventually(lambda: rest("GET", path).status_code == 200, "it is made")
    certificate = rest.ok("GET", path)["data"]["ca.crt"]
    uid = rest.ok("GET", path)["metadata"]["uid"]
    rest.ok("DELETE", path)
    eventually(
        lambda: rest("GET", path).status_code == 200 and rest.ok("GET", path)["metadata"]["uid"] != uid,
        "it is made again",
    )
    rest.patch(path, {"data": {"ca.crt": "", "more": "x"}})
    eventually(lambda: rest.ok("GET", path)["data"] == {"ca.crt": certificate}, "it is put right")


@pytest.mark.conformance("SubjectReview, API Operations")
def test_a_review_says_what_a_request_finds(rest: Rest, namespace: str) -> None:
    rest.ok("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "reviewed"}})
    user = f"system:serviceaccount:{namespace}:reviewed"
    attributes = {"verb": "list", "resource": "pods", "namespace": namespace, "version": "v1"}
    body = {"spec": {"user": user, "resourceAttributes": attributes}}
    reviews = "/apis/authorization.k8s.io/v1"
    pods = f"/api/v1/namespaces/{namespace}/pods"
    for granted in (False, True):
        if granted:
            subject = {"kind": "ServiceAccount", "name": "reviewed", "namespace": namespace}
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
            binding = {"metadata": {"name": "reviewed"}, "subjects": [subject], "roleRef": reference}
            rest.ok("POST", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings", binding)
        found = eventually(
            lambda granted=granted: (
                (answer := rest("GET", pods, user=user)).status_code == (200 if granted else 403) and answer
            ),
            "the request is answered as it should",
        )
        for path, review in (
            (f"{reviews}/subjectaccessreviews", body),
            (
                f"{reviews}/namespaces/{namespace}/localsubjectaccessreviews",
                {**body, "metadata": {"namespace": namespace}},
            ),
        ):
            assert rest.ok("POST", path, review)["status"]["allowed"] is (found.status_code == 200)


@pytest.mark.conformance("CertificateSigningRequest API")
def test_signing_requests(rest: Rest) -> None:
    group = "/apis/certificates.k8s.io/v1"
    resources = {resource["name"]: set(resource["verbs"]) for resource in rest.ok("GET", group)["resources"]}
    for subresource in ("approval", "status"):
        assert resources[f"certificatesigningrequests/{subresource}"] == {"get", "patch", "update"}
    path = f"{group}/certificatesigningrequests"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    pem = base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()
    spec = {"request": pem, "signerName": "example.com/e2e", "usages": ["digital signature", "client auth"]}
    for number in range(3):
        made = rest.ok("POST", path, {"metadata": {"name": f"csr-{number}", "labels": {"of": "a-test"}}, "spec": spec})
        assert made["spec"]["username"] == "kubernetes-admin"
    one = f"{path}/csr-0"
    rest.patch(one, {"metadata": {"annotations": {"patched": "yes"}}})
    approval = {"type": "Approved", "status": "True", "reason": "Test", "message": "told"}
    approved = rest.patch(f"{one}/approval", {"status": {"conditions": [approval]}})
    assert approved["status"]["conditions"][0]["type"] == "Approved"
    assert rest.ok("GET", f"{one}/approval")["status"] == approved["status"]
    approved["status"]["certificate"] = base64.b64encode(_certificate()).decode()
    signed = rest.ok("PUT", f"{one}/status", approved)
    assert signed["status"]["certificate"]
    rest.ok("DELETE", one)
    rest.gone(one)
    rest.ok("DELETE", f"{path}?labelSelector=of%3Da-test")
    assert rest.ok("GET", f"{path}?labelSelector=of%3Da-test")["items"] == []


def _certificate() -> bytes:
    import datetime

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)
