"""Sets of completion indexes, in the form that a Job's status writes them: ``1,3-5,7``; pure."""

from __future__ import annotations

from collections.abc import Iterable


def parse_indexes(text: str, completions: int) -> frozenset[int]:
    """The indexes that ``text`` lists, without those that ``completions`` no longer covers; what is malformed is none.

    A Job that is given fewer completions keeps the text it had, so indexes beyond the end are not an error.
    """
    found: set[int] = set()
    for interval in text.split(",") if text else ():
        first, _, last = interval.partition("-")
        try:
            found.update(range(int(first), min(int(last or first), completions - 1) + 1))
        except ValueError:
            continue
    return frozenset(found)


def format_indexes(indexes: Iterable[int]) -> str:
    """Runs of three and more are written ``first-last``; empty for none."""
    runs: list[tuple[int, int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][1] == index - 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return ",".join(_run(first, last) for first, last in runs)


def _run(first: int, last: int) -> str:
    if first == last:
        return str(first)
    # Upstream writes two neighbours as a list, and only more than two as an interval.
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"
