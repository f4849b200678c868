"""Which entries of Kubernetes' conformance list the tests show, and the page that says so.

``entries.json`` holds the names of the official list (``test/conformance/testdata/conformance.yaml`` upstream). A test
that shows an entry names it: ``@pytest.mark.conformance("watch-consistency")``, by ``testname``, or by ``codename``
where several entries share one test name.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/conformance.md"
_ENTRIES = Path(__file__).with_name("entries.json")
PASSES, FAILS, NOT_YET = "passes", "fails", "not yet"


class UnknownEntry(ValueError):
    """A test names an entry that the list has not, or has more than once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One official conformance behaviour."""

    testname: str
    codename: str
    release: str
    file: str

    @property
    def area(self) -> str:
        """``apimachinery`` of ``apimachinery/watch.go``."""
        return self.file.split("/")[0]


def entries() -> tuple[Entry, ...]:
    """The official list, in its order."""
    return tuple(Entry(**row) for row in json.loads(_ENTRIES.read_text()))


def named(name: str, listed: Iterable[Entry]) -> Entry:
    """The entry of that ``testname`` or ``codename``. Raises UnknownEntry."""
    wanted = " ".join(name.split())
    found = [entry for entry in listed if wanted in (entry.testname, entry.codename)]
    if len(found) != 1:
        problem = "no entry is" if not found else "several entries are; give the codename of one"
        raise UnknownEntry(f"{problem} named {wanted!r}")
    return found[0]


def page(listed: Iterable[Entry], shown_by: Mapping[str, Mapping[str, bool]]) -> str:
    """The Markdown page: of each entry whether it passes, and the tests (id → passed) that show it, by codename."""
    by_area: dict[str, list[Entry]] = defaultdict(list)
    for entry in listed:
        by_area[entry.area].append(entry)
    state = {entry.codename: _state(shown_by.get(entry.codename, {})) for area in by_area.values() for entry in area}
    lines = [
        "# Conformance",
        "",
        "Kubernetes' official conformance behaviours, and the test of ours that shows each. Written by a run of all",
        "tests (`deploy/test.sh --conformance=write`), compared by every later one, and not edited by hand.",
        "",
        "| area | passes | fails | not yet |",
        "| --- | --- | --- | --- |",
    ]
    for area in sorted(by_area):
        counted = Counter(state[entry.codename] for entry in by_area[area])
        lines.append(f"| [{area}](#{area}) | {counted[PASSES]} | {counted[FAILS]} | {counted[NOT_YET]} |")
    total = Counter(state.values())
    lines.append(f"| all | {total[PASSES]} | {total[FAILS]} | {total[NOT_YET]} |")
    for area in sorted(by_area):
        lines += ["", f"## {area}", "", "| behaviour | since | state | shown by |", "| --- | --- | --- | --- |"]
        for entry in by_area[area]:
            tests = sorted({test.split("[")[0] for test in shown_by.get(entry.codename, {})})
            cells = (entry.testname, entry.release, state[entry.codename], ", ".join(f"`{test}`" for test in tests))
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _state(tests: Mapping[str, bool]) -> str:
    if not tests:
        return NOT_YET
    return PASSES if all(tests.values()) else FAILS
