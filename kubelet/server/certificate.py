"""The endpoint's TLS: certificate files that are given, or a self-signed one made here."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

_LIFETIME = timedelta(days=365)


def server_context(certificate_file: str, key_file: str, client_ca_file: str) -> ssl.SSLContext:
    """TLS 1.2 or newer; a client certificate is verified where one is shown. Raises OSError, ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate_file, key_file)
    context.load_verify_locations(client_ca_file)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def self_signed(directory: str, node_name: str, addresses: Sequence[str]) -> tuple[str, str]:
    """Paths of ``kubelet.crt`` and ``kubelet.key`` in ``directory``, made where they are missing or have expired."""
    certificate_path, key_path = Path(directory, "kubelet.crt"), Path(directory, "kubelet.key")
    if not (key_path.exists() and _is_valid(certificate_path)):
        _write_pair(certificate_path, key_path, node_name, addresses)
    return str(certificate_path), str(key_path)


def _is_valid(path: Path) -> bool:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return False
    return certificate.not_valid_after_utc > datetime.now(UTC)


def _write_pair(certificate_path: Path, key_path: Path, node_name: str, addresses: Sequence[str]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{node_name}@{int(datetime.now(UTC).timestamp())}")])
    names: list[x509.GeneralName] = [x509.DNSName(node_name)]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_path.parent.mkdir(parents=True, exist_ok=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private)
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
