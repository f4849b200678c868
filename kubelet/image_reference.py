"""Image references as Docker reads them. Pure; follows ``distribution/reference``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DEFAULT_REGISTRY: Final = "docker.io"
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[+.-_][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_REGISTRY = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
)


class InvalidImageName(ValueError):
    """``str`` is the text of the container's waiting message."""


@dataclass(frozen=True, slots=True)
class ImageReference:
    """``registry/repository[:tag][@digest]``; the tag is ``latest`` where neither was given."""

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """``registry/repository``."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> ImageReference:
    """Raises InvalidImageName with upstream's message."""
    rest, at, digest = text.partition("@")
    name, tag = _split_tag(rest)
    first, slash, remainder = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, repository = first, remainder
    else:
        registry, repository = DEFAULT_REGISTRY, name if slash else f"library/{name}"
    if registry == "index.docker.io":
        registry = DEFAULT_REGISTRY
    if repository != repository.lower():
        raise _invalid(text, f"repository name ({repository}) must be lowercase")
    well_formed = (
        _REGISTRY.fullmatch(registry)
        and all(_COMPONENT.fullmatch(part) for part in repository.split("/"))
        and (not tag or _TAG.fullmatch(tag))
        and tag != ":"
        and (_DIGEST.fullmatch(digest) if at else True)
    )
    if not well_formed:
        raise _invalid(text, "invalid reference format")
    return ImageReference(registry, repository, tag if tag or at else "latest", digest)


def _split_tag(rest: str) -> tuple[str, str]:
    head, colon, tail = rest.rpartition(":")
    if colon and "/" not in tail:
        return head, tail or ":"
    return rest, ""


def _invalid(text: str, cause: str) -> InvalidImageName:
    return InvalidImageName(f'Failed to apply default image tag "{text}": couldn\'t parse image name "{text}": {cause}')
