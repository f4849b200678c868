"""Which form an answer takes (``Accept``) and which form a body has (``Content-Type``).

JSON, YAML and protobuf are read; JSON and YAML are sent, whole, as a ``Table`` or as ``PartialObjectMetadata``. A
client that takes protobuf only is refused by name (406). This is the one place to touch when protobuf answers come.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from minikube_py.api.errors import NotAcceptable, UnsupportedMediaType

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"

_SERVED = (
    "application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, "
    "application/vnd.kubernetes.protobuf;stream=watch"
)
_PRODUCED = frozenset({JSON, YAML})
_TRANSFORMS = frozenset({"Table", "PartialObjectMetadata", "PartialObjectMetadataList"})


@dataclass(frozen=True, slots=True)
class Form:
    """The form of an answer: its media type, and the kind of ``meta.k8s.io/v1`` that it is turned into, if any."""

    media_type: str = JSON
    transform: str = ""

    @property
    def is_plain_json(self) -> bool:
        """Whether stored bytes can be sent as they are."""
        return self.media_type == JSON and not self.transform


PLAIN = Form()


@dataclass(frozen=True, slots=True)
class _Clause:
    media_type: str
    parameters: dict[str, str]
    quality: float


def _clauses(accept: str) -> list[_Clause]:
    clauses: list[_Clause] = []
    for text in accept.split(","):
        media_type, *rest = (part.strip() for part in text.split(";"))
        if not media_type:
            continue
        parameters = dict(part.partition("=")[::2] for part in rest)
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 0.0
        clauses.append(_Clause(media_type.lower(), parameters, quality))
    return sorted(clauses, key=lambda clause: -clause.quality)


def not_acceptable(served: str = _SERVED) -> NotAcceptable:
    """The error that upstream answers an ``Accept`` it cannot meet."""
    return NotAcceptable(f"406: Not Acceptable\n\nAvailable representations: {served}", details={})


@lru_cache(maxsize=512)
def negotiate(accept: str, *, transforms: bool = True) -> Form:
    """The form that an ``Accept`` header asks for; the first acceptable clause wins.

    ``transforms`` False passes over ``as=…`` clauses, for answers that have no such form. Raises NotAcceptable.
    """
    if not accept:
        return PLAIN
    for clause in _clauses(accept):
        if clause.quality <= 0:
            continue
        media_type = JSON if clause.media_type in ("*/*", "application/*") else clause.media_type
        if media_type not in _PRODUCED or clause.parameters.get("stream", "watch") != "watch":
            continue
        transform = clause.parameters.get("as", "")
        if not transform:
            return Form(media_type)
        group, version = clause.parameters.get("g", ""), clause.parameters.get("v", "")
        if transforms and transform in _TRANSFORMS and group == "meta.k8s.io" and version == "v1":
            return Form(media_type, transform)
    raise not_acceptable()


def media_type_of(content_type: str) -> str:
    """The media type of a ``Content-Type`` header, JSON where there is none."""
    return content_type.partition(";")[0].strip().lower() or JSON


def body_media_type(content_type: str) -> str:
    """JSON, YAML or protobuf. Raises UnsupportedMediaType."""
    media_type = media_type_of(content_type)
    if media_type in (JSON, YAML, PROTOBUF):
        return media_type
    raise UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )
