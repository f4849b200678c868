"""``metav1.Time`` and ``metav1.MicroTime``: RFC 3339 in UTC, of whole seconds or microseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def format_time(t: datetime) -> str:
    """``2026-11-21T01:07:24Z``; a fraction of a second is dropped."""
    return f"{t.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def format_micro_time(t: datetime) -> str:
    """``2026-11-21T01:07:24.123456Z``."""
    return f"{t.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def parse_time(text: str) -> datetime:
    """The instant that either form writes, aware and in UTC; digits beyond microseconds are dropped.

    Raises ValueError where ``text`` is not RFC 3339.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse')
    return datetime.fromisoformat(text.upper()).astimezone(UTC)
