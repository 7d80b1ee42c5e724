"""Waiting, references between steps, and receipts with proofs: against a provider that does what a script says."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine.events import ApplyEvent, EventKind
from reconciler.engine.execute import Interrupted, RunContext, run_container
from reconciler.engine.journal import ContainerHistory, Journal
from reconciler.engine.reads import ScopeReader
from reconciler.engine.record import with_verifications
from reconciler.engine.references import filled_await, filled_call
from reconciler.errors import ErrorCode, InternalError, ProviderError
from reconciler.model.observation import ABSENT, ContainerRef, Observation, ScopeRef
from reconciler.model.plan import ContainerPlan, Read
from reconciler.model.receipt import ContainerOutcome, Receipt, ReceiptEntry, RunOutcome
from reconciler.model.relationship import Relationship
from reconciler.model.step import Await, Call, Ref
from reconciler.model.verification import Level, Outcome, Verification
from reconciler.providers.base import CallResult, Progress
from reconciler.testing.clock import ManualClock
from reconciler.testing.memory import Secrets

REF = ContainerRef(provider="p", scope="s", key="k")
WAIT = Await(
    id="s1/wait",
    condition="gone",
    target="t",
    summary="gone",
    deadline_s=60,
    params=Ref(step="go", field="id").marked(),
)
CALL = Call(id="s1/go", operation="Go", target="t", summary="go", idempotent=True)


class Scripted:
    """Answers polls from a list; everything else is as it always was: nothing is there."""

    def __init__(self, *answers: Progress | ProviderError) -> None:
        self.answers = list(answers)
        self.polled: list[Await] = []

    def observe(self, scope: ScopeRef) -> Observation:
        return Observation(scope=scope)

    def execute(self, call: Call, secrets: Any) -> CallResult:
        return CallResult(returned={"id": "42"})

    def poll(self, wait: Await) -> Progress:
        self.polled.append(wait)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ProviderError):
            raise answer
        return answer


class Opened:
    def __init__(self, provider: Scripted) -> None:
        self._provider = provider

    def provider(self, name: str) -> Any:
        return self._provider


def run(
    folder: Path, provider: Scripted, stop: threading.Event | None = None, deadline_s: int = 60
) -> tuple[Any, list[ApplyEvent]]:
    clock, events = ManualClock(), []
    wait = WAIT.model_copy(update={"deadline_s": deadline_s})
    connections: Any = Opened(provider)
    item = ContainerPlan(
        container=REF, changes=("c1",), reads=(Read(container=REF, fingerprint=ABSENT),), steps=(CALL, wait)
    )
    with Journal(folder / "j.jsonl", run_id="r", plan_id="p", clock=clock) as journal:
        context = RunContext(
            connections=connections, secrets=Secrets(), journal=journal, reader=ScopeReader(connections, clock),
            clock=clock, stop=stop or threading.Event(), emit=events.append,
        )  # fmt: skip
        return run_container(context, item, ContainerHistory()), events


def test_a_wait_is_polled_until_it_is_over_and_told(tmp_path: Path) -> None:
    provider = Scripted(Progress(done=False, detail="half", percent=50.0), Progress(done=True))
    result, events = run(tmp_path, provider)
    assert (result.outcome, result.calls) == (ContainerOutcome.DONE, 1)
    assert [(event.text, event.percent) for event in events if event.kind is EventKind.WAIT] == [("half", 50.0)]
    assert provider.polled[0].params == "42"


def test_a_wait_has_an_end(tmp_path: Path) -> None:
    result, _ = run(tmp_path, Scripted(Progress(done=False, detail="still there")))
    assert (result.outcome, result.code) == (ContainerOutcome.FAILED, "UNAVAILABLE")
    assert "not within 60 s: still there" in result.detail


def test_what_will_never_come_ends_the_wait_at_once(tmp_path: Path) -> None:
    result, _ = run(tmp_path, Scripted(Progress(done=False, failed="the job has failed")))
    assert (result.outcome, result.code) == (ContainerOutcome.FAILED, "FAILED_PRECONDITION")


def test_a_look_that_is_not_answered_does_not_end_a_wait(tmp_path: Path) -> None:
    silent = [unanswered(ErrorCode.UNAVAILABLE)] * 20
    scattered = [answer for one in silent for answer in (one, Progress(done=False))] * 5
    result, events = run(tmp_path, Scripted(*silent, *scattered, Progress(done=True)), deadline_s=86_400)
    assert result.outcome is ContainerOutcome.DONE
    assert "no answer: p: look: UNAVAILABLE: gone away" in {event.text for event in events}


@pytest.mark.parametrize(("code", "looks"), [(ErrorCode.UNAVAILABLE, 30), (ErrorCode.PERMISSION_DENIED, 1)])
def test_long_silence_and_refusals_end_a_wait(tmp_path: Path, code: ErrorCode, looks: int) -> None:
    provider = Scripted(unanswered(code))
    result, _ = run(tmp_path, provider, deadline_s=86_400)
    assert (result.outcome, result.code) == (ContainerOutcome.FAILED, code.name)
    assert looks <= len(provider.polled) <= 2 * looks


def unanswered(code: ErrorCode) -> ProviderError:
    return ProviderError("gone away", code=code, provider="p", operation="look")


def test_a_wait_can_be_stopped(tmp_path: Path) -> None:
    stop = threading.Event()

    class Stopping(Scripted):
        def poll(self, wait: Await) -> Progress:
            stop.set()
            return super().poll(wait)

    with pytest.raises(Interrupted):
        run(tmp_path, Stopping(Progress(done=False)), stop)


def test_references_are_filled_wherever_they_stand() -> None:
    ref = Ref(step="go", field="id").marked()
    call = CALL.model_copy(update={"body": {"a": [ref, 1], "b": {"c": ref}}})
    assert filled_call(call, {"go": {"id": "42"}}).body == {"a": ["42", 1], "b": {"c": "42"}}
    assert filled_await(WAIT, {"go": {"id": "42"}}).params == "42"
    for returned in ({}, {"go": {}}):
        with pytest.raises(InternalError, match=r"go\.id"):
            filled_call(call, returned)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("proof", "before", "after"),
    [
        (Outcome.PROVED, RunOutcome.DONE, RunOutcome.DONE),
        (Outcome.FAILED, RunOutcome.DONE, RunOutcome.UNVERIFIED),
        (Outcome.NOT_CHECKED, RunOutcome.DONE, RunOutcome.UNVERIFIED),
        (Outcome.FAILED, RunOutcome.PARTIAL, RunOutcome.PARTIAL),
    ],
)
def test_a_run_without_proof_is_not_done(proof: Outcome, before: RunOutcome, after: RunOutcome) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    entry = ReceiptEntry(
        provider="p", type="t", container=REF, relationship=Relationship(identity="i", settings={}), applied_at=now,
        run_id="r",
    )  # fmt: skip
    receipt = Receipt(
        tool_version="0", workspace="w", run_id="r", plan_id="p", actor="a", started_at=now, finished_at=now,
        outcome=before, replications={"one": entry, "two": entry},
    )  # fmt: skip
    answer = with_verifications(receipt, [Verification(replication="one", level=Level.CANARY, outcome=proof)], now)
    assert answer.outcome is after
    assert answer.replications["one"].verification is not None
    assert answer.replications["two"].verification is None
