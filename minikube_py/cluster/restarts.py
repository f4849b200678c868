"""When a crashed process is started again: pure, so that the supervisor only obeys."""

from __future__ import annotations

from dataclasses import dataclass, replace

FIRST_DELAY = 0.1
LONGEST_DELAY = 30.0
STABLE_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class RestartState:
    """A process's history: how often it was restarted in all, and the delay before the next start, in seconds."""

    restarts: int = 0
    delay: float = FIRST_DELAY


def after_exit(state: RestartState, ran_seconds: float) -> tuple[RestartState, float]:
    """The new state and the seconds to wait before starting again.

    The delay doubles from 0.1 s to 30 s and falls back once the process has stayed up for a minute.
    """
    delay = FIRST_DELAY if ran_seconds >= STABLE_AFTER else state.delay
    return replace(state, restarts=state.restarts + 1, delay=min(delay * 2, LONGEST_DELAY)), delay
