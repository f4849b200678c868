"""Logs: one line per event, a constant message and key-value pairs, to standard error.

Text form: ``2026-11-21T09:10:11.123Z info  scheduler: Pod bound pod=default/web node=n1``. JSON form: one object.
The standard library's loggers (aiohttp, uvicorn, asyncio) come out the same way, from warnings on.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_RESERVED = ("timestamp", "level", "component", "event", "exception")


def configure(component: str, level: str = "info", format: Literal["text", "json"] = "text") -> None:  # noqa: A002
    """Sets up this process's logs. Raises ValueError for a level or format that there is not."""
    numeric = logging.getLevelNamesMapping().get(level.upper())
    if numeric is None:
        raise ValueError(f"unknown log level {level!r}: use debug, info, warning, error or critical")
    if format not in ("text", "json"):
        raise ValueError(f"unknown log format {format!r}: use text or json")

    def add_component(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["component"] = component
        return event

    shared: list[Processor] = [
        structlog.processors.add_log_level,
        add_component,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = structlog.processors.JSONRenderer() if format == "json" else _render_text
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(numeric, logging.WARNING))


def _render_text(_: WrappedLogger, __: str, event: EventDict) -> str:
    pairs = "".join(f" {name}={_shown(value)}" for name, value in event.items() if name not in _RESERVED)
    line = f"{event['timestamp']} {event['level']:<7} {event['component']}: {event['event']}{pairs}"
    exception = event.get("exception")
    return f"{line}\n{exception}" if exception else line


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return repr(text) if not text or any(character.isspace() or character in "\"'=" for character in text) else text
