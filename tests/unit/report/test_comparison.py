"""The numbers of a comparison and its first keys, as a terminal shows them."""

import pytest

from reconciler.model.verification import Comparison, Difference, Level, Outcome, Verdict, Verification
from reconciler.report.document import to_json
from reconciler.report.style import Style
from reconciler.report.verification import verification_text

PLAIN = Style(color=False, width=100)
EVIL = "a\nb\x1b[2J\u202ec"


def shown(found: Comparison, style: Style = PLAIN) -> str:
    proof = Verification(replication="logs", level=Level.HASH, outcome=Outcome.FAILED, compared=found, reason="why")
    return verification_text([proof], style)


def different(key: str, verdict: Verdict = Verdict.MISSING, detail: str = "10 bytes at the source") -> Difference:
    return Difference(key=key, verdict=verdict, detail=detail)


def test_numbers_stand_by_verdict_and_those_that_are_none_are_left_out() -> None:
    text = shown(
        Comparison(
            complete=True, reached=Level.SIZE, source_objects=1204, destination_objects=1270, match=1190, weaker=4,
            missing=3, pending=5, extra=70, not_judged=2, excluded=9, bytes_compared=3 * 1024**3,
        )
    )  # fmt: skip
    plain = " ".join(text.split())
    assert "1,204 objects at the source, 1,270 at the destination" in plain
    for words in ("= 1,190 equal", "~ 4 equal by size only", "+ 3 missing", "> 5 too new", "- 70 extra"):
        assert words in plain
    assert "2 not judged" in plain
    assert "9 left out by the filter" in plain
    assert "3.0 GiB read at each end" in plain
    assert "different" not in plain
    assert "not readable" not in plain


@pytest.mark.parametrize("style", [Style(color=True, width=80), Style(color=False, width=40, unicode=False)])
def test_no_key_harms_the_terminal(style: Style) -> None:
    differences = (different(EVIL), different("x" * 1000), different(" blanks "), different("日本" * 100))
    text = shown(Comparison(complete=True, source_objects=9, missing=4, differences=differences), style)
    assert "\u202e" not in text
    assert "\x1b[2J" not in text
    assert r"a\nb\x1b[2J\u202ec" in text.replace("\n" + " " * 10, "")
    assert '" blanks "' in text
    assert max(map(len, text.splitlines())) < 200


def test_failures_are_named_before_what_is_only_late_or_extra() -> None:
    late = [different(f"a{number:02}", Verdict.PENDING) for number in range(20)]
    found = Comparison(
        complete=True, source_objects=40, pending=20, missing=1, differs=1, extra=500,
        differences=(*late, different("m"), different("z", Verdict.DIFFERS)), truncated=True,
    )  # fmt: skip
    text = shown(found)
    named = [line.split()[:2] for line in text.splitlines() if line.strip()[:2] in ("+ ", "* ", "> ")]
    assert [key for _, key in named] == [*(f"a{number:02}" for number in range(8)), "m", "z"]
    assert "512 more: `--differences FILE` writes them all" in text


def test_a_comparison_that_broke_off_says_so() -> None:
    assert "broken off after 7 objects at the source" in shown(Comparison(complete=False, source_objects=7))


def test_json_holds_everything_and_nothing_that_a_terminal_would_obey() -> None:
    proof = Verification(
        replication="logs", level=Level.SIZE, outcome=Outcome.FAILED,
        compared=Comparison(complete=True, missing=1, differences=(different(EVIL),)),
    )  # fmt: skip
    text = to_json(proof)
    assert "\\u202e" in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert Verification.model_validate_json(text) == proof
