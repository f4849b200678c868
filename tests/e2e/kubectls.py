"""The versions of kubectl that streams are tested with: they speak different protocols.

kubectl 1.20 is that of Debian's package ``kubernetes-client``; ``KUBECTL_1_20`` names the binary, for it must not take
the place of the host's own.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def _found(version: str) -> str | None:
    own = shutil.which("kubectl")
    beside = Path(os.path.realpath(own)).with_name(f"kubectl.{version}") if own else None
    named = os.environ.get(f"KUBECTL_{version.replace('.', '_')}")
    return named or (str(beside) if beside is not None and beside.exists() else None)


def _parameter(version: str) -> object:
    binary = _found(version)
    missing = pytest.mark.skip(reason=f"there is no kubectl {version} on this host")
    return pytest.param(binary or "", id=f"kubectl {version}", marks=[] if binary else [missing])


KUBECTLS = [pytest.param("kubectl", id="the host's kubectl"), *map(_parameter, ("1.33", "1.32", "1.29", "1.20"))]
