"""``minikube-py logs COMPONENT [-f]``: a component's log file."""

from __future__ import annotations

import sys
import time
from collections import deque
from pathlib import Path

from minikube_py.cluster.failures import SettingsError

FOLLOW_POLL_SECONDS = 0.2


def known_components(data_dir: Path) -> list[str]:
    """The components that have a log."""
    return sorted(file.stem for file in (data_dir / "logs").glob("*.log"))


def logs(data_dir: Path, component: str, *, follow: bool, tail: int) -> None:
    """Prints the last ``tail`` lines (all where negative) and, with ``follow``, what is added, until interrupted."""
    file = data_dir / "logs" / f"{component}.log"
    if not file.exists():
        known = ", ".join(known_components(data_dir)) or "none yet"
        raise SettingsError(f"no log of {component!r} in {data_dir}: there are logs of {known}")
    with open(file, encoding="utf-8", errors="replace") as stream:
        for line in deque(stream, maxlen=tail if tail >= 0 else None):
            sys.stdout.write(line)
        sys.stdout.flush()
        while follow:
            added = stream.read()
            if added:
                sys.stdout.write(added)
                sys.stdout.flush()
            elif file.stat().st_size < stream.tell():
                # The supervisor emptied the file when it grew too long.
                stream.seek(0)
            else:
                time.sleep(FOLLOW_POLL_SECONDS)
