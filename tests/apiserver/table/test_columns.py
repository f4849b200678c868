from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apiserver.table.columns import format_labels, human_duration, list_with_more, since


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "<invalid>"),
        (-1.5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (330, "5m30s"),
        (600, "10m"),
        (179 * 60, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 240, "3h4m"),
        (8 * 3600 + 60, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (53 * 3600, "2d5h"),
        (8 * 86400 + 3600, "8d"),
        (729 * 86400, "729d"),
        (731 * 86400, "2y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_human_duration(seconds: float, shown: str) -> None:
    assert human_duration(seconds) == shown


def test_since_is_unknown_without_a_timestamp() -> None:
    assert since(None, datetime(2026, 1, 1, tzinfo=UTC)) == "<unknown>"


def test_labels_are_sorted_or_none() -> None:
    assert format_labels({"b": "2", "a": "1"}) == "a=1,b=2"
    assert format_labels(None) == "<none>"


def test_a_long_list_says_how_many_more() -> None:
    assert list_with_more("abcde") == "a,b,c + 2 more..."
    assert list_with_more([]) == "<unset>"
