"""Certificate signing requests as clients see them: made, decided, signed."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from minikube_py.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
SIGNER = "kubernetes.io/kube-apiserver-client"
MERGE = {"content-type": "application/merge-patch+json"}
APPROVED = {"type": "Approved", "status": "True", "reason": "ok"}
DENIED = {"type": "Denied", "status": "True", "reason": "no"}
JANE = ("jane", "devs", "system:authenticated")
KEY = ec.generate_private_key(ec.SECP256R1())


def pem(group: str = "devs") -> str:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, "joe"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)]
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(KEY, hashes.SHA256())
    return base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()


PEM = pem()


def body(name: str = "joe", **spec: Any) -> dict[str, Any]:
    base = {"request": PEM, "signerName": SIGNER, "usages": ["client auth"]}
    return {"metadata": {"name": name}, "spec": {**base, **spec}}


async def grant(api: Any, name: str, *rules: dict[str, Any]) -> None:
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    await api.ok("POST", f"{rbac}/clusterroles", {"metadata": {"name": name}, "rules": list(rules)})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}
    binding = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    await api.ok("POST", f"{rbac}/clusterrolebindings", binding)
    for row in (CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS):
        await api.core.caches[row].wait_fresh(5)


def rule(verbs: list[str], resources: list[str], **more: Any) -> dict[str, Any]:
    return {"apiGroups": ["certificates.k8s.io"], "resources": resources, "verbs": verbs, **more}


async def test_a_request_names_the_user_whatever_it_says(api: Any) -> None:
    await grant(api, "ask", rule(["create", "get", "update"], ["certificatesigningrequests"]))
    made = await api.ok("POST", REQUESTS, body(username="root", groups=["system:masters"]), user=JANE)
    assert made["spec"]["username"] == "jane"
    assert "system:masters" not in made["spec"]["groups"]
    assert "devs" in made["spec"]["groups"]
    changed = await api.ok("PUT", f"{REQUESTS}/joe", body(usages=["server auth"]), user=JANE)
    assert changed["spec"] == made["spec"], "a request's spec never changes"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param({"request": "AAAA"}, "PEM block type must be CERTIFICATE REQUEST", id="no request"),
        pytest.param({"usages": []}, "spec.usages: Required value", id="no usage"),
        pytest.param({"usages": ["any", "any"]}, 'spec.usages[1]: Duplicate value: "any"', id="a usage twice"),
        pytest.param({"usages": ["fun"]}, 'spec.usages[0]: Unsupported value: "fun"', id="an unknown usage"),
        pytest.param({"signerName": ""}, "spec.signerName: Required value", id="no signer"),
        pytest.param({"signerName": "a"}, "must be a fully qualified domain and path", id="a signer without a domain"),
        pytest.param(
            {"signerName": "a/b"}, "at least two segments separated by dots", id="a signer with a short domain"
        ),
        pytest.param({"signerName": "a.b/C"}, 'validating label "C"', id="a signer with a bad path"),
        pytest.param({"signerName": "kubernetes.io/legacy-unknown"}, "legacy signerName is not allowed", id="legacy"),
        pytest.param({"expirationSeconds": 599}, "less than 600 seconds (10 minutes)", id="too short a life"),
    ],
)
async def test_a_bad_request(api: Any, spec: dict[str, Any], message: str) -> None:
    answer = await api("POST", REQUESTS, body(**spec))
    assert answer.status == 422
    assert message in answer.message


async def test_no_client_certificate_for_the_masters(api: Any) -> None:
    answer = await api("POST", REQUESTS, body(request=pem("system:masters")))
    assert answer.status == 403
    assert answer.message.endswith(f"use of {SIGNER} signer with system:masters group is not allowed")
    assert (await api("POST", REQUESTS, body(request=pem("system:masters"), signerName="a.b/c"))).status == 201


async def test_a_decision_is_for_good(api: Any) -> None:
    await api.ok("POST", REQUESTS, body())
    approval = f"{REQUESTS}/joe/approval"
    decided = await api.ok("PATCH", approval, {"status": {"conditions": [APPROVED]}}, headers=MERGE)
    (condition,) = decided["status"]["conditions"]
    assert condition["lastUpdateTime"] == condition["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert (await api.ok("GET", approval))["status"] == decided["status"]
    for conditions, message in (
        ([], 'updates may not remove a condition of type "Approved"'),
        ([APPROVED, DENIED], "Approved and Denied conditions are mutually exclusive"),
        ([APPROVED, APPROVED], "Duplicate value"),
        ([APPROVED, {"type": "Failed", "status": "False"}], 'Unsupported value: "False": supported values: "True"'),
    ):
        answer = await api("PATCH", approval, {"status": {"conditions": conditions}}, headers=MERGE)
        assert answer.status == 422
        assert message in answer.message


async def test_a_decision_is_not_a_status(api: Any) -> None:
    await api.ok("POST", REQUESTS, body())
    answer = await api("PATCH", f"{REQUESTS}/joe/status", {"status": {"conditions": [APPROVED]}}, headers=MERGE)
    assert answer.status == 422
    assert 'updates may not add a condition of type "Approved"' in answer.message
    ignored = await api.ok("PATCH", f"{REQUESTS}/joe", {"status": {"conditions": [APPROVED]}}, headers=MERGE)
    assert ignored["status"] == {}


async def test_deciding_needs_the_signer(api: Any) -> None:
    await api.ok("POST", REQUESTS, body())
    await grant(api, "decide", rule(["patch"], ["certificatesigningrequests/approval"]))
    patch = ("PATCH", f"{REQUESTS}/joe/approval", {"status": {"conditions": [APPROVED]}})
    answer = await api(*patch, headers=MERGE, user=JANE)
    assert answer.status == 403
    assert answer.message == (
        f'certificatesigningrequests.certificates.k8s.io "joe" is forbidden: user not permitted to approve requests '
        f'with signerName "{SIGNER}"'
    )
    await grant(api, "signer", rule(["approve"], ["signers"], resourceNames=["kubernetes.io/*"]))
    assert (await api(*patch, headers=MERGE, user=JANE)).status == 200


async def test_signing_needs_the_signer_and_happens_once(api: Any) -> None:
    await api.ok("POST", REQUESTS, body())
    await grant(api, "status", rule(["patch"], ["certificatesigningrequests/status"]))
    patch = ("PATCH", f"{REQUESTS}/joe/status")
    certificate = {"status": {"certificate": base64.b64encode(certificate_pem()).decode()}}
    answer = await api(*patch, certificate, headers=MERGE, user=JANE)
    assert answer.status == 403
    assert "user not permitted to sign requests" in answer.message
    answer = await api(*patch, {"status": {"certificate": "eHl6"}}, headers=MERGE)
    assert "must contain at least one CERTIFICATE PEM block" in answer.message
    assert (await api(*patch, certificate, headers=MERGE)).status == 200
    answer = await api(*patch, {"status": {"certificate": None}}, headers=MERGE)
    assert "updates may not modify existing certificate content" in answer.message


def certificate_pem() -> bytes:
    import datetime

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "joe")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=1))
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
