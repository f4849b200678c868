"""Counters, gauges and histograms that cost a request next to nothing, and their text for ``/metrics``.

prometheus_client's children take a lock and go through their buckets one by one, and its exposition sorts and formats
every label of every sample; a server that counts each request a dozen times and has some ten thousand samples pays for
both. These are plain numbers of one event loop, with their labels made into text once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

Kind = Literal["counter", "gauge"]


class Tally:
    """One histogram: how many values fell into each bucket, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Counts a value in the first bucket whose bound it does not exceed."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def total(self) -> int:
        """How many values were counted."""
        return sum(self.counts)


class Number:
    """One counter or gauge: add to ``value``."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0


class Numbers:
    """A counter or gauge of any number of label values."""

    def __init__(self, name: str, kind: Kind, documentation: str, labels: Sequence[str] = ()) -> None:
        self.name = name
        self._kind = kind
        self._documentation = documentation
        self._labels = tuple(labels)
        self._children: dict[tuple[str, ...], Number] = {}
        if not labels:
            self.of()

    def of(self, *values: str) -> Number:
        """The number of these label values, which is shown from now on; keep it where it is counted often."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = Number()
        return child

    def text(self) -> Iterator[str]:
        """The lines of the exposition."""
        rows = ((values, child.value) for values, child in self._children.items())
        return family(self.name, self._kind, self._documentation, self._labels, rows)


class Histograms:
    """A histogram of any number of label values."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self.name = name
        self._documentation = documentation
        self._labels = tuple(labels)
        self._bounds = tuple(map(float, bounds))
        self._children: dict[tuple[str, ...], Tally] = {}
        if not labels:
            self.of()

    def of(self, *values: str) -> Tally:
        """The histogram of these label values, which is shown from now on; keep it where it is counted often."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = Tally(self._bounds)
        return child

    def items(self) -> Iterable[tuple[tuple[str, ...], Tally]]:
        """Each histogram that there is, by its label values."""
        return self._children.items()

    def text(self) -> Iterator[str]:
        """The lines of the exposition."""
        return self.text_as(self.name, self._documentation)

    def text_as(self, name: str, documentation: str) -> Iterator[str]:
        """The same values under another name."""
        yield _head(name, "histogram", documentation)
        bounds = [f'le="{bound:g}"' for bound in self._bounds]
        for values, tally in self._children.items():
            labels = label_text(self._labels, values)
            comma = "," if labels else ""
            total = 0
            for bound, count in zip(bounds, tally.counts, strict=False):
                total += count
                yield f"{name}_bucket{{{labels}{comma}{bound}}} {total}\n"
            total += tally.counts[-1]
            yield f'{name}_bucket{{{labels}{comma}le="+Inf"}} {total}\n'
            braced = f"{{{labels}}}" if labels else ""
            yield f"{name}_sum{braced} {tally.sum!r}\n{name}_count{braced} {total}\n"


def family(
    name: str,
    kind: Kind,
    documentation: str,
    labels: Sequence[str],
    rows: Iterable[tuple[Sequence[str], float]],
) -> Iterator[str]:
    """The lines of a family whose values are worked out when they are asked for."""
    yield _head(name, kind, documentation)
    for values, value in rows:
        text = label_text(labels, values)
        yield f"{name}{{{text}}} {value!r}\n" if text else f"{name} {value!r}\n"


def label_text(names: Sequence[str], values: Sequence[str]) -> str:
    """``verb="GET",code="200"``."""
    return ",".join([f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _head(name: str, kind: str, documentation: str) -> str:
    return f"# HELP {name} {documentation}\n# TYPE {name} {kind}\n"
