import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.report.progress import event_line
from reconciler.report.style import Style

PLAIN = Style(color=False, width=100)
KINDS = (
    "started",
    "call_start",
    "call_end",
    "call_settled",
    "call_retry",
    "wait",
    "read_back",
    "done",
    "failed",
    "skipped",
    "note",
)


@pytest.mark.parametrize(
    ("kind", "more", "line"),
    [
        ("started", {}, "started   aws:b"),
        ("call_start", {"step": "s1/put", "text": "write 1 rule"}, "call      aws:b s1/put  write 1 rule"),
        ("wait", {"text": "job running", "percent": 42.3}, "waiting   aws:b  42 %: job running"),
        ("wait", {"text": "odd", "percent": 180.0}, "waiting   aws:b  100 %: odd"),
        ("failed", {"text": "TLS: no"}, "failed    aws:b  TLS: no"),
        ("unheard_of", {"text": "x"}, "unheard_of aws:b  x"),
        ("done", {"elapsed_s": 75.04}, "  1m15s  done      aws:b"),
    ],
)
def test_each_event_is_one_line_of_words(kind: str, more: dict[str, object], line: str) -> None:
    assert event_line(kind, PLAIN, container="aws:b", **more) == line  # type: ignore[arg-type]


@given(st.sampled_from(KINDS) | st.text(max_size=9), st.text(), st.text(), st.integers(40, 120), st.booleans())
def test_events_stay_on_one_line(kind: str, container: str, text: str, width: int, color: bool) -> None:
    line = event_line(kind, Style(color=False, width=width), container=container, text=text, percent=3.0, elapsed_s=1.5)
    assert line.replace("\u200e", "").isprintable()
    assert cell_len(line) <= width
