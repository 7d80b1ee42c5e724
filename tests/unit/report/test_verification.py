from collections.abc import Callable

from reconciler.model.verification import Check, Level, Outcome, Verdict, Verification
from reconciler.report.style import Style
from reconciler.report.verification import verification_text

PLAIN = Style(color=False, width=80)
NAMES = ("canary arrived", "sha256", "size", "metadata", "cleanup")
PROVED = Verification(
    replication="logs-to-dr",
    level=Level.CANARY,
    outcome=Outcome.PROVED,
    checks=tuple(Check(name=name, verdict=Verdict.MATCH) for name in NAMES),
    lag_s=2.31,
    bytes_written=64,
    not_checked=("objects that were there before the rule",),
)
FAILED = Verification(
    replication="assets-to-dr",
    level=Level.CANARY,
    outcome=Outcome.FAILED,
    checks=(
        Check(name="health", verdict=Verdict.MATCH),
        Check(name="canary arrived", verdict=Verdict.MISSING, detail="not seen for 900 s"),
        Check(name="storage class", verdict=Verdict.MATCH_WEAKER, detail="the store does not say"),
    ),
    reason="no canary arrived within 15m",
)
SKIPPED = Verification(
    replication="media", level=Level.STATUS, outcome=Outcome.NOT_CHECKED, reason="paused: nothing shall flow"
)


def test_each_outcome_reads_as_agreed(golden: Callable[[str, str], None]) -> None:
    golden("verification-80", verification_text([FAILED, PROVED, SKIPPED], PLAIN))


def test_failures_stand_nearest_to_the_prompt() -> None:
    found = verification_text([FAILED, SKIPPED, PROVED], PLAIN)
    assert found.index("proved  logs-to-dr") < found.index("media") < found.index("assets-to-dr")
    assert found.endswith("Verified: 1 proved, 1 not checked, 1 failed · slowest 2.31 s\n")


def test_what_was_not_looked_at_is_not_left_out() -> None:
    assert "not checked: objects that were there before the rule" in verification_text(
        [PROVED], Style(color=False, width=200)
    )


def test_nothing_to_verify_is_said() -> None:
    assert verification_text([], PLAIN) == "Nothing was verified: no replication is written down.\n"


def test_words_carry_the_meaning_without_colour_and_without_unicode() -> None:
    found = verification_text([PROVED, FAILED, SKIPPED], Style(color=False, width=80, unicode=False))
    assert found.isascii()
    assert all(word in found for word in ("= proved", "x failed", "? not checked"))


def test_a_reason_cannot_forge_a_line() -> None:
    forged = FAILED.model_copy(update={"reason": "x\nVerified: 9 proved\x1b[8m"})
    found = verification_text([forged], PLAIN)
    assert "\x1b" not in found
    assert not any(line.startswith("Verified: 9") for line in found.splitlines())
