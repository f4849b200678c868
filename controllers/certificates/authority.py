"""The cluster's signing authority: a certificate for a request, as upstream's permissive signing policy makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID

from controllers.certificates.signers import alternative_names
from minikube_py.api.meta import Object

SHORTEST = timedelta(minutes=10)
_BACKDATED = timedelta(minutes=5)
_SHORT = timedelta(hours=8)
_EXTENDED = {
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "s/mime": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsec end system": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec tunnel": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec user": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "microsoft sgc": x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape sgc": x509.ObjectIdentifier("2.16.840.1.113730.4.1"),
}


@dataclass(frozen=True, slots=True)
class Authority:
    """The CA's certificate and key, and how long a certificate lasts at most."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey | RSAPrivateKey
    longest: timedelta

    @classmethod
    def load(cls, certificate_file: str, key_file: str, longest: timedelta) -> Authority:
        """Reads the PEM files. Raises OSError or ValueError where they can't be used."""
        certificate = x509.load_pem_x509_certificate(Path(certificate_file).read_bytes())
        key = serialization.load_pem_private_key(Path(key_file).read_bytes(), password=None)
        if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
            raise ValueError(f"{key_file} is neither an ECDSA nor an RSA key")
        return cls(certificate, key, longest)

    def sign(self, request: x509.CertificateSigningRequest, spec: Object, now: datetime) -> bytes:
        """A PEM certificate of the request's subject, other names and key, for the usages of ``spec``.

        ``spec.expirationSeconds`` is kept between ten minutes and the longest; nothing outlasts the CA.
        """
        lasts = self._lasting(spec.get("expirationSeconds"))
        begins = now - _BACKDATED
        ends = (now if lasts < _SHORT else begins) + lasts
        issuer_key = self.certificate.public_key()
        if not isinstance(issuer_key, type(self.key.public_key())):
            raise ValueError("the CA's key is not that of its certificate")
        usages = list(spec.get("usages") or [])
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(self.certificate.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(min(ends, self.certificate.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        )
        if (key_usage := _key_usage(usages)) is not None:
            builder = builder.add_extension(key_usage, critical=True)
        if extended := list(dict.fromkeys(_EXTENDED[usage] for usage in usages if usage in _EXTENDED)):
            builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
        if (names := alternative_names(request)) is not None:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _lasting(self, expiration_seconds: int | None) -> timedelta:
        if expiration_seconds is None:
            return self.longest
        return min(max(timedelta(seconds=expiration_seconds), SHORTEST), self.longest)


def _key_usage(usages: list[str]) -> x509.KeyUsage | None:
    """The key usage extension; None where no usage is of it."""
    agreement = "key agreement" in usages
    asked = {
        "digital_signature": "digital signature" in usages or "signing" in usages,
        "content_commitment": "content commitment" in usages,
        "key_encipherment": "key encipherment" in usages,
        "data_encipherment": "data encipherment" in usages,
        "key_agreement": agreement,
        "key_cert_sign": "cert sign" in usages,
        "crl_sign": "crl sign" in usages,
        # These two say something about key agreement, and nothing without it.
        "encipher_only": agreement and "encipher only" in usages,
        "decipher_only": agreement and "decipher only" in usages,
    }
    return x509.KeyUsage(**asked) if any(asked.values()) else None
