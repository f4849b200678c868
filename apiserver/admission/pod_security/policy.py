"""What a namespace's labels ask for: a level and a version each for enforcing, auditing and warning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from minikube_py.api.errors import FieldError, field_invalid

PREFIX = "pod-security.kubernetes.io/"
PRIVILEGED, BASELINE, RESTRICTED = LEVELS = ("privileged", "baseline", "restricted")
LATEST = 1_000_000
"""The version ``latest``, newer than any other."""
_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class LevelVersion:
    """A level of the standards as it was in a minor version."""

    level: str = PRIVILEGED
    version: int = LATEST

    def __str__(self) -> str:
        return f"{self.level}:{'latest' if self.version == LATEST else f'v1.{self.version}'}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a namespace asks for in each mode."""

    enforce: LevelVersion = LevelVersion()
    audit: LevelVersion = LevelVersion()
    warn: LevelVersion = LevelVersion()


def policy_of(labels: Mapping[str, str]) -> tuple[Policy, tuple[FieldError, ...]]:
    """The policy that labels ask for, with what is wrong in them.

    What can't be read enforces the restricted level, and neither audits nor warns.
    """
    if not any(label.startswith(PREFIX) for label in labels):
        return _OPEN, ()
    errors: list[FieldError] = []
    modes = {mode: _mode(labels, mode, errors) for mode in ("enforce", "audit", "warn")}
    return Policy(**modes), tuple(errors)


_OPEN = Policy()


def _mode(labels: Mapping[str, str], mode: str, errors: list[FieldError]) -> LevelVersion:
    level, version = labels.get(PREFIX + mode, PRIVILEGED), LATEST
    if level not in LEVELS:
        errors.append(_wrong(PREFIX + mode, level, f"must be one of {', '.join(LEVELS)}"))
        level = RESTRICTED if mode == "enforce" else PRIVILEGED
    label = f"{PREFIX}{mode}-version"
    written = labels.get(label, "latest")
    if written != "latest":
        match = _VERSION.fullmatch(written)
        if match is None:
            errors.append(_wrong(label, written, 'must be "latest" or "v1.x"'))
        else:
            version = int(match[1])
    return LevelVersion(level, version)


def _wrong(label: str, value: str, detail: str) -> FieldError:
    return field_invalid(f"metadata.labels[{label}]", value, detail)


def is_stricter(new: str, old: str) -> bool:
    """Whether one level forbids more than another."""
    return LEVELS.index(new) > LEVELS.index(old)
