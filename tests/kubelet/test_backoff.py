from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kubelet.backoff import CRASH_LOOP, Backoff, advance, ends_at, go_duration

T = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_delay_doubles_up_to_five_minutes() -> None:
    backoff = None
    delays = []
    for _ in range(7):
        backoff = advance(backoff, CRASH_LOOP, T, T)
        delays.append(backoff.delay)
    assert delays == [10, 20, 40, 80, 160, 300, 300]


def test_it_is_forgotten_ten_minutes_after_its_last_update() -> None:
    backoff = Backoff(160, T)
    assert advance(backoff, CRASH_LOOP, T + timedelta(minutes=10), T).delay == 300
    assert advance(backoff, CRASH_LOOP, T + timedelta(minutes=10, seconds=1), T).delay == 10


def test_it_ends_its_delay_after_the_failure() -> None:
    assert ends_at(Backoff(10, T), CRASH_LOOP, T + timedelta(seconds=5)) == T + timedelta(seconds=15)
    assert ends_at(None, CRASH_LOOP, T) is None


@pytest.mark.parametrize(("seconds", "text"), [(10, "10s"), (160, "2m40s"), (300, "5m0s"), (3600, "1h0m0s")])
def test_durations_are_shown_as_go_shows_them(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text
