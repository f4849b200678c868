"""How long a request may take: 60 s, less where its URL says so, and no limit for what runs long by nature."""

from __future__ import annotations

import re

from apiserver.context import RequestContext
from minikube_py.api.errors import BadRequest

TOOK_TOO_LONG = "Timeout: request did not complete within the allotted timeout"
"""Upstream's message of a request that was cut off."""
LONG_RUNNING_SUBRESOURCES = frozenset({"attach", "exec", "log", "portforward", "proxy"})
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)"


def time_limit(ctx: RequestContext, longest: float) -> float | None:
    """Seconds that the request may take, at most ``longest``; None for a watch, log, exec or attach.

    Raises BadRequest where the ``timeout`` in its URL is no duration.
    """
    if is_long_running(ctx):
        return None
    asked = ctx.query.get("timeout")
    if not asked:
        return longest
    return min(parse_duration(asked) or longest, longest)


def is_long_running(ctx: RequestContext) -> bool:
    """Whether the request is one that lives as long as its client wants."""
    return ctx.info.verb == "watch" or ctx.info.subresource in LONG_RUNNING_SUBRESOURCES


def parse_duration(text: str) -> float:
    """Seconds of a Go duration: ``32s``, ``1m30s``, ``0``. Raises BadRequest."""
    if text in ("0", "+0"):
        return 0.0
    if not re.fullmatch(f"\\+?(?:{_PART})+", text, re.ASCII):
        raise BadRequest(f'invalid timeout specified in the request URL - time: invalid duration "{text}"')
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text, re.ASCII))
