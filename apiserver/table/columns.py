"""What a printer is made of: column definitions, cells, and the forms in which upstream shows common values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from minikube_py.api.meta import Object, metadata
from minikube_py.api.times import parse_time

NONE = "<none>"
UNKNOWN = "<unknown>"

Describe = Callable[[str, str], str]
"""Gives the documentation of a field: ``(schema definition's name, field) -> text``."""

_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


@dataclass(frozen=True, slots=True)
class Documented:
    """A description taken from the published schema: that of ``field`` in ``definition``."""

    definition: str
    field: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Priority 0 is always shown, 1 only in wide output."""

    name: str
    description: str | Documented
    type: str = "string"
    format: str = ""
    priority: int = 0

    def definition(self, describe: Describe) -> Object:
        """The entry of ``columnDefinitions``."""
        text = self.description
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": describe(text.definition, text.field) if isinstance(text, Documented) else text,
            "priority": self.priority,
        }


@dataclass(frozen=True, slots=True)
class Printer:
    """How one kind is shown: its columns and the function that makes an object's cells."""

    columns: tuple[Column, ...]
    cells: Callable[[Object, datetime], list[Any]]


def documented(definition: str, field: str) -> Documented:
    """The description of a field of ``io.k8s.api.<definition>``."""
    return Documented(f"io.k8s.api.{definition}", field)


NAME = Column("Name", Documented(_OBJECT_META, "name"), format="name")
AGE = Column("Age", Documented(_OBJECT_META, "creationTimestamp"))
CREATED_AT = Column("Created At", Documented(_OBJECT_META, "creationTimestamp"), type="date")


def human_duration(seconds: float) -> str:
    """A duration in its two or three leading digits, as ``k8s.io/apimachinery/pkg/util/duration.HumanDuration``."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    minutes, hours = whole // 60, whole // 3600
    days = hours // 24
    if whole < 60 * 2:
        return f"{whole}s"
    if minutes < 10:
        return _pair(minutes, "m", whole % 60, "s")
    if minutes < 60 * 3:
        return f"{minutes}m"
    if hours < 8:
        return _pair(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _pair(days, "d", hours % 24, "h")
    if days < 365 * 2:
        return f"{days}d"
    if days < 365 * 8:
        return _pair(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _pair(major: int, major_unit: str, minor: int, minor_unit: str) -> str:
    return f"{major}{major_unit}{minor}{minor_unit}" if minor else f"{major}{major_unit}"


def since(timestamp: str | None, now: datetime) -> str:
    """How long ago a timestamp was, ``<unknown>`` where there is none."""
    if not timestamp:
        return UNKNOWN
    return human_duration((now - parse_time(timestamp)).total_seconds())


def age(obj: Object, now: datetime) -> str:
    """How long ago the object was created."""
    return since(metadata(obj).get("creationTimestamp"), now)


def format_labels(labels: Mapping[str, str] | None) -> str:
    """``a=b,c=d`` sorted by key, or ``<none>``."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def list_with_more(shown: Iterable[str], *, limit: int = 3, empty: str = "<unset>") -> str:
    """The first ``limit`` items joined by commas, with ``+ N more...`` for the rest."""
    items = list(shown)
    if len(items) > limit:
        return f"{','.join(items[:limit])} + {len(items) - limit} more..."
    return ",".join(items) or empty
