import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.model.finding import Finding, Severity, SourceRange
from reconciler.report.findings import finding_line, findings_summary, findings_text
from reconciler.report.style import Style
from tests.unit.report.shapes import BROKEN

PLAIN = Style(color=False, width=80)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
WARNING = Finding(code="REPL-C002", severity=Severity.WARNING, summary="worth a look", replication="logs")


def test_a_finding_points_at_its_place() -> None:
    assert findings_text([BROKEN], PLAIN) == (
        "manifests/assets.yaml:18:40: error[REPL-W003]: versioning is off\n"
        "  bucket dr-assets has versioning suspended; S3 replicates between versioned\n"
        "  buckets only\n"
        "  18 |   destination: {provider: aws-us, bucket: dr-assets}\n"
        "     |                                        ^^^^^^^^^\n"
        "  hint: turn versioning on for dr-assets\n"
        "\n"
        "1 error\n"
    )


def test_errors_come_first_and_all_are_counted() -> None:
    note = WARNING.model_copy(update={"severity": Severity.INFO})
    found = findings_text([note, WARNING, BROKEN, BROKEN], PLAIN)
    assert found.index("error[") < found.index("warning[") < found.index("info[")
    assert found.endswith("\n2 errors, 1 warning, 1 note\n")
    assert findings_summary([]) == "no findings"
    assert findings_text([], PLAIN) == ""


def test_a_finding_without_a_place_says_whom_it_concerns() -> None:
    assert findings_text([WARNING], PLAIN).startswith("warning[REPL-C002] (logs): worth a look\n")


def test_one_line_is_one_line() -> None:
    line = finding_line(BROKEN, PLAIN)
    assert line.startswith("manifests/assets.yaml:18:40: error[REPL-W003]: versioning is off: bucket dr-ass")
    assert len(line) == 80
    assert line.endswith("…")
    assert ANSI.sub("", finding_line(BROKEN, Style(color=True, width=80))) == line


def at(snippet: str, column: int, end: int | None = None) -> Finding:
    where = SourceRange(file="a.yaml", line=3, column=column, end_column=end, snippet=snippet)
    return BROKEN.model_copy(update={"where": where, "detail": "", "hint": None})


@pytest.mark.parametrize(
    ("snippet", "column", "end", "under"),
    [
        ("key: value", 6, 11, "value"),
        ("key: value", 6, None, "v"),
        ("\tkey: value", 2, 5, "key"),
        ("日本: value", 5, 10, "value"),
        ("a\x1b[31m: value", 9, 14, "value"),
        ("x" * 500 + "oops" + "y" * 500, 501, 505, "oops"),
        ("key:", 5, None, ""),
        ("key", 1, 999, "key"),
        ("", 1, None, ""),
    ],
)
def test_the_caret_stands_under_what_is_meant(snippet: str, column: int, end: int | None, under: str) -> None:
    lines = findings_text([at(snippet, column, end)], PLAIN).splitlines()
    source, caret = lines[1] + " " * 9, lines[2]
    start = caret.index("^")
    cut, used = 0, 0
    while used < start:
        used += cell_len(source[cut])
        cut += 1
    assert caret.count("^") == max(len(under), 1)
    assert source[cut:].startswith(under)


def test_a_line_of_megabytes_is_no_trouble() -> None:
    found = findings_text([at("a" * 5_000_000, 2_500_000)], PLAIN)
    assert len(found) < 400


@given(st.text(max_size=300), st.integers(1, 400), st.none() | st.integers(1, 400), st.integers(40, 120))
def test_no_source_line_breaks_the_screen(snippet: str, column: int, end: int | None, width: int) -> None:
    found = findings_text([at(snippet, column, end)], Style(color=False, width=width))
    assert all(cell_len(line) <= width for line in found.splitlines())
    assert all(line.replace("\u200e", "").isprintable() for line in found.split("\n"))
    painted = findings_text([at(snippet, column, end)], Style(color=True, width=width))
    assert ANSI.sub("", painted) == found
