"""Which exit code an answer has."""

from collections.abc import Collection, Iterable

from reconciler.errors import ErrorCode, ExitCode
from reconciler.model.drift import DriftReport
from reconciler.model.finding import Finding
from reconciler.model.plan import Plan
from reconciler.model.receipt import ContainerOutcome, Receipt, RunOutcome
from reconciler.model.verification import Outcome, Verification

__all__ = ["apply_exit_code", "drift_exit_code", "plan_exit_code", "validation_exit_code", "verify_exit_code"]

_DENIED = (ErrorCode.UNAUTHENTICATED.value, ErrorCode.PERMISSION_DENIED.value, ErrorCode.SECRET.value)
_POLICY = "REPL-P"


def validation_exit_code(errors: Iterable[Finding]) -> int:
    """1 for what is wrong, 4 if nothing but a policy stands against it, else 0."""
    codes = [error.code for error in errors]
    if not codes:
        return ExitCode.OK
    return ExitCode.REFUSED if all(code.startswith(_POLICY) for code in codes) else ExitCode.ERROR


def plan_exit_code(plan: Plan, *, detailed: bool) -> int:
    """1 or 8 for what could not be read or is wrong, 4 for what is forbidden, 2 for changes if asked for."""
    if not plan.complete:
        return _unread(plan.findings)
    if any(not finding.code.startswith(_POLICY) for finding in plan.errors):
        return ExitCode.ERROR
    if plan.errors or plan.blocking:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if detailed and plan.summary.changes else ExitCode.OK


def apply_exit_code(receipt: Receipt) -> int:
    """130 interrupted, 3 partial, 8, 5 or 1 if nothing was done, 6 without proof, else 0."""
    if receipt.outcome is RunOutcome.INTERRUPTED:
        return ExitCode.INTERRUPTED
    if receipt.outcome is RunOutcome.PARTIAL:
        return ExitCode.PARTIAL
    if receipt.outcome is RunOutcome.FAILED:
        codes = {result.code for result in receipt.results if result.outcome is ContainerOutcome.FAILED}
        if codes <= set(_DENIED):
            return ExitCode.AUTH
        return ExitCode.STALE if codes == {"STALE"} else ExitCode.ERROR
    return ExitCode.UNVERIFIED if receipt.outcome is RunOutcome.UNVERIFIED else ExitCode.OK


def verify_exit_code(verifications: Collection[Verification]) -> int:
    """6 unless something was looked at, and all of it is proved."""
    proved = all(item.outcome is Outcome.PROVED for item in verifications)
    return ExitCode.OK if verifications and proved else ExitCode.UNVERIFIED


def drift_exit_code(report: DriftReport, *, include_pending: bool) -> int:
    """1 or 8 for what could not be read, 2 for drift, what an apply that was cut off has left, or a flow that is dead
    or cannot work, and on request for what is pending."""
    if not report.complete:
        return _unread(report.findings)
    if report.drifted or report.half_made or report.hindered or (include_pending and report.pending):
        return ExitCode.CHANGES
    return ExitCode.OK


def _unread(findings: Iterable[Finding]) -> int:
    refused = [finding for finding in findings if finding.code == "REPL-W001"]
    denied = all(any(f": {code}" in finding.detail for code in _DENIED) for finding in refused)
    return ExitCode.AUTH if refused and denied else ExitCode.ERROR
