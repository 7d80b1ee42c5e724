"""Odd names come back as they went in, or are refused before anything is sent."""

from typing import ClassVar

import pytest

from reconciler.engine.diff import shown_differences
from reconciler.model.finding import Severity
from reconciler.model.relationship import Flow
from reconciler.testing.host import Host
from reconciler.testing.suite.cases import Cases

__all__ = ["ODD", "NameCases"]

ODD = {
    "blanks": "a b  c",
    "edge-blanks": " a ",
    "percent": "100%25 %2F%zz",
    "signs": "a+b&c=d?e#f;g,h@i$j!k",
    "quotes": "\"d\" 's' <t> [b] {c} `q` \\x",
    "unicode": "naïve-日本-😀",
    "decomposed": "e\u0301-\u00e9",
    "case": "MiXeD",
    "dots": "a..b.c",
    "template": "{{ vars.x }} ${y} %(z)s",
    "newline": "a\nb\tc",
}
"""Pieces of prefixes and paths, by what is odd about them."""


class NameCases(Cases):
    """Cases about names."""

    topic: ClassVar[str] = "names"

    @pytest.mark.parametrize("oddity", ODD)
    def test_odd_places(self, host: Host, oddity: str) -> None:
        """Blanks, percent signs, quotes, Unicode in both forms, and more."""
        self._round_trip(host, host.harness.placed("odd", ODD[oddity]))

    def test_long_places(self, host: Host) -> None:
        """1,024 bytes, the longest key that S3 has."""
        text = "/".join(["x" * 200] * 4 + ["é" * 109 + "x"])
        assert len(text.encode()) == 1023
        self._round_trip(host, host.harness.placed("long", text))

    def test_places_that_differ_in_case_alone(self, host: Host) -> None:
        """They are two."""
        self._both(host, host.harness.placed("upper", "Case"), host.harness.placed("lower", "case"))

    def test_places_that_differ_in_composition_alone(self, host: Host) -> None:
        """Two spellings in Unicode are two names."""
        self._both(host, host.harness.placed("composed", "\u00e9"), host.harness.placed("decomposed", "e\u0301"))

    def test_places_that_differ_in_escaping_alone(self, host: Host) -> None:
        """What looks escaped is not unescaped."""
        self._both(host, host.harness.placed("escaped", "a%20b"), host.harness.placed("plain", "a b"))

    def test_the_longest_name(self, host: Host) -> None:
        """63 characters, as names of documents may have."""
        self._round_trip(host, host.harness.flow("n" * 63))

    def _both(self, host: Host, one: Flow, two: Flow) -> None:
        if self._refused(host, one) or self._refused(host, two):
            return
        host.converge(one, two)
        assert host.present(one).identity != host.present(two).identity
        assert host.count(one) == 2
        host.settled(one, two)
        host.converge(one, prune=True)
        assert host.live(two) is None
        assert host.present(one)

    def _round_trip(self, host: Host, flow: Flow) -> None:
        if self._refused(host, flow):
            return
        host.converge(flow)
        assert not shown_differences(host.present(flow), host.reader.normalise(flow).settings)
        host.settled(flow)
        host.converge(prune=True)
        assert host.live(flow) is None

    def _refused(self, host: Host, flow: Flow) -> bool:
        """Say whether the provider does not take the name; then nothing may be sent."""
        with host.quiet() as sent:
            found = [finding for finding in host.reader.check(flow) if finding.severity is Severity.ERROR]
        assert not sent
        return bool(found)
