from typing import Any

import pytest

from reconciler.model.observation import Health, HealthState
from reconciler.providers.alarik import convert
from reconciler.providers.alarik.convert import Unreadable
from reconciler.providers.alarik.health import health
from tests.unit.providers.alarik.flows import FOREIGN_RULE, FOREIGN_TARGET, wire_rule, wire_target


def task(**changes: Any) -> dict[str, Any]:
    return {
        "id": "T", "ruleId": FOREIGN_RULE.lower(), "targetId": FOREIGN_TARGET, "endpoint": "https://other.example/",
        "key": "a.jpg", "operation": "put", "state": "pending", "attempts": 0,
        "nextAttemptAt": "2026-01-01T00:00:00Z", "createdAt": "2026-01-01T00:00:00Z", **changes,
    }  # fmt: skip


def judged(*rows: dict[str, Any], target: dict[str, Any] | None = None, **rule: Any) -> Health:
    targets = [] if target == {} else [wire_target(**(target or {}))]
    held = convert.read(targets, [wire_rule(**rule)])
    (live,) = convert.observation(convert.bucket_scope("ala", "b"), held).containers[0].relationships
    return health(live.identity, live.settings, rows)


def test_an_empty_outbox_is_no_proof() -> None:
    found = judged()
    assert (found.state, found.backlog, found.failed) == (HealthState.UNKNOWN, 0, 0)
    assert "keeps no record" in found.detail


def test_what_waits_is_counted_for_its_own_rule() -> None:
    found = judged(task(), task(), task(ruleId="FFFFFFFF-0000-4000-8000-000000000000", state="failed"))
    assert (found.state, found.backlog, found.failed) == (HealthState.RUNNING, 2, 0)


def test_a_try_that_failed_may_still_work() -> None:
    found = judged(task(attempts=2, lastError="connection refused"))
    assert found.state is HealthState.RUNNING
    assert found.detail == "connection refused (attempt 2)"


def test_what_was_given_up_is_a_failure() -> None:
    found = judged(task(), task(state="failed", attempts=8, lastError="connection\nrefused\x07" + "x" * 500))
    assert (found.state, found.backlog, found.failed) == (HealthState.FAILED, 1, 1)
    assert len(found.detail) < 300
    assert "\n" not in found.detail
    assert "attempt 8" in found.detail


@pytest.mark.parametrize(
    "error",
    ["SignatureDoesNotMatch: no", "InvalidAccessKeyId", "HTTP 403", "AccessDenied", "ExpiredToken", "invalidtoken"],
)
def test_a_refused_key_is_told_with_the_cure(error: str) -> None:
    found = judged(task(attempts=1, lastError=error))
    assert found.state is HealthState.FAILED
    assert "ALARIK-STALE-CREDENTIALS" in found.detail
    assert "alarik.generation" in found.detail


def test_a_wrong_region_names_the_right_one() -> None:
    error = "AuthorizationHeaderMalformed: the region 'us-east-1' is wrong; expecting 'eu-2'."
    found = judged(task(lastError=error))
    assert found.state is HealthState.FAILED
    assert "in eu-2, not us-east-1" in found.detail
    assert "another region" in judged(task(lastError="AuthorizationHeaderMalformed")).detail


def test_a_row_for_an_old_destination_is_recognised() -> None:
    found = judged(task(endpoint="https://u:pw@old.example", lastError="timeout"))
    assert found.state is HealthState.FAILED
    assert "queued for https://***@old.example" in found.detail


def test_a_canary_that_could_not_be_sent_before_it_was_removed_is_no_failure() -> None:
    key = "app/.repl-canary/20260101T000000Z-1/photos-dr"
    gone = task(key=key, state="failed", attempts=8, lastError="Could not read the source object")
    assert (judged(gone).state, judged(gone).failed) == (HealthState.UNKNOWN, 0)
    assert judged(task(key=key, state="failed", lastError="AccessDenied")).state is HealthState.FAILED
    assert judged({**gone, "key": "app/a"}).state is HealthState.FAILED


def test_a_full_list_says_that_there_may_be_more() -> None:
    found = judged(*[task() for _ in range(100)])
    assert found.backlog == 100
    assert "only the newest 100" in found.detail
    others = [task(ruleId="FFFFFFFF-0000-4000-8000-000000000000") for _ in range(100)]
    assert "only the newest 100" in judged(*others).detail


@pytest.mark.parametrize(
    ("target", "rule", "word"),
    [
        (None, {"enabled": False}, "rule is disabled"),
        ({"enabled": False}, {}, "target is disabled"),
        ({}, {"enabled": False}, "ALARIK-RULE-DISABLED"),
    ],
)
def test_paused_is_said_as_paused(target: dict[str, Any] | None, rule: dict[str, Any], word: str) -> None:
    found = judged(task(state="failed"), target=target, **rule)
    assert (found.state, found.failed) == (HealthState.PAUSED, 1)
    assert word in found.detail


def test_an_answer_that_makes_no_sense() -> None:
    with pytest.raises(Unreadable, match="attempts"):
        judged(task(attempts="many"))
