from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from controllers.certificates import signers
from controllers.certificates.authority import Authority
from controllers.certificates.sync import delete_at, is_to_be_signed
from minikube_py.api.meta import Object
from minikube_py.api.resources import CERTIFICATE_SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS
from minikube_py.api.times import format_time

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CLIENT = ("client auth", "digital signature", "key encipherment")
SERVING = ("server auth", "digital signature", "key encipherment")
KEY = ec.generate_private_key(ec.SECP256R1())
CA_KEY = ec.generate_private_key(ec.SECP256R1())


def request(name: str = "system:node:n1", group: str = "system:nodes", *names: x509.GeneralName) -> Any:
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEY, hashes.SHA256())


def csr(signer: str, asked: Any = None, usages: tuple[str, ...] = CLIENT, **spec: Any) -> Object:
    pem = (asked or request()).public_bytes(serialization.Encoding.PEM)
    given = {"signerName": signer, "usages": list(usages), "request": base64.b64encode(pem).decode(), **spec}
    return {"metadata": {"name": "asked"}, "spec": given}


def ca(lasts: timedelta = timedelta(days=3650)) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    begins = NOW - timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(CA_KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(begins).not_valid_after(begins + lasts)
    return builder.sign(CA_KEY, hashes.SHA256())


DNS, IP = x509.DNSName("n1"), x509.IPAddress(ip_address("192.0.2.1"))
EMAIL, URI = x509.RFC822Name("a@example.com"), x509.UniformResourceIdentifier("https://example.com")


@pytest.mark.parametrize(
    ("signer", "asked", "usages", "problem"),
    [
        pytest.param(signers.KUBELET_CLIENT, request(), CLIENT, "", id="a kubelet's client certificate"),
        pytest.param(signers.KUBELET_CLIENT, request(), CLIENT[:2], "", id="one without key encipherment"),
        pytest.param(
            signers.KUBELET_CLIENT,
            request(group="other"),
            CLIENT,
            "subject organization is not system:nodes",
            id="another organization",
        ),
        pytest.param(
            signers.KUBELET_CLIENT,
            request("n1"),
            CLIENT,
            "subject common name does not begin with system:node: ",
            id="not a node's name",
        ),
        pytest.param(
            signers.KUBELET_CLIENT,
            request("system:node:n1", "system:nodes", DNS),
            CLIENT,
            "DNS subjectAltNames are not allowed",
            id="a client with a DNS name",
        ),
        pytest.param(
            signers.KUBELET_CLIENT,
            request(),
            SERVING,
            "usages did not match [client auth digital signature key encipherment]",
            id="a client with a server's usages",
        ),
        pytest.param(
            signers.KUBELET_SERVING, request("system:node:n1", "system:nodes", IP), SERVING, "", id="a kubelet's server"
        ),
        pytest.param(
            signers.KUBELET_SERVING,
            request(),
            SERVING,
            "DNS or IP subjectAltName is required",
            id="a server without an address",
        ),
        pytest.param(
            signers.KUBELET_SERVING,
            request("system:node:n1", "system:nodes", IP, EMAIL),
            SERVING,
            "Email subjectAltNames are not allowed",
            id="a server with a mail address",
        ),
        pytest.param(
            signers.KUBELET_SERVING,
            request("system:node:n1", "system:nodes", IP, URI),
            SERVING,
            "URI subjectAltNames are not allowed",
            id="a server with a URI",
        ),
        pytest.param(signers.API_SERVER_CLIENT, request("jane", "dev"), ("client auth",), "", id="any client"),
        pytest.param(
            signers.API_SERVER_CLIENT,
            request("jane", "dev"),
            ("server auth",),
            "invalid usage for client certificate: server auth",
            id="a client that would be a server",
        ),
        pytest.param(
            signers.API_SERVER_CLIENT,
            request("jane", "dev"),
            ("digital signature",),
            "missing required usage for client certificate: client auth",
            id="a client that is none",
        ),
        pytest.param(signers.LEGACY_UNKNOWN, request("x", "y", URI), ("any",), "", id="the legacy signer signs all"),
    ],
)
def test_what_a_signer_signs(signer: str, asked: Any, usages: tuple[str, ...], problem: str) -> None:
    if not problem:
        signers.check(signer, asked, usages)
        return
    with pytest.raises(signers.Unfit) as raised:
        signers.check(signer, asked, usages)
    assert str(raised.value) == problem


@pytest.mark.parametrize(
    ("asked", "lasts"),
    [
        pytest.param(None, timedelta(days=365) - timedelta(minutes=5), id="nothing asked is the longest"),
        pytest.param(60, timedelta(minutes=10), id="never less than ten minutes"),
        pytest.param(3600, timedelta(hours=1), id="what is asked for"),
        pytest.param(10**9, timedelta(days=365) - timedelta(minutes=5), id="never more than the longest"),
    ],
)
def test_how_long_a_certificate_lasts(asked: int | None, lasts: timedelta) -> None:
    spec = {"usages": list(CLIENT)} | ({} if asked is None else {"expirationSeconds": asked})
    authority = Authority(ca(), CA_KEY, timedelta(days=365))
    signed = x509.load_pem_x509_certificate(authority.sign(request("n", "g", DNS, IP), spec, NOW))
    assert signed.not_valid_after_utc == NOW + lasts
    assert signed.not_valid_before_utc == NOW - timedelta(minutes=5)
    signed.verify_directly_issued_by(authority.certificate)
    extended = signed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(extended) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    usage = signed.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, True, False)
    names = signed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [DNS, IP]
    assert not signed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_nothing_outlasts_the_authority() -> None:
    authority = Authority(ca(timedelta(days=2)), CA_KEY, timedelta(days=365))
    signed = x509.load_pem_x509_certificate(authority.sign(request(), {"usages": list(CLIENT)}, NOW))
    assert signed.not_valid_after_utc == authority.certificate.not_valid_after_utc


def decided(kind: str, ago: timedelta, **status: Any) -> Object:
    condition = {"type": kind, "status": "True", "lastUpdateTime": format_time(NOW - ago)}
    return {**csr(signers.API_SERVER_CLIENT), "status": {"conditions": [condition], **status}}


@pytest.mark.parametrize(
    ("given", "ends", "due"),
    [
        pytest.param(decided("Approved", timedelta(0)), None, None, id="approved and not signed yet"),
        pytest.param(
            decided("Approved", timedelta(0), certificate="x"),
            None,
            timedelta(hours=1),
            id="an hour after it is signed",
        ),
        pytest.param(
            decided("Approved", timedelta(0), certificate="x"), NOW, timedelta(0), id="at once when it has expired"
        ),
        pytest.param(decided("Denied", timedelta(minutes=30)), None, timedelta(minutes=30), id="an hour after denial"),
        pytest.param(decided("Failed", timedelta(0)), None, timedelta(hours=1), id="an hour after failure"),
        pytest.param(
            {"metadata": {"creationTimestamp": format_time(NOW)}, "spec": {}}, None, timedelta(hours=24), id="undecided"
        ),
    ],
)
def test_when_a_request_is_deleted(given: Object, ends: datetime | None, due: timedelta | None) -> None:
    assert delete_at(given, ends) == (None if due is None else NOW + due)


def test_only_our_signers_and_what_is_approved_is_signed() -> None:
    assert is_to_be_signed(decided("Approved", timedelta(0)))
    assert not is_to_be_signed(decided("Denied", timedelta(0)))
    assert not is_to_be_signed(decided("Approved", timedelta(0), certificate="x"))
    foreign = decided("Approved", timedelta(0))
    foreign["spec"]["signerName"] = "example.com/mine"
    assert not is_to_be_signed(foreign)


class Reviews:
    """Answers subject access reviews, and takes approvals, in the API server's place."""

    def __init__(self, client: Any, *allowed: str) -> None:
        self.asked: list[str] = []
        create = client.create

        async def answering(resource: Any, obj: Object, **more: Any) -> Object:
            if resource != SUBJECT_ACCESS_REVIEWS:
                return await create(resource, obj, **more)
            subresource = obj["spec"]["resourceAttributes"]["subresource"]
            self.asked.append(subresource)
            return {**obj, "status": {"allowed": subresource in allowed}}

        update = client.update

        async def approving(resource: Any, obj: Object, *, subresource: str = "") -> Object:
            # The client in memory knows of no approvals; they change what a status update changes.
            return await update(resource, obj, subresource="status" if subresource == "approval" else subresource)

        client.create, client.update = answering, approving


@pytest.mark.parametrize(
    ("username", "allowed", "asked", "message"),
    [
        pytest.param(
            "system:node:n1",
            ["selfnodeclient"],
            ["selfnodeclient"],
            "Auto approving self kubelet client certificate after SubjectAccessReview.",
            id="a node renews its own",
        ),
        pytest.param(
            "system:bootstrap:abcdef",
            ["nodeclient"],
            ["nodeclient"],
            "Auto approving kubelet client certificate after SubjectAccessReview.",
            id="a node that joins",
        ),
        pytest.param("jane", [], ["nodeclient"], "", id="somebody without the right"),
    ],
)
async def test_kubelets_are_approved_by_right(
    harness, username: str, allowed: list[str], asked: list[str], message: str
) -> None:
    reviews = Reviews(harness.client, *allowed)
    await harness.start("certificatesigningrequest-approving-controller")
    harness.client.seed(CERTIFICATE_SIGNING_REQUESTS, csr(signers.KUBELET_CLIENT, username=username))
    await harness.settle()
    found = harness.client.object(CERTIFICATE_SIGNING_REQUESTS, "asked")
    conditions = (found.get("status") or {}).get("conditions") or []
    assert [one["message"] for one in conditions] == ([message] if message else [])
    assert reviews.asked[: len(asked)] == asked


async def test_what_is_approved_is_signed_and_what_is_unfit_fails(harness, tmp_path) -> None:
    (tmp_path / "ca.crt").write_bytes(ca().public_bytes(serialization.Encoding.PEM))
    (tmp_path / "ca.key").write_bytes(
        CA_KEY.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    files = {
        f"cluster_signing_{kind}_file": str(tmp_path / f"ca.{end}") for kind, end in (("cert", "crt"), ("key", "key"))
    }
    await harness.start("certificatesigningrequest-signing-controller", **files)
    fit, unfit = decided("Approved", timedelta(0)), decided("Approved", timedelta(0))
    unfit["metadata"] = {"name": "unfit"}
    unfit["spec"]["usages"] = ["server auth"]
    harness.client.seed(CERTIFICATE_SIGNING_REQUESTS, fit, unfit)
    await harness.settle()
    signed = harness.client.object(CERTIFICATE_SIGNING_REQUESTS, "asked")["status"]["certificate"]
    assert x509.load_pem_x509_certificate(base64.b64decode(signed)).subject == request().subject
    failed = harness.client.object(CERTIFICATE_SIGNING_REQUESTS, "unfit")["status"]["conditions"][-1]
    assert (failed["type"], failed["reason"]) == ("Failed", "SignerValidationFailure")


async def test_old_requests_are_deleted(harness) -> None:
    await harness.start("certificatesigningrequest-cleaner-controller")
    harness.client.seed(CERTIFICATE_SIGNING_REQUESTS, csr(signers.API_SERVER_CLIENT))
    await harness.advance(23 * 3600)
    assert harness.client.object(CERTIFICATE_SIGNING_REQUESTS, "asked") is not None
    await harness.advance(3700)
    assert harness.client.object(CERTIFICATE_SIGNING_REQUESTS, "asked") is None
