"""The ciphers: each seals and opens one value. Pure but for the randomness of nonces.

A sealed value is ``k8s:enc:<provider>:v1:<key name>:`` and the ciphertext, so that a value tells by which key it can be
opened; keys are rotated by adding a new one in front of the old.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEALED = b"k8s:enc:"
_NONCE_BYTES = 12
_BLOCK_BYTES = 16


class CannotOpen(ValueError):
    """No configured key opens the value."""


@dataclass(frozen=True, slots=True)
class Key:
    """A named secret of 16, 24 or 32 bytes."""

    name: str
    secret: bytes


class Provider(Protocol):
    """One entry of ``providers``: its first key seals, any of its keys opens."""

    prefix: bytes

    def seal(self, value: bytes, context: bytes) -> bytes:
        """The sealed value. ``context`` (the object's key in the store) binds it to its place."""
        ...

    def open(self, sealed: bytes, context: bytes) -> tuple[bytes, bool]:
        """The value, and whether it was sealed by the first key. Raises CannotOpen."""
        ...


class Identity:
    """Leaves values as they are; opens what is not sealed."""

    prefix = b""

    def seal(self, value: bytes, context: bytes) -> bytes:
        """The value."""
        return value

    def open(self, sealed: bytes, context: bytes) -> tuple[bytes, bool]:
        """The value. Raises CannotOpen for one that is sealed."""
        if sealed.startswith(SEALED):
            raise CannotOpen("identity transformer tried to read encrypted data")
        return sealed, True


class _Keyed(ABC):
    """What providers with named keys share: the key's name stands before the ciphertext."""

    name: ClassVar[str]

    def __init__(self, keys: Sequence[Key]) -> None:
        self.prefix = f"k8s:enc:{self.name}:v1:".encode()
        self._keys = {key.name.encode(): key for key in keys}
        self._first = keys[0]

    def seal(self, value: bytes, context: bytes) -> bytes:
        """Sealed by the first key."""
        sealed = self._encrypt(self._first.secret, value, context)
        return b"%s%s:%s" % (self.prefix, self._first.name.encode(), sealed)

    def open(self, sealed: bytes, context: bytes) -> tuple[bytes, bool]:
        """Opened by the key that the value names. Raises CannotOpen."""
        name, _, ciphertext = sealed.removeprefix(self.prefix).partition(b":")
        key = self._keys.get(name)
        if key is None:
            raise CannotOpen(f"no matching key was found for the provided {self.name} transformer")
        return self._decrypt(key.secret, ciphertext, context), key is self._first

    @abstractmethod
    def _encrypt(self, secret: bytes, value: bytes, context: bytes) -> bytes: ...

    @abstractmethod
    def _decrypt(self, secret: bytes, ciphertext: bytes, context: bytes) -> bytes: ...


class AesGcm(_Keyed):
    """AES-GCM with a random nonce; the object's place is authenticated with it."""

    name = "aesgcm"

    def _encrypt(self, secret: bytes, value: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(secret).encrypt(nonce, value, context)

    def _decrypt(self, secret: bytes, ciphertext: bytes, context: bytes) -> bytes:
        try:
            return AESGCM(secret).decrypt(ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise CannotOpen("cipher: message authentication failed") from None


class AesCbc(_Keyed):
    """AES-CBC with PKCS#7 padding; kept for what was sealed with it, it does not authenticate."""

    name = "aescbc"

    def _encrypt(self, secret: bytes, value: bytes, context: bytes) -> bytes:
        vector = os.urandom(_BLOCK_BYTES)
        padder = padding.PKCS7(_BLOCK_BYTES * 8).padder()
        encryptor = Cipher(algorithms.AES(secret), modes.CBC(vector)).encryptor()
        return vector + encryptor.update(padder.update(value) + padder.finalize()) + encryptor.finalize()

    def _decrypt(self, secret: bytes, ciphertext: bytes, context: bytes) -> bytes:
        vector, body = ciphertext[:_BLOCK_BYTES], ciphertext[_BLOCK_BYTES:]
        try:
            decryptor = Cipher(algorithms.AES(secret), modes.CBC(vector)).decryptor()
            unpadder = padding.PKCS7(_BLOCK_BYTES * 8).unpadder()
            return unpadder.update(decryptor.update(body) + decryptor.finalize()) + unpadder.finalize()
        except ValueError:
            raise CannotOpen("invalid padding on input") from None
