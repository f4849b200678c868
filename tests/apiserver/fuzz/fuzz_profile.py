"""How many examples a fuzz test draws, and whether they are the same in every run."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

TIMES = float(os.environ.get("MINIKUBE_PY_FUZZ_EXAMPLES", "1"))
RANDOM = bool(os.environ.get("MINIKUBE_PY_FUZZ_RANDOM"))


def bounded(examples: int) -> settings:
    """Settings of a test of about this many examples in the suite."""
    return settings(
        max_examples=max(1, int(examples * TIMES)),
        deadline=None,
        derandomize=not RANDOM,
        database=None,
        # One seed draws a whole example, so there is nothing to make smaller.
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
