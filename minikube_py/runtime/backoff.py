"""Exponential back-off with jitter."""

from __future__ import annotations

from random import Random


class Backoff:
    """Waits that double from ``initial`` to ``maximum`` seconds; each is lengthened at random by up to its length.

    As client-go's reflector: from 0.8 s to 30 s, factor 2, jitter 1.
    """

    def __init__(self, random: Random, *, initial: float = 0.8, maximum: float = 30.0) -> None:
        self._random = random
        self._initial = initial
        self._maximum = maximum
        self._next = initial

    def next(self) -> float:
        """The seconds to wait after one more failure."""
        seconds = self._next
        self._next = min(self._next * 2, self._maximum)
        return min(seconds * (1 + self._random.random()), self._maximum)

    def reset(self) -> None:
        """The next wait is the shortest again."""
        self._next = self._initial
