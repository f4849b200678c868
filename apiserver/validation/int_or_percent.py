"""Validation of values that are a whole number or a percentage, such as ``maxUnavailable``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apiserver.validation.names import non_negative, percent
from minikube_py.api.errors import FieldError, field_invalid

IntOrPercent = int | str | None
_NUMBER = re.compile(r"0*([0-9]{1,18})%?", re.ASCII)
_HUGE = 10**18


def positive_int_or_percent(path: str, value: IntOrPercent) -> Iterator[FieldError]:
    """A number that is 0 or more, or a percentage; None is fine."""
    if isinstance(value, str):
        yield from percent(path, value)
    else:
        yield from non_negative(path, value)


def at_most_hundred_percent(path: str, value: IntOrPercent) -> Iterator[FieldError]:
    """A percentage up to 100 %; anything that is no percentage is fine."""
    if isinstance(value, str) and value.endswith("%") and number_of(value) > 100:
        yield field_invalid(path, value, "must not be greater than 100%")


def number_of(value: IntOrPercent) -> int:
    """The number, or the number before the percent sign; 0 for what is neither."""
    if not isinstance(value, str):
        return value or 0
    number = _NUMBER.fullmatch(value)
    if number is not None:
        return int(number[1])
    digits = value.removesuffix("%")
    # Python refuses to convert very long numbers; how much too large they are does not matter.
    return _HUGE if digits.isascii() and digits.isdigit() else 0
