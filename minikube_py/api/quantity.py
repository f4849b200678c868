"""Resource quantities: ``100m``, ``1.5Gi``, ``2e3``.

Values are exact integers of billionths, as fine as upstream's; what is finer is rounded away from zero. The
canonical form is that of ``k8s.io/apimachinery/pkg/api/resource``: no fraction, the largest suffix that keeps the
mantissa whole, and the suffix family (binary, decimal, exponent) in which the quantity was written.
"""

from __future__ import annotations

import enum
import functools
import re
from dataclasses import dataclass

_NANO = 10**9
_LARGEST = (2**63 - 1) * _NANO

_SHAPE = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_EXPONENT = re.compile(r"[eE]([-+]?[0-9]{1,9})", re.ASCII)
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()} | {0: ""}

FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
SUFFIX_WRONG = "unable to parse quantity's suffix"


class Format(enum.Enum):
    """The family of suffixes a quantity is written with."""

    BINARY = "BinarySI"
    DECIMAL = "DecimalSI"
    EXPONENT = "DecimalExponent"


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """An exact amount; compared and hashed by value, whatever its format."""

    nanos: int
    """The amount in billionths."""
    format: Format = Format.DECIMAL

    @classmethod
    def parse(cls, text: str | int | float) -> Quantity:
        """The quantity that ``text`` writes; a JSON number is read as its text.

        Beyond ±(2^63-1) it is capped, as upstream. Raises ValueError with upstream's message.
        """
        if isinstance(text, bool) or not isinstance(text, str | int | float):
            raise ValueError(FORMAT_WRONG)
        return _parse(text if isinstance(text, str) else repr(text))

    def value(self) -> int:
        """The amount, rounded away from zero to a whole number."""
        return _round_away(self.nanos, _NANO)

    def milli(self) -> int:
        """The amount in thousandths, rounded away from zero."""
        return _round_away(self.nanos, _NANO // 1000)

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(_capped(self.nanos + other.nanos), self.format if self.nanos else other.format)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(_capped(self.nanos - other.nanos), self.format if self.nanos else other.format)

    def __bool__(self) -> bool:
        return self.nanos != 0

    def __eq__(self, other: object) -> bool:
        return self.nanos == other.nanos if isinstance(other, Quantity) else NotImplemented

    def __lt__(self, other: Quantity) -> bool:
        return self.nanos < other.nanos

    def __le__(self, other: Quantity) -> bool:
        return self.nanos <= other.nanos

    def __gt__(self, other: Quantity) -> bool:
        return self.nanos > other.nanos

    def __ge__(self, other: Quantity) -> bool:
        return self.nanos >= other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    def __str__(self) -> str:
        if not self.nanos:
            return "0"
        if self.format is Format.BINARY and abs(self.nanos) >= 1024 * _NANO and self.nanos % _NANO == 0:
            number, exponent = self.nanos // _NANO, 0
            while number % 1024 == 0 and exponent < 60:
                number, exponent = number // 1024, exponent + 10
            return f"{number}{_BINARY_SUFFIX[exponent]}"
        number, exponent = self.nanos, -9
        while number % 1000 == 0 and exponent < 18:
            number, exponent = number // 1000, exponent + 3
        if self.format is Format.EXPONENT:
            return f"{number}e{exponent}" if exponent else str(number)
        return f"{number}{_DECIMAL_SUFFIX[exponent]}"


ZERO = Quantity(0)


def _capped(nanos: int) -> int:
    return max(-_LARGEST, min(_LARGEST, nanos))


def _round_away(amount: int, unit: int) -> int:
    return -(-amount // unit) if amount >= 0 else amount // unit


@functools.lru_cache(maxsize=2048)
def _parse(text: str) -> Quantity:
    shape = _SHAPE.fullmatch(text) if len(text) <= 256 else None
    if shape is None or not (shape[2] or shape[3]):
        raise ValueError(FORMAT_WRONG)
    sign, whole, fraction, suffix = shape[1], shape[2], shape[3] or "", shape[4]
    numerator, denominator = int(whole + fraction), 10 ** len(fraction)
    written = Format.DECIMAL
    if suffix in _BINARY:
        written = Format.BINARY
        numerator <<= _BINARY[suffix]
    else:
        if suffix in _DECIMAL:
            exponent = _DECIMAL[suffix]
        elif match := _EXPONENT.fullmatch(suffix):
            written = Format.EXPONENT
            # Beyond these bounds the value is capped or rounds to one billionth whatever the digits are.
            exponent = max(-600, min(600, int(match[1])))
        else:
            raise ValueError(SUFFIX_WRONG)
        if exponent >= 0:
            numerator *= 10**exponent
        else:
            denominator *= 10**-exponent
    nanos = min(_LARGEST, _round_away(numerator * _NANO, denominator))
    if written is Format.BINARY and nanos < _NANO:
        written = Format.DECIMAL
    return Quantity(-nanos if sign == "-" else nanos, written)
