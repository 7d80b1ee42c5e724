from collections.abc import Callable
from datetime import timedelta

import pytest

from reconciler.model.receipt import ContainerOutcome, ContainerResult, Receipt, ReceiptEntry, RunOutcome
from reconciler.model.relationship import Relationship
from reconciler.model.verification import Verification
from reconciler.report.receipt import receipt_text
from reconciler.report.style import Style
from tests.unit.report.shapes import ASSETS, LOGS, NAS, NOON
from tests.unit.report.test_verification import FAILED, PROVED

PLAIN = Style(color=False, width=80)
DONE = ContainerResult(container=LOGS, outcome=ContainerOutcome.DONE, calls=1)
BROKE = ContainerResult(
    container=NAS,
    outcome=ContainerOutcome.FAILED,
    calls=1,
    code="PERMISSION_DENIED",
    detail="nas-1: DELETE: PERMISSION_DENIED 403: a privilege is missing [request 12ab]",
    hint="give the role the privilege",
)
SKIPPED = ContainerResult(container=ASSETS, outcome=ContainerOutcome.SKIPPED, detail="interrupted before it began")


def receipt(outcome: RunOutcome, *results: ContainerResult, verifications: tuple[Verification, ...] = ()) -> Receipt:
    entry = ReceiptEntry(
        provider="aws-eu",
        type="s3",
        container=LOGS,
        relationship=Relationship(identity="repl-logs-to-dr", settings={}),
        secrets={"s3.key": "hmac:5f"},
        applied_at=NOON,
        run_id="20261121T120000Z-1f3c2aa9",
    )
    return Receipt(
        tool_version="0.1.0",
        workspace="acme",
        run_id="20261121T120000Z-1f3c2aa9",
        plan_id="sha256:1",
        actor="jo",
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=42.5),
        outcome=outcome,
        results=results,
        verifications=verifications,
        replications={"logs-to-dr": entry},
    )


def test_a_partial_run_reads_as_agreed(golden: Callable[[str, str], None]) -> None:
    run = receipt(RunOutcome.PARTIAL, BROKE, SKIPPED, DONE, verifications=(PROVED,))
    golden("receipt-partial-80", receipt_text(run, PLAIN, receipt_path="r.json", journal_path="j.jsonl"))


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (RunOutcome.DONE, "Done: all that was planned is done."),
        (RunOutcome.PARTIAL, "Partly done: see what failed"),
        (RunOutcome.FAILED, "Failed: nothing of the plan is done"),
        (RunOutcome.UNVERIFIED, "Done, but not proved:"),
        (RunOutcome.INTERRUPTED, "Interrupted: the journal is complete"),
    ],
)
def test_each_end_is_said_in_words(outcome: RunOutcome, said: str) -> None:
    assert said in receipt_text(receipt(outcome, DONE), PLAIN)


def test_done_without_proof_is_not_called_verified() -> None:
    assert "Verified: nothing was looked at" in receipt_text(receipt(RunOutcome.DONE, DONE), PLAIN)
    found = receipt_text(receipt(RunOutcome.UNVERIFIED, DONE, verifications=(FAILED,)), PLAIN)
    assert "Verified: 1 failed" in found


def test_what_failed_says_why_and_what_to_do() -> None:
    found = receipt_text(receipt(RunOutcome.FAILED, BROKE), Style(color=False, width=160))
    assert "✗ failed  nas-1:cluster#relationship/8c1f2e  1 call sent" in found
    assert "      nas-1: DELETE: PERMISSION_DENIED 403: a privilege is missing" in found
    assert "hint: give the role the privilege" in found


def test_a_code_that_the_reason_does_not_name_stands_before_it() -> None:
    other = BROKE.model_copy(update={"code": "PROVIDER-DID-NOT-CONVERGE", "detail": "storageClass is not set"})
    found = receipt_text(receipt(RunOutcome.FAILED, other), PLAIN)
    assert "PROVIDER-DID-NOT-CONVERGE: storageClass is not set" in found


def test_the_calls_sent_are_counted_and_the_paths_named() -> None:
    found = receipt_text(
        receipt(RunOutcome.PARTIAL, BROKE, DONE), PLAIN, receipt_path=".repl/receipt.json", journal_path=".repl/j"
    )
    assert "Applied: 1 done, 1 failed · 2 calls sent" in found
    assert found.endswith("Receipt .repl/receipt.json\nJournal .repl/j\n")


def test_digests_of_secrets_are_not_for_the_screen() -> None:
    assert "hmac" not in receipt_text(receipt(RunOutcome.DONE, DONE), PLAIN)
