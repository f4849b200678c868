"""What a second presentation of a kind is: two pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minikube_py.api.meta import Object

Conversion = Callable[[Object], Object]


@dataclass(frozen=True, slots=True)
class Converter:
    """Both directions; each returns a new object with ``apiVersion`` set and never changes its argument."""

    to_stored: Conversion
    to_presented: Conversion
