"""The Event printer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import NAME, Column, Printer, documented, since
from minikube_py.api.meta import Object, name_of

COLUMNS = (
    Column("Last Seen", documented("core.v1.Event", "lastTimestamp")),
    Column("Type", documented("core.v1.Event", "type")),
    Column("Reason", documented("core.v1.Event", "reason")),
    Column("Object", documented("core.v1.Event", "involvedObject")),
    Column("Subobject", documented("core.v1.ObjectReference", "fieldPath"), priority=1),
    Column("Source", documented("core.v1.Event", "source"), priority=1),
    Column("Message", documented("core.v1.Event", "message")),
    Column("First Seen", documented("core.v1.Event", "firstTimestamp"), priority=1),
    Column("Count", documented("core.v1.Event", "count"), priority=1),
    Column("Name", NAME.description, format="name", priority=1),
)


def cells(event: Object, now: datetime) -> list[Any]:
    """Last seen, type, reason, object, sub-object, source, message, first seen, count, name."""
    involved, series = event.get("involvedObject") or {}, event.get("series")
    first_seen = since(event.get("firstTimestamp") or event.get("eventTime"), now)
    last_seen = since(event["lastTimestamp"], now) if event.get("lastTimestamp") else first_seen
    count = event.get("count") or 1
    if series:
        last_seen = since(series.get("lastObservedTime"), now)
        count = series.get("count") or 0
    return [
        last_seen,
        event.get("type", ""),
        event.get("reason", ""),
        "/".join(filter(None, (involved.get("kind", "").lower(), involved.get("name")))),
        involved.get("fieldPath", ""),
        _source(event),
        event.get("message", "").strip(),
        first_seen,
        count,
        name_of(event),
    ]


def _source(event: Object) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent") or ""
    instance = source.get("host") or event.get("reportingInstance")
    return f"{component}, {instance}" if instance else component


PRINTERS = {("", "Event"): Printer(COLUMNS, cells)}
