"""A server that presents the version asked for.

``MINIKUBE_PY_FUZZ_EXAMPLES`` multiplies the examples of every test, ``MINIKUBE_PY_FUZZ_VERSION`` presents another
version than the default one, and ``MINIKUBE_PY_FUZZ_RANDOM=1`` draws other examples in every run.
"""

from __future__ import annotations

from typing import Any

import pytest
from fuzz_checker import Checker
from fuzz_samples import VERSION


@pytest.fixture
def settings(settings: Any) -> Any:
    return settings.model_copy(update={"kubernetes_version": VERSION})


@pytest.fixture
def checker(api: Any) -> Checker:
    return Checker(api)
