"""What every volume kind is written against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kubelet.field_path import PodAddresses
from minikube_py.api.meta import Object


class VolumeError(Exception):
    """A volume cannot be set up now; the text is what upstream's FailedMount event says after the volume's name."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a payload. ``mode`` is of the permission bits; ``owner`` a user id where not root."""

    data: bytes
    mode: int
    owner: int | None = None


Payload = Mapping[str, File]
"""Relative path → file."""


@dataclass(frozen=True, slots=True)
class TokenReference:
    """A service-account token that a projected volume asks for."""

    audience: str
    expiration_seconds: int


@dataclass(frozen=True, slots=True)
class VolumeReferences:
    """What a volume reads from the API, all in the pod's namespace."""

    config_maps: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    tokens: frozenset[TokenReference] = frozenset()

    def __or__(self, other: VolumeReferences) -> VolumeReferences:
        return VolumeReferences(
            self.config_maps | other.config_maps, self.secrets | other.secrets, self.tokens | other.tokens
        )


@dataclass(frozen=True, slots=True)
class Materials:
    """What payloads are made from. A name that is missing from the mappings does not exist."""

    config_maps: Mapping[str, Object] = field(default_factory=dict)
    secrets: Mapping[str, Object] = field(default_factory=dict)
    tokens: Mapping[TokenReference, str] = field(default_factory=dict)
    addresses: PodAddresses = field(default_factory=PodAddresses)
    allocatable: Mapping[str, str] = field(default_factory=dict)


class PayloadPlugin(Protocol):
    """A kind whose content comes from the API and is written by the atomic writer."""

    directory: str
    """The directory under ``pods/<uid>/volumes``, upstream's escaped plugin name."""
    in_memory: bool
    """Whether the files live on a tmpfs."""

    def references(self, source: Object) -> VolumeReferences:
        """What :meth:`payload` needs."""
        ...

    def payload(self, pod: Object, source: Object, materials: Materials) -> dict[str, File]:
        """The files. Raises VolumeError."""
        ...


def default_mode(source: Object) -> int:
    """``defaultMode``, 0644 where it is not set."""
    mode = source.get("defaultMode")
    return 0o644 if mode is None else int(mode)
