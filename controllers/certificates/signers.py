"""What each of the ``kubernetes.io`` signers signs; pure. Follows ``k8s.io/kubernetes/pkg/apis/certificates``."""

from __future__ import annotations

import base64
from collections.abc import Collection

from cryptography import x509
from cryptography.x509.oid import NameOID

from minikube_py.api.meta import Object

LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"
API_SERVER_CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
SIGNERS = frozenset({LEGACY_UNKNOWN, API_SERVER_CLIENT, KUBELET_CLIENT, KUBELET_SERVING})

_NODES, _NODE_PREFIX = "system:nodes", "system:node:"


class Unfit(ValueError):
    """The request is not one that its signer signs; the text says why."""


def parse(csr: Object) -> x509.CertificateSigningRequest:
    """The PKCS #10 request of ``spec.request``. Raises Unfit."""
    try:
        return x509.load_pem_x509_csr(base64.b64decode(csr["spec"].get("request") or ""))
    except ValueError as error:
        raise Unfit(f'unable to parse csr "{csr["metadata"]["name"]}": {error}') from error


def check(signer: str, request: x509.CertificateSigningRequest, usages: Collection[str]) -> None:
    """Raises Unfit where ``signer`` does not sign the request for those usages."""
    match signer:
        case "kubernetes.io/kube-apiserver-client":
            _check_client_usages(usages)
        case "kubernetes.io/kube-apiserver-client-kubelet":
            _check_kubelet_client(request, usages)
        case "kubernetes.io/kubelet-serving":
            _check_kubelet_serving(request, usages)


def is_kubelet_client(request: x509.CertificateSigningRequest, usages: Collection[str]) -> bool:
    """Whether the request is for a kubelet's client certificate."""
    try:
        _check_kubelet_client(request, usages)
    except Unfit:
        return False
    return True


def common_name(request: x509.CertificateSigningRequest) -> str:
    """The subject's common name, or the empty string."""
    return next((str(one.value) for one in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)), "")


def alternative_names(request: x509.CertificateSigningRequest) -> x509.SubjectAlternativeName | None:
    """The subject's other names, if it has any."""
    try:
        return request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _check_client_usages(usages: Collection[str]) -> None:
    for usage in usages:
        if usage not in ("client auth", "digital signature", "key encipherment"):
            raise Unfit(f"invalid usage for client certificate: {usage}")
    if "client auth" not in usages:
        raise Unfit("missing required usage for client certificate: client auth")


def _check_kubelet_client(request: x509.CertificateSigningRequest, usages: Collection[str]) -> None:
    _check_organization(request)
    for kind in (x509.DNSName, x509.RFC822Name, x509.IPAddress, x509.UniformResourceIdentifier):
        _forbid(request, kind)
    _check_node_name(request)
    _check_usages(usages, "client auth")


def _check_kubelet_serving(request: x509.CertificateSigningRequest, usages: Collection[str]) -> None:
    _check_organization(request)
    names = alternative_names(request)
    if names is None or not (names.get_values_for_type(x509.DNSName) or names.get_values_for_type(x509.IPAddress)):
        raise Unfit("DNS or IP subjectAltName is required")
    for kind in (x509.RFC822Name, x509.UniformResourceIdentifier):
        _forbid(request, kind)
    _check_usages(usages, "server auth")
    _check_node_name(request)


def _check_organization(request: x509.CertificateSigningRequest) -> None:
    if [one.value for one in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] != [_NODES]:
        raise Unfit("subject organization is not system:nodes")


def _check_node_name(request: x509.CertificateSigningRequest) -> None:
    if not common_name(request).startswith(_NODE_PREFIX):
        raise Unfit("subject common name does not begin with system:node: ")


def _check_usages(usages: Collection[str], purpose: str) -> None:
    required = {purpose, "digital signature", "key encipherment"}
    if set(usages) not in (required, required - {"key encipherment"}):
        raise Unfit(f"usages did not match [{' '.join(sorted(required))}]")


_KINDS: dict[type[x509.GeneralName], str] = {
    x509.DNSName: "DNS",
    x509.RFC822Name: "Email",
    x509.IPAddress: "IP",
    x509.UniformResourceIdentifier: "URI",
}


def _forbid(request: x509.CertificateSigningRequest, kind: type[x509.GeneralName]) -> None:
    names = alternative_names(request)
    if names is not None and any(isinstance(name, kind) for name in names):
        raise Unfit(f"{_KINDS[kind]} subjectAltNames are not allowed")
