"""Showing the steps of a command, each with its time, on a terminal or in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Steps:
    """Prints one line a step: what was done and how long it took, in seconds."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._terminal = sys.stdout.isatty()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Times the block; a failure marks the line and goes on upwards."""
        begun = time.monotonic()
        if self._terminal:
            print(f"  … {what}", end="\r", flush=True)
        try:
            yield
        except BaseException:
            print(f"  ✗ {what:<48}{time.monotonic() - begun:6.2f} s", flush=True)
            raise
        print(f"  ✓ {what:<48}{time.monotonic() - begun:6.2f} s", flush=True)

    def elapsed(self) -> float:
        """Seconds since the first step began."""
        return time.monotonic() - self._started
