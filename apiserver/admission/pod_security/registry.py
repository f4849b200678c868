"""Which controls a level has in a version, and what they say of a pod."""

from __future__ import annotations

from functools import cache

from apiserver.admission.pod_security import baseline, restricted
from apiserver.admission.pod_security.baseline import Versions
from apiserver.admission.pod_security.policy import BASELINE, PRIVILEGED, LevelVersion
from apiserver.admission.pod_security.results import Check, Violation
from minikube_py.api.meta import Object


def violations(asked: LevelVersion, metadata: Object, spec: Object, newest: int) -> list[Violation]:
    """What a pod violates, baseline first, by a server whose own minor version is ``newest``."""
    if asked.level == PRIVILEGED:
        return []
    found = (check(metadata, spec) for check in checks(asked.level, min(asked.version, newest)))
    return [violation for violation in found if violation is not None]


@cache
def checks(level: str, version: int) -> tuple[Check, ...]:
    """The controls of a level in a minor version, in the order of their identifiers."""
    basic = _at(baseline.CHECKS, version)
    if level == BASELINE:
        return tuple(basic.values())
    own = _at(restricted.CHECKS, version)
    overridden = {restricted.OVERRIDES.get(identifier) for identifier in own}
    return tuple(check for identifier, check in basic.items() if identifier not in overridden) + tuple(own.values())


def _at(controls: dict[str, Versions], version: int) -> dict[str, Check]:
    found: dict[str, Check] = {}
    for identifier in sorted(controls):
        applicable = [check for since, check in controls[identifier] if since <= version]
        if applicable:
            found[identifier] = applicable[-1]
    return found
