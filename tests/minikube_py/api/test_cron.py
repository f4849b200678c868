from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from minikube_py.api.cron import CronSchedule, time_zone

NOON = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)  # a Saturday


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("* * * * *", "2026-11-21T12:01:00", id="every minute"),
        pytest.param("*/15 * * * *", "2026-11-21T12:15:00", id="every quarter"),
        pytest.param("5/20 * * * *", "2026-11-21T12:05:00", id="a start and a step"),
        pytest.param("0 8-10,14 * * *", "2026-11-21T14:00:00", id="a list with a range"),
        pytest.param("0 0 1 JAN ?", "2027-01-01T00:00:00", id="a month by name and a question mark"),
        pytest.param("30 6 * * mon-fri", "2026-11-23T06:30:00", id="weekdays by name"),
        pytest.param("0 0 13 * 5", "2026-11-27T00:00:00", id="either day where both are restricted"),
        pytest.param("0 0 */2 * 1", "2026-11-23T00:00:00", id="a stepped star restricts"),
        pytest.param("@hourly", "2026-11-21T13:00:00", id="hourly"),
        pytest.param("@daily", "2026-11-22T00:00:00", id="daily"),
        pytest.param("@weekly", "2026-11-22T00:00:00", id="weekly"),
        pytest.param("@monthly", "2026-12-01T00:00:00", id="monthly"),
        pytest.param("@annually", "2027-01-01T00:00:00", id="annually"),
        pytest.param("@every 1h30m", "2026-11-21T13:30:30", id="every so often"),
        pytest.param("@every 10ms", "2026-11-21T12:00:31", id="at most once a second"),
        pytest.param("TZ=Asia/Tokyo 0 9 * * *", "2026-11-22T00:00:00", id="a zone of its own"),
        pytest.param("CRON_TZ=Europe/Berlin 0 15 * * *", "2026-11-21T14:00:00", id="the other spelling of a zone"),
        pytest.param("0 0 29 2 *", "2028-02-29T00:00:00", id="a leap day"),
    ],
)
def test_the_next_time(text: str, expected: str) -> None:
    assert CronSchedule.parse(text).next_after(NOON) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_day_that_never_comes() -> None:
    assert CronSchedule.parse("0 0 31 2 *").next_after(NOON) is None


def test_a_time_that_a_clock_change_skips_is_skipped() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    schedule = CronSchedule.parse("30 2 * * *", zone=berlin)
    eve = datetime(2027, 3, 27, 12, tzinfo=berlin)
    assert schedule.next_after(eve) == datetime(2027, 3, 29, 2, 30, tzinfo=berlin).astimezone(UTC)


def test_a_time_that_a_clock_change_repeats_comes_twice() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    schedule = CronSchedule.parse("30 2 * * *", zone=berlin)
    first = schedule.next_after(datetime(2026, 10, 24, 12, tzinfo=berlin))
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert schedule.next_after(first) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("0 * * * * *", "expected exactly 5 fields, found 6: [0 * * * * *]"),
        ("61 * * * *", "end of range (61) above maximum (59): 61"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("*/-1 * * * *", "negative number (-1) not allowed: -1"),
        ("@sometimes", "unrecognized descriptor: @sometimes"),
        ("@every soon", 'failed to parse duration @every soon: time: invalid duration "soon"'),
        ("TZ=Nowhere/Land * * * * *", "provided bad location Nowhere/Land: unknown time zone Nowhere/Land"),
    ],
)
def test_what_is_no_schedule(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        CronSchedule.parse(text)


@pytest.mark.parametrize("name", ["Nowhere", "../etc/passwd", "Europe", "/etc/localtime", "a\x00b"])
def test_what_is_no_time_zone(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        time_zone(name)
