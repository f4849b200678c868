"""Exponential back-off that is forgotten after a quiet time. Pure; follows client-go's ``flowcontrol.Backoff``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """Seconds: the first delay and the longest. Twice the longest without an update forgets the history."""

    initial: float
    maximum: float


CRASH_LOOP = BackoffPolicy(initial=10, maximum=300)
IMAGE_PULL = BackoffPolicy(initial=10, maximum=300)
RETRY = BackoffPolicy(initial=1, maximum=60)


@dataclass(frozen=True, slots=True)
class Backoff:
    """The delay in force, in seconds, and when it was set."""

    delay: float
    updated: datetime


def advance(backoff: Backoff | None, policy: BackoffPolicy, event: datetime, now: datetime) -> Backoff:
    """The back-off after one more failure that happened at ``event``: doubled, or begun afresh."""
    if backoff is None or _expired(backoff, policy, event):
        return Backoff(policy.initial, now)
    return Backoff(min(backoff.delay * 2, policy.maximum), now)


def ends_at(backoff: Backoff | None, policy: BackoffPolicy, event: datetime) -> datetime | None:
    """When a failure at ``event`` has been waited out, or None where nothing need be waited for."""
    if backoff is None or _expired(backoff, policy, event):
        return None
    return event + timedelta(seconds=backoff.delay)


def _expired(backoff: Backoff, policy: BackoffPolicy, event: datetime) -> bool:
    return (event - backoff.updated).total_seconds() > 2 * policy.maximum


def go_duration(seconds: float) -> str:
    """``10s``, ``2m40s``, ``5m0s``: whole seconds as Go prints a duration."""
    total = int(seconds)
    hours, rest = divmod(total, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
