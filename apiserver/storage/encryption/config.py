"""``EncryptionConfiguration``: which kinds are sealed by which keys.

Follows ``apiserver.config.k8s.io/v1``; ``kms`` and ``secretbox`` are refused by name.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from apiserver.storage.encryption.providers import AesCbc, AesGcm, Identity, Key, Provider


class InvalidEncryptionConfiguration(ValueError):
    """The file cannot be used; the text names it and what is wrong."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Key(_Model):
    name: str
    secret: str

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not name or ":" in name:
            raise ValueError('must be given and may not contain ":"')
        return name

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, secret: str) -> str:
        try:
            length = len(base64.b64decode(secret, validate=True))
        except binascii.Error:
            raise ValueError("must be base64") from None
        if length not in (16, 24, 32):
            raise ValueError(f"must be 16, 24 or 32 bytes long, not {length}")
        return secret


class _Keys(_Model):
    keys: Annotated[list[_Key], Field(min_length=1)]

    def made(self) -> list[Key]:
        return [Key(key.name, base64.b64decode(key.secret)) for key in self.keys]


class _Provider(_Model):
    aesgcm: _Keys | None = None
    aescbc: _Keys | None = None
    identity: dict[str, Any] | None = None
    kms: Any = None
    secretbox: Any = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        for unsupported in ("kms", "secretbox"):
            if getattr(self, unsupported) is not None:
                raise ValueError(f"the provider {unsupported} is not supported: use aesgcm, aescbc or identity")
        if len(self.model_fields_set) != 1:
            raise ValueError("each entry must name exactly one provider")
        return self

    def made(self) -> Provider:
        if self.aesgcm is not None:
            return AesGcm(self.aesgcm.made())
        return AesCbc(self.aescbc.made()) if self.aescbc is not None else Identity()


class _Entry(_Model):
    resources: Annotated[list[str], Field(min_length=1)]
    providers: Annotated[list[_Provider], Field(min_length=1)]


class _Configuration(_Model):
    kind: Literal["EncryptionConfiguration"]
    apiVersion: Literal["apiserver.config.k8s.io/v1"]  # noqa: N815 - the name in the file
    resources: Annotated[list[_Entry], Field(min_length=1)]


class Encryption:
    """The providers of each kind: the first seals, each opens what bears its prefix."""

    def __init__(self, entries: list[tuple[list[str], list[Provider]]]) -> None:
        self._entries = entries

    def providers(self, group: str, plural: str) -> list[Provider]:
        """Those of the first entry that names the kind (``secrets``, ``deployments.apps``, ``*.apps``, ``*.*``)."""
        qualified = f"{plural}.{group}" if group else plural
        wanted = {qualified, f"*.{group}", "*.*"}
        return next((providers for resources, providers in self._entries if wanted & set(resources)), [])


def load(path: str) -> Encryption:
    """The configuration in a YAML file. Raises InvalidEncryptionConfiguration."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        parsed = _Configuration.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidEncryptionConfiguration(f"{path}: {error}") from None
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise InvalidEncryptionConfiguration(f"{path}: {problems}") from None
    return Encryption(
        [(entry.resources, [provider.made() for provider in entry.providers]) for entry in parsed.resources]
    )
