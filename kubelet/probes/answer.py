"""The answer of one probe."""

from __future__ import annotations

import enum
import errno
import os
from dataclasses import dataclass


class Outcome(enum.Enum):
    """``WARNING`` counts as success; ``ERROR`` says that the probe itself could not be made and counts as nothing."""

    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome with the text for the event."""

    outcome: Outcome
    output: str = ""


_GO_ERRORS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset by peer",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "network is unreachable",
    errno.ETIMEDOUT: "connection timed out",
    errno.EPIPE: "broken pipe",
}


def dial_error(address: str, error: OSError) -> str:
    """``dial tcp 10.0.0.1:80: connect: connection refused``, the words of Go's net package."""
    number = error.errno
    if number is None:
        return f"dial tcp {address}: {error}"
    return f"dial tcp {address}: connect: {_GO_ERRORS.get(number, os.strerror(number).lower())}"


def dial_timeout(address: str) -> str:
    """``dial tcp 10.0.0.1:80: i/o timeout``."""
    return f"dial tcp {address}: i/o timeout"


def host_port(host: str, port: int) -> str:
    """``host:port`` with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
