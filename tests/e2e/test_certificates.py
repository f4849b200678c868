"""A certificate signing request, approved and signed, gives its user access; one of a kubelet is approved by itself."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from harness import Cluster, eventually
from rest import Rest

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
WHO_AM_I = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


def pair(user: str, group: str) -> tuple[bytes, str]:
    """A new key and a request for it, both PEM, the request in base64."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group), x509.NameAttribute(NameOID.COMMON_NAME, user)]
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(key, hashes.SHA256())
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key_pem, base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()


def create(rest: Rest, name: str, signer: str, request: str, usages: list[str], **options: Any) -> None:
    spec = {"request": request, "signerName": f"kubernetes.io/{signer}", "usages": usages, "expirationSeconds": 3600}
    rest.ok("POST", REQUESTS, {"metadata": {"name": name}, "spec": spec}, **options)


def certificate(rest: Rest, name: str) -> bytes:
    found = eventually(
        lambda: (rest.ok("GET", f"{REQUESTS}/{name}").get("status") or {}).get("certificate"), f"{name} is signed"
    )
    return base64.b64decode(found)


def test_an_approved_request_gives_access(cluster: Cluster, tmp_path: Path) -> None:
    rest = Rest(cluster)
    key, request = pair("jane", "developers")
    create(rest, "jane", "kube-apiserver-client", request, ["client auth", "digital signature"])
    assert "Pending" in cluster.kubectl("get", "csr", "jane")
    cluster.kubectl("certificate", "approve", "jane")
    pem = certificate(rest, "jane")
    assert "Approved,Issued" in cluster.kubectl("get", "csr", "jane")
    (tmp_path / "jane.pem").write_bytes(pem + key)
    server = yaml.safe_load((cluster.data_dir / "admin.conf").read_text())["clusters"][0]["cluster"]
    context = ssl.create_default_context(cadata=base64.b64decode(server["certificate-authority-data"]).decode())
    context.load_cert_chain(tmp_path / "jane.pem")
    with httpx.Client(base_url=server["server"], verify=context, timeout=30) as client:
        answer = client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json=WHO_AM_I)
    assert answer.status_code == 201, answer.text
    who = answer.json()["status"]["userInfo"]
    assert (who["username"], "developers" in who["groups"]) == ("jane", True)
    rest.ok("DELETE", f"{REQUESTS}/jane")


def test_a_node_renews_its_own_certificate(cluster: Cluster) -> None:
    rest = Rest(cluster)
    name = "system:node:renewing"
    _, request = pair(name, "system:nodes")
    role = {"kind": "ClusterRole", "name": "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"}
    binding = {
        "metadata": {"name": "e2e-nodes-renew"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", **role},
        "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:nodes"}],
    }
    bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    rest.ok("POST", bindings, binding)
    usages = ["client auth", "digital signature"]
    create(rest, "renewing", "kube-apiserver-client-kubelet", request, usages, user=name, groups=("system:nodes",))
    assert certificate(rest, "renewing").startswith(b"-----BEGIN CERTIFICATE")
    [condition] = rest.ok("GET", f"{REQUESTS}/renewing")["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == ("Approved", "AutoApproved")
    rest.ok("DELETE", f"{REQUESTS}/renewing")
    rest.ok("DELETE", f"{bindings}/e2e-nodes-renew")


def test_a_request_that_its_signer_does_not_sign_fails(cluster: Cluster) -> None:
    rest = Rest(cluster)
    _, request = pair("system:node:odd", "others")
    create(rest, "odd", "kube-apiserver-client-kubelet", request, ["client auth"])
    cluster.kubectl("certificate", "approve", "odd")
    failed = eventually(
        lambda: [one for one in rest.ok("GET", f"{REQUESTS}/odd")["status"]["conditions"] if one["type"] == "Failed"],
        "the signer has refused it",
    )
    assert failed[0]["reason"] == "SignerValidationFailure"
    assert failed[0]["message"] == "subject organization is not system:nodes"
    rest.ok("DELETE", f"{REQUESTS}/odd")
