"""JSON web tokens signed with RS256, as far as service-account tokens need them (RFC 7515, RFC 7519)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey


class InvalidToken(ValueError):
    """The token is not one that the key has signed."""


def encode_segment(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_segment(text: str) -> bytes:
    """The bytes of a base64url segment. Raises InvalidToken."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise InvalidToken(str(error)) from None


def load_public_key(pem: bytes) -> RSAPublicKey:
    """An RSA public key, or that of a private key or certificate. Raises ValueError."""
    if b"PRIVATE KEY" in pem:
        return load_private_key(pem).public_key()
    key = serialization.load_pem_public_key(pem)
    if not isinstance(key, RSAPublicKey):
        raise ValueError("service-account keys must be RSA")
    return key


def load_private_key(pem: bytes) -> RSAPrivateKey:
    """An RSA private key. Raises ValueError."""
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("service-account keys must be RSA")
    return key


def key_id(key: RSAPublicKey) -> str:
    """The ``kid`` that upstream derives from a public key."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encode_segment(hashlib.sha256(der).digest())


def sign(claims: dict[str, Any], key: RSAPrivateKey) -> str:
    """A signed token with these claims."""
    header = {"alg": "RS256", "kid": key_id(key.public_key())}
    signed = f"{encode_segment(orjson.dumps(header))}.{encode_segment(orjson.dumps(claims))}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{encode_segment(signature)}"


def unverified_claims(token: str) -> dict[str, Any]:
    """The claims of a token, whoever signed it. Raises InvalidToken."""
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidToken("not a JSON web token")
    try:
        claims = orjson.loads(decode_segment(parts[1]))
    except orjson.JSONDecodeError as error:
        raise InvalidToken(str(error)) from None
    if not isinstance(claims, dict):
        raise InvalidToken("claims are not an object")
    return claims


def verify(token: str, key: RSAPublicKey) -> dict[str, Any]:
    """The claims of a token that ``key`` has signed. Raises InvalidToken; dates and audience are the caller's."""
    claims = unverified_claims(token)
    signed, _, signature = token.rpartition(".")
    try:
        header = orjson.loads(decode_segment(token.partition(".")[0]))
    except orjson.JSONDecodeError as error:
        raise InvalidToken(str(error)) from None
    if not isinstance(header, dict) or header.get("alg") != "RS256":
        raise InvalidToken("unexpected signature algorithm")
    try:
        key.verify(decode_segment(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise InvalidToken("invalid signature") from None
    return claims


def public_jwk(key: RSAPublicKey) -> dict[str, str]:
    """The key as ``/openid/v1/jwks`` lists it."""
    numbers = key.public_numbers()

    def number(value: int) -> str:
        return encode_segment(value.to_bytes((value.bit_length() + 7) // 8, "big"))

    return {
        "use": "sig",
        "kty": "RSA",
        "kid": key_id(key),
        "alg": "RS256",
        "n": number(numbers.n),
        "e": number(numbers.e),
    }
