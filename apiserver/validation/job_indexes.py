"""Lists of completion indexes as Indexed Jobs write them: ``1,3-5,7``."""

from __future__ import annotations

import re

_LONGEST_NUMBER = 64
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def count_indexes(text: str, completions: int) -> int:
    """How many indexes ``text`` lists. Raises ValueError unless they rise and are below ``completions``."""
    total = 0
    last: int | None = None
    for interval in text.split(",") if text else ():
        first, final = _interval(interval, completions)
        if last is not None and last >= first:
            raise ValueError(f"non-increasing order, previous: {last}, current: {first}")
        total += final - first + 1
        last = final
    return total


def first_overlap(one: str, other: str, completions: int) -> int | None:
    """The first index that both lists hold; intervals that cannot be read are passed over."""
    left, right = _intervals(one, completions), _intervals(other, completions)
    while left and right:
        (low, high), (other_low, other_high) = left[0], right[0]
        if low <= other_high and other_low <= high:
            return max(low, other_low)
        del (left if low <= other_low else right)[0]
    return None


def _intervals(text: str, completions: int) -> list[tuple[int, int]]:
    found = []
    for interval in text.split(",") if text else ():
        try:
            found.append(_interval(interval, completions))
        except ValueError:
            continue
    return found


def _interval(text: str, completions: int) -> tuple[int, int]:
    limits = text.split("-")
    if len(limits) > 2:
        raise ValueError(
            f'the fragment "{text}" violates the requirement that an index interval can have at most two parts '
            "separated by '-'"
        )
    numbers = [_index(limit, completions) for limit in limits]
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        raise ValueError(f"non-increasing order, previous: {numbers[0]}, current: {numbers[1]}")
    return numbers[0], numbers[-1]


def _index(text: str, completions: int) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f'cannot convert string to integer for index: "{text}"')
    if len(text) > _LONGEST_NUMBER or int(text) >= completions:
        raise ValueError(f'too large index: "{text}"')
    return int(text)
