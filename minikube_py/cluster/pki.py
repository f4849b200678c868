"""The cluster's own PKI: a CA, the certificates it signs, the service-account key pair, the kubeconfigs.

File names and subjects follow kubeadm. Keys are ECDSA P-256, except the service-account key, which is RSA 2048
because RS256 is what token verifiers expect. Everything is made once and kept; a certificate that is missing,
expires within a month, or no longer covers its addresses is made again.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from minikube_py.client.kubeconfig import KubeConfig
from minikube_py.cluster.failures import PkiError
from minikube_py.cluster.settings import ClusterSettings

CA_LIFETIME = datetime.timedelta(days=3650)
CERTIFICATE_LIFETIME = datetime.timedelta(days=365)
RENEW_BEFORE = datetime.timedelta(days=30)
CLOCK_SKEW = datetime.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who a certificate is for: common name (the user), organizations (its groups), addresses it serves at."""

    common_name: str
    organizations: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    server: bool = False


@dataclass(frozen=True, slots=True)
class Authority:
    """The CA's certificate and key, in memory."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def write_private(path: Path, data: bytes) -> None:
    """Writes a file that only its owner can read, atomically."""
    temporary = path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    os.replace(temporary, path)


def _key_pem(key: EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _name(subject: Subject) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in subject.organizations]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, subject.common_name)])


def create_authority(now: datetime.datetime) -> Authority:
    """A new self-signed CA named ``kubernetes``, as kubeadm names it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_cert_sign=authority,
        crl_sign=False,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def issue(authority: Authority, subject: Subject, now: datetime.datetime) -> tuple[bytes, bytes]:
    """A new ``(certificate PEM, key PEM)`` for ``subject``, good as client and, if asked, as server."""
    key = ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if subject.server:
        usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + CERTIFICATE_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in subject.dns_names]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in subject.addresses]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(authority.key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM), _key_pem(key)


def load_authority(directory: Path, now: datetime.datetime) -> Authority:
    """The CA in ``directory``, made first where there is none. Raises PkiError where it can't be used."""
    certificate_file, key_file = directory / "ca.crt", directory / "ca.key"
    if not certificate_file.exists():
        if key_file.exists():
            raise PkiError(f"{key_file} is there but {certificate_file} is not: restore it, or 'minikube-py reset'")
        authority = create_authority(now)
        write_private(key_file, _key_pem(authority.key))
        certificate_file.write_bytes(authority.pem)
        return authority
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise PkiError(f"the CA in {directory} can't be read: {error}") from error
    if not isinstance(key, EllipticCurvePrivateKey):
        raise PkiError(f"{key_file} is not an ECDSA key")
    if certificate.not_valid_after_utc <= now:
        raise PkiError(f"{certificate_file} expired on {certificate.not_valid_after_utc:%Y-%m-%d}")
    return Authority(certificate, key)


def needs_renewal(pem: bytes, authority: Authority, subject: Subject, now: datetime.datetime) -> bool:
    """Whether a certificate must be made again: foreign, soon expired, or for another subject or address."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        certificate.verify_directly_issued_by(authority.certificate)
    except Exception:  # whatever makes it unusable is answered the same way: a new one
        return True
    if certificate.not_valid_after_utc - now < RENEW_BEFORE or certificate.subject != _name(subject):
        return True
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return bool(subject.dns_names or subject.addresses)
    served = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return not (
        set(subject.addresses) <= served and set(subject.dns_names) <= set(names.get_values_for_type(x509.DNSName))
    )


def ensure_certificate(
    authority: Authority, directory: Path, name: str, subject: Subject, now: datetime.datetime
) -> None:
    """``name.crt`` and ``name.key`` in ``directory``, made or renewed where they must be."""
    certificate_file, key_file = directory / f"{name}.crt", directory / f"{name}.key"
    complete = certificate_file.exists() and key_file.exists()
    if complete and not needs_renewal(certificate_file.read_bytes(), authority, subject, now):
        return
    certificate, key = issue(authority, subject, now)
    write_private(key_file, key)
    certificate_file.write_bytes(certificate)


def ensure_service_account_key(directory: Path) -> None:
    """``sa.key`` and ``sa.pub``, made where missing."""
    key_file, public_file = directory / "sa.key", directory / "sa.pub"
    if key_file.exists() and public_file.exists():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    write_private(key_file, _key_pem(key))
    public_file.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def ensure_kubeconfig(authority: Authority, file: Path, server: str, subject: Subject, now: datetime.datetime) -> None:
    """A kubeconfig with an embedded client certificate, made again when that or the server's address changes."""
    if file.exists():
        try:
            existing = KubeConfig.load(str(file))
        except ValueError:
            existing = None
        if (
            existing is not None
            and existing.server == server
            and existing.ca_data == authority.pem
            and existing.client_certificate_data
            and not needs_renewal(existing.client_certificate_data, authority, subject, now)
        ):
            return
    certificate, key = issue(authority, subject, now)
    config = KubeConfig(
        server=server,
        ca_data=authority.pem,
        client_certificate_data=certificate,
        client_key_data=key,
    )
    write_private(file, config.to_yaml(cluster="minikube-py", user=subject.common_name).encode())


def api_server_subject(settings: ClusterSettings) -> Subject:
    """The names and addresses that clients reach the API server by."""
    domain = settings.cluster_domain
    return Subject(
        "kube-apiserver",
        dns_names=(
            settings.node_name,
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            f"kubernetes.default.svc.{domain}",
        ),
        addresses=("127.0.0.1", settings.node_ip, settings.api_address),
        server=True,
    )


COMPONENT_SUBJECTS: dict[str, Callable[[ClusterSettings], Subject]] = {
    "admin": lambda _: Subject("kubernetes-admin", ("system:masters",)),
    "scheduler": lambda _: Subject("system:kube-scheduler"),
    "controller-manager": lambda _: Subject("system:kube-controller-manager"),
    "kubelet": lambda settings: Subject(f"system:node:{settings.node_name}", ("system:nodes",)),
    "proxy": lambda _: Subject("system:kube-proxy"),
    "dns": lambda _: Subject("system:dns"),
}


def ensure_pki(settings: ClusterSettings, now: datetime.datetime) -> None:
    """Everything under ``pki/`` and every kubeconfig of a one-host cluster. Raises PkiError."""
    directory = settings.data_dir / "pki"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority = load_authority(directory, now)
    ensure_certificate(authority, directory, "apiserver", api_server_subject(settings), now)
    ensure_certificate(
        authority,
        directory,
        "apiserver-kubelet-client",
        Subject("kube-apiserver-kubelet-client", ("kubeadm:cluster-admins",)),
        now,
    )
    ensure_certificate(
        authority,
        directory,
        "kubelet-server",
        Subject(
            f"system:node:{settings.node_name}",
            ("system:nodes",),
            dns_names=(settings.node_name, "localhost"),
            addresses=("127.0.0.1", settings.node_ip),
            server=True,
        ),
        now,
    )
    ensure_service_account_key(directory)
    for name, subject in COMPONENT_SUBJECTS.items():
        # The administrator's copy names the address that other hosts can reach.
        host = settings.node_ip if name == "admin" else "127.0.0.1"
        ensure_kubeconfig(
            authority,
            settings.data_dir / f"{name}.conf",
            f"https://{host}:{settings.api_port}",
            subject(settings),
            now,
        )
