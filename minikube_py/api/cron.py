"""Cron schedules, in the grammar and with the messages of the parser that upstream's CronJobs use.

A schedule is five fields (minute, hour, day of month, month, day of week; names for months and days; ``*``, ``?``,
lists, ranges and steps), or ``@hourly``, ``@daily``, ``@midnight``, ``@weekly``, ``@monthly``, ``@yearly``,
``@annually``, or ``@every <duration>``; ``TZ=<zone>`` or ``CRON_TZ=<zone>`` may stand in front. The days are those on
which both day fields match where one of them is a star, else those on which either matches. A time that a clock
change skips is skipped; one that it repeats comes twice.

The arithmetic is that of the library ``cronsim``, whose own grammar is a different one: a parsed schedule is handed to
it as plain lists of numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_DAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}


class _Bounds(NamedTuple):
    low: int
    high: int
    names: dict[str, int]


_FIELDS = (_Bounds(0, 59, {}), _Bounds(0, 23, {}), _Bounds(1, 31, {}), _Bounds(1, 12, _MONTHS), _Bounds(0, 6, _DAYS))
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_ZONE_PREFIXES = ("TZ=", "CRON_TZ=")
_LONGEST_NUMBER = 64
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_DURATION_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_DURATION_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_LONGEST_SEARCH = timedelta(days=5 * 366)


class _Field(NamedTuple):
    values: frozenset[int]
    is_star: bool


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """A parsed schedule: when something is due in its time zone, or every so often."""

    zone: tzinfo
    expression: str = ""
    """The six fields (seconds first) that ``cronsim`` is given; empty where ``every`` is set."""
    every: timedelta | None = None

    @classmethod
    def parse(cls, text: str, *, zone: tzinfo = UTC) -> CronSchedule:
        """The schedule that ``text`` writes, in ``zone`` unless the text names one itself.

        Raises ValueError with upstream's message.
        """
        if not text:
            raise ValueError("empty spec string")
        if text.startswith(_ZONE_PREFIXES):
            named, _, rest = text.partition(" ")
            name = named.partition("=")[2]
            try:
                zone = time_zone(name)
            except ValueError as error:
                raise ValueError(f"provided bad location {name}: {error}") from None
            text = rest.strip()
        if text.startswith("@"):
            if text.startswith(_EVERY):
                return cls(zone, every=_every(text))
            if text not in _DESCRIPTORS:
                raise ValueError(f"unrecognized descriptor: {text}")
            text = _DESCRIPTORS[text]
        parts = text.split()
        if len(parts) != len(_FIELDS):
            raise ValueError(f"expected exactly {len(_FIELDS)} fields, found {len(parts)}: [{' '.join(parts)}]")
        fields = [_parse_field(part, bounds) for part, bounds in zip(parts, _FIELDS, strict=True)]
        return cls(zone, expression=" ".join(["0", *map(_plain, fields)]))

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after ``moment`` (aware), in UTC; None where there is none within five years."""
        if self.every is not None:
            return moment.astimezone(UTC).replace(microsecond=0) + self.every
        from cronsim import CronSim, CronSimError

        try:
            found = next(CronSim(self.expression, moment.astimezone(self.zone)))
        except CronSimError:
            # A day that its months do not have.
            return None
        due = found.astimezone(UTC)
        return due if due - moment <= _LONGEST_SEARCH else None


def time_zone(name: str) -> tzinfo:
    """The IANA time zone of that name, UTC for the empty one. Raises ValueError ``unknown time zone …``."""
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise ValueError(f"unknown time zone {name}") from None


def _plain(field: _Field) -> str:
    return "*" if field.is_star else ",".join(map(str, sorted(field.values)))


def _parse_field(text: str, bounds: _Bounds) -> _Field:
    ranges = [_parse_range(part, bounds) for part in text.split(",") if part]
    values = frozenset[int]().union(*(values for values, _ in ranges))
    return _Field(values, any(is_star for _, is_star in ranges))


def _parse_range(text: str, bounds: _Bounds) -> _Field:
    """One ``low-high/step`` of a list, with every part but the first optional."""
    slashes = text.split("/")
    limits = slashes[0].split("-")
    is_star = limits[0] in ("*", "?")
    if is_star:
        start, end = bounds.low, bounds.high
    else:
        start = end = _number_or_name(limits[0], bounds.names)
        if len(limits) == 2:
            end = _number_or_name(limits[1], bounds.names)
        elif len(limits) > 2:
            raise ValueError(f"too many hyphens: {text}")
    step = 1
    if len(slashes) == 2:
        step = _number(slashes[1])
        if len(limits) == 1:
            end = bounds.high
        is_star = is_star and step <= 1
    elif len(slashes) > 2:
        raise ValueError(f"too many slashes: {text}")
    if start < bounds.low:
        raise ValueError(f"beginning of range ({start}) below minimum ({bounds.low}): {text}")
    if end > bounds.high:
        raise ValueError(f"end of range ({end}) above maximum ({bounds.high}): {text}")
    if start > end:
        raise ValueError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {text}")
    return _Field(frozenset(range(start, end + 1, step)), is_star)


def _number_or_name(text: str, names: dict[str, int]) -> int:
    return names[text.lower()] if text.lower() in names else _number(text)


def _number(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    number = int(text) if len(text) <= _LONGEST_NUMBER else 2**63
    if not -(2**63) <= number < 2**63:
        raise ValueError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": value out of range')
    if number < 0:
        raise ValueError(f"negative number ({number}) not allowed: {text}")
    return number


def _every(text: str) -> timedelta:
    """The delay of ``@every``: whole seconds, at least one."""
    duration = text.removeprefix(_EVERY)
    try:
        seconds = _duration(duration)
    except ValueError as error:
        raise ValueError(f"failed to parse duration {text}: {error}") from None
    return timedelta(seconds=max(1, int(seconds)))


def _duration(text: str) -> Fraction:
    """A Go duration such as ``1h30m`` in seconds. Raises ValueError with Go's message."""
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    if unsigned == "0":
        return Fraction(0)
    parts = list(_DURATION_PART.finditer(unsigned))
    ends = [0, *(part.end() for part in parts)]
    starts = [*(part.start() for part in parts), len(unsigned)]
    contiguous = bool(parts) and ends == starts
    if not contiguous or any(not (part[1] or part[2]) for part in parts):
        raise ValueError(f'time: invalid duration "{text}"')
    total = sum((Fraction(f"{part[1] or 0}.{part[2] or 0}") * _DURATION_UNITS[part[3]] for part in parts), Fraction(0))
    if total >= Fraction(2**63, 10**9):
        raise ValueError(f'time: invalid duration "{text}"')
    return -total if text.startswith("-") else total
