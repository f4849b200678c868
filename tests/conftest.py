"""What every test run does: the page of conformance behaviours is written or compared."""

from __future__ import annotations

from collections import defaultdict

import pytest
from conformance_report import PAGE, UnknownEntry, entries, named, page


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--conformance",
        choices=("write", "check"),
        help="write docs/conformance.md from this run of all tests, or fail if it says something else",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--conformance"):
        config.pluginmanager.register(_Report(str(config.getoption("--conformance"))), "conformance-report")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    listed = entries()
    for item in items:
        for marker in item.iter_markers("conformance"):
            try:
                codenames = tuple(named(name, listed).codename for name in marker.args)
            except UnknownEntry as error:
                raise pytest.UsageError(f"{item.nodeid}: {error}") from None
            item.user_properties.append(("conformance", codenames))


class _Report:
    """Collects what the marked tests showed."""

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._shown: dict[str, dict[str, bool]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            # What a host lacks, a version of kubectl for one, shows nothing either way.
            return
        for name, codenames in report.user_properties:
            if name != "conformance" or not isinstance(codenames, tuple):
                continue
            for codename in codenames:
                so_far = self._shown[codename].get(report.nodeid, True)
                self._shown[codename][report.nodeid] = so_far and report.outcome == "passed"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(f"{len(self._shown)} conformance behaviours shown")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        text = page(entries(), self._shown)
        if self._mode == "write":
            PAGE.write_text(text)
        elif not PAGE.exists() or PAGE.read_text() != text:
            print(f"\n{PAGE.name} does not say what this run showed: deploy/test.sh --conformance=write")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
