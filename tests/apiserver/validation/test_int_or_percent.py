from __future__ import annotations

import pytest

from apiserver.validation.int_or_percent import (
    IntOrPercent,
    at_most_hundred_percent,
    number_of,
    positive_int_or_percent,
)

LONG = "9" * 10_000


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, 0), (3, 3), ("25%", 25), ("0%", 0), ("7", 7), ("x", 0), ("", 0), ("%", 0), ("000100%", 100)],
)
def test_the_number_of_a_value(value: IntOrPercent, number: int) -> None:
    assert number_of(value) == number


@pytest.mark.parametrize("value", ["101%", f"{LONG}%"], ids=["a little", "beyond measure"])
def test_more_than_all(value: str) -> None:
    (error,) = at_most_hundred_percent("f", value)
    assert error.message.endswith("must not be greater than 100%")


@pytest.mark.parametrize("value", [None, 1000, "100%", "no percentage"])
def test_not_more_than_all(value: IntOrPercent) -> None:
    assert list(at_most_hundred_percent("f", value)) == []


@pytest.mark.parametrize(("value", "count"), [(0, 0), ("5%", 0), (None, 0), (-1, 1), ("-5%", 1), (LONG, 1)])
def test_a_positive_value(value: IntOrPercent, count: int) -> None:
    assert len(list(positive_int_or_percent("f", value))) == count
