"""Named amounts, as quotas count them: ``status.used``, ``spec.hard``, what an object uses.

Pure. Follows ``k8s.io/apiserver/pkg/quota/v1``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from minikube_py.api.quantity import ZERO, Quantity

Amounts = dict[str, Quantity]
ONE = Quantity.parse("1")


def parse(written: Mapping[str, str | int | float] | None) -> Amounts:
    """The amounts of a JSON resource list. Raises ValueError for what is no quantity."""
    return {name: Quantity.parse(amount) for name, amount in (written or {}).items()}


def written(amounts: Mapping[str, Quantity]) -> dict[str, str]:
    """The JSON resource list, names in order."""
    return {name: str(amounts[name]) for name in sorted(amounts)}


def add(left: Mapping[str, Quantity], right: Mapping[str, Quantity]) -> Amounts:
    """The sum, of the names of either."""
    total = dict(left)
    for name, amount in right.items():
        total[name] = total[name] + amount if name in total else amount
    return total


def subtract(left: Mapping[str, Quantity], right: Mapping[str, Quantity]) -> Amounts:
    """``left`` less ``right``, never below zero; a name of ``right`` alone counts zero."""
    rest = dict.fromkeys(right, ZERO)
    for name, amount in left.items():
        rest[name] = max(amount - right[name] if name in right else amount, ZERO)
    return rest


def mask(amounts: Mapping[str, Quantity], names: Iterable[str]) -> Amounts:
    """Those of ``names`` that there are."""
    wanted = set(names)
    return {name: amount for name, amount in amounts.items() if name in wanted}


def without_zeros(amounts: Mapping[str, Quantity]) -> Amounts:
    """What is not zero."""
    return {name: amount for name, amount in amounts.items() if amount}


def exceeded(amounts: Mapping[str, Quantity], limits: Mapping[str, Quantity]) -> list[str]:
    """The names whose amount is above their limit, in order; a name without a limit has none."""
    return sorted(name for name, amount in amounts.items() if name in limits and amount > limits[name])


def pretty(amounts: Mapping[str, Quantity]) -> str:
    """``pods=1,requests.cpu=100m``, as messages list amounts."""
    return ",".join(f"{name}={amounts[name]}" for name in sorted(amounts))
