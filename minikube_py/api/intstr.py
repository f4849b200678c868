"""Values that are a whole number or a percentage: ``maxSurge: 25%``."""

from __future__ import annotations

import re

_PERCENT = re.compile(r"([0-9]+)%", re.ASCII)


def scaled_value(value: int | str, total: int, *, round_up: bool) -> int:
    """``value`` itself, or that percentage of ``total`` rounded as asked.

    Follows ``intstr.GetScaledValueFromIntOrPercent``. Raises ValueError for text that is no percentage.
    """
    if isinstance(value, int):
        return value
    percent = _PERCENT.fullmatch(value)
    if percent is None:
        raise ValueError(f'invalid value for IntOrString: invalid type: string is not a percentage: "{value}"')
    amount = int(percent[1]) * total
    return -(-amount // 100) if round_up else amount // 100
