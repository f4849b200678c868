"""How long to wait before a failed daemon pod is replaced again, so as not to fight with a kubelet that refuses it."""

from __future__ import annotations

from dataclasses import dataclass

from minikube_py.runtime.clock import Clock

INITIAL_SECONDS = 1.0
MAXIMUM_SECONDS = 15 * 60.0
_FORGOTTEN_AFTER_SECONDS = 2 * MAXIMUM_SECONDS


@dataclass(frozen=True, slots=True)
class _Entry:
    seconds: float
    since: float


class BackOff:
    """Waits per owner and node that double from 1 s to 15 min; one not grown for 30 min is forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[str, dict[str, _Entry]] = {}

    def remaining(self, owner: str) -> dict[str, float]:
        """The seconds still to wait, by node; nodes that need not wait are left out."""
        now = self._clock.monotonic()
        waits = {node: entry.since + entry.seconds - now for node, entry in self._living(owner, now).items()}
        return {node: seconds for node, seconds in waits.items() if seconds > 0}

    def grow(self, owner: str, node: str) -> None:
        """A failed pod of ``owner`` is being replaced on ``node``."""
        now = self._clock.monotonic()
        entries = self._living(owner, now)
        before = entries.get(node)
        seconds = INITIAL_SECONDS if before is None else min(before.seconds * 2, MAXIMUM_SECONDS)
        self._entries[owner] = {**entries, node: _Entry(seconds, now)}

    def forget(self, owner: str) -> None:
        """Nothing of ``owner`` is waited for any more."""
        self._entries.pop(owner, None)

    def _living(self, owner: str, now: float) -> dict[str, _Entry]:
        entries = self._entries.get(owner, {})
        return {node: entry for node, entry in entries.items() if now - entry.since <= _FORGOTTEN_AFTER_SECONDS}
