"""pytest plugin: prints which provider passes which conformance case.

Loaded by `pytest_plugins = ["reconciler.testing.plugin"]` in a conftest.
"""

from collections.abc import Iterable
from typing import Any

import pytest

pytest.register_assert_rewrite("reconciler.testing.host", "reconciler.testing.suite")

__all__ = ["Board", "pytest_configure"]

_PROPERTY = "conformance"


def pytest_configure(config: pytest.Config) -> None:
    """Install the table."""
    config.pluginmanager.register(Board(), "repl-conformance")


class Board:
    """Collects outcomes of conformance cases, from worker processes too, and prints them as one table at the end."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str], set[str]] = {}
        """(row, column) to the outcomes seen: `ok`, `FAIL`, or the name of what is missing."""

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note on a case what it is; the note travels with its reports."""
        suite = getattr(item, "cls", None)
        topic = next((t for t in (_topic(base, item) for base in getattr(suite, "__mro__", ())) if t), "")
        if suite is not None and topic:
            column = getattr(suite, "title", "") or suite.__name__.removeprefix("Test")
            case = getattr(item, "originalname", item.name).removeprefix("test_").replace("_", " ")
            item.user_properties.append((_PROPERTY, [column, f"{topic}: {case}"]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one report."""
        outcome = _outcome(report)
        for name, value in report.user_properties:
            if name == _PROPERTY and outcome and isinstance(value, list | tuple):
                column, row = map(str, value)
                self.cells.setdefault((row, column), set()).add(outcome)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the table, if any case ran."""
        if self.cells:
            terminalreporter.section("provider conformance")
            for line in self.lines():
                terminalreporter.write_line(line)

    def lines(self) -> list[str]:
        """Return the table: a row for each case, a column for each provider, `-` before what a provider lacks."""
        columns = sorted({column for _, column in self.cells})
        rows = sorted({row for row, _ in self.cells}, key=lambda row: (row.partition(":")[0], row))
        table = [["case", *columns]]
        table += [[row, *(_cell(self.cells.get((row, column), ())) for column in columns)] for row in rows]
        widths = [max(len(line[number]) for line in table) for number in range(len(columns) + 1)]
        return [
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in table
        ]


def _topic(base: type, item: pytest.Item) -> str:
    """Return the topic of the group of cases that defines this one."""
    name = getattr(item, "originalname", item.name)
    return str(vars(base).get("topic", "")) if name in vars(base) else ""


def _outcome(report: pytest.TestReport) -> str:
    if report.failed:
        return "FAIL"
    if report.skipped:
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        return f"- {str(said).rpartition('needs ')[2].partition(':')[0]}"
    return "ok" if report.when == "call" else ""


def _cell(outcomes: Iterable[str]) -> str:
    seen = set(outcomes)
    if "FAIL" in seen:
        return "FAIL"
    return "ok" if "ok" in seen else ", ".join(sorted(seen))
