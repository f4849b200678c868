from datetime import UTC, datetime, timedelta, timezone

import pytest

from minikube_py.api.times import format_micro_time, format_time, parse_time

INSTANT = datetime(2026, 11, 21, 1, 7, 24, 123456, UTC)


def test_both_forms() -> None:
    assert format_time(INSTANT) == "2026-11-21T01:07:24Z"
    assert format_micro_time(INSTANT) == "2026-11-21T01:07:24.123456Z"
    assert format_time(INSTANT.astimezone(timezone(timedelta(hours=5)))) == "2026-11-21T01:07:24Z"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        pytest.param("2026-11-21T01:07:24Z", INSTANT.replace(microsecond=0), id="seconds"),
        pytest.param("2026-11-21T01:07:24.123456Z", INSTANT, id="microseconds"),
        pytest.param("2026-11-21T01:07:24.123456789Z", INSTANT, id="nanoseconds"),
        pytest.param("2026-11-21T03:07:24+02:00", INSTANT.replace(microsecond=0), id="another zone"),
    ],
)
def test_parse(text: str, instant: datetime) -> None:
    assert parse_time(text) == instant
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize("text", ["", "2026-11-21", "2026-11-21 01:07:24Z", "2026-13-21T01:07:24Z", "now"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_time(text)


def test_a_year_has_four_digits() -> None:
    assert format_time(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00Z"
    assert format_micro_time(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000000Z"
