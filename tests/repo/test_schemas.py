"""The published schemas are those of the models, and describe what is really written."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from reconciler.model.drift import DriftItem, DriftReport, DriftState
from reconciler.model.observation import Health, HealthState
from reconciler.model.receipt import ContainerOutcome, ContainerResult, Receipt, ReceiptEntry, RunOutcome
from reconciler.model.relationship import Relationship
from reconciler.model.secret import SecretRef
from reconciler.model.validation import Validation
from reconciler.model.value import Value
from reconciler.model.verification import Check, Level, Outcome, Verdict, Verification, VerificationReport
from reconciler.report.document import schema_text, schemas, to_json
from tests.unit.report.shapes import BROKEN, LOGS, NOON, PLANS, update

FOLDER = Path(__file__).parents[2] / "schemas"
NAMES = ("plan", "receipt", "drift", "verification", "validation", "providers", "finding")

PROOF = Verification(
    replication="logs",
    level=Level.CANARY,
    outcome=Outcome.PROVED,
    checks=(Check(name="sha256", verdict=Verdict.MATCH),),
    lag_s=1.5,
)
ENTRY = ReceiptEntry(
    provider="aws-eu",
    type="s3",
    container=LOGS,
    relationship=Relationship(
        identity="repl-logs",
        settings={"s3": {"priority": 1}},
        write_only={"s3.a": SecretRef(env="A"), "s3.b": SecretRef(aws_secrets_manager="id")},
    ),
    applied_at=datetime(2026, 11, 21, tzinfo=UTC),
    run_id="r",
    verification=PROOF,
)
RECEIPT = Receipt(
    tool_version="0.1.0",
    workspace="acme",
    run_id="r",
    plan_id="sha256:1",
    actor="jo",
    started_at=NOON,
    finished_at=NOON,
    outcome=RunOutcome.DONE,
    results=(ContainerResult(container=LOGS, outcome=ContainerOutcome.DONE, calls=1),),
    verifications=(PROOF,),
    replications={"logs": ENTRY},
)
DRIFT = DriftReport(
    tool_version="0.1.0",
    workspace="acme",
    created_at=NOON,
    complete=True,
    items=(
        DriftItem(
            replication="logs",
            provider="aws-eu",
            title="a -> b",
            state=DriftState.DRIFTED,
            fields=update().fields,
            health=Health(state=HealthState.OK, last_success_at=NOON),
        ),
    ),
    findings=(BROKEN,),
)
DOCUMENTS: list[tuple[str, Value]] = [
    *(("plan", plan) for plan in PLANS.values()),
    ("receipt", RECEIPT),
    ("drift", DRIFT),
    ("verification", VerificationReport(workspace="acme", verifications=(PROOF,))),
    ("validation", Validation(valid=False, files=1, providers=1, replications=1, findings=(BROKEN,))),
    ("finding", BROKEN),
]


def schema(name: str) -> dict[str, Any]:
    return schemas()[f"{name}.v1.json"]


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_schema_is_the_generated_one(name: str) -> None:
    committed = (FOLDER / f"{name}.v1.json").read_text(encoding="utf-8")
    assert committed == schema_text(schema(name)), "run `repl schema --write schemas` and commit the result"


def test_every_generated_schema_is_held_here() -> None:
    assert set(schemas()) == {f"{name}.v1.json" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_says_what_it_describes(name: str) -> None:
    made = schema(name)
    Draft202012Validator.check_schema(made)
    assert made["$id"] == f"urn:repl:schema:{name}:v1"
    assert made["description"]


@pytest.mark.parametrize(("name", "document"), DOCUMENTS)
def test_what_is_written_fits_its_schema(name: str, document: Value) -> None:
    checker = Draft202012Validator(schema(name), format_checker=Draft202012Validator.FORMAT_CHECKER)
    checker.validate(json.loads(to_json(document)))


@pytest.mark.parametrize(("name", "document"), DOCUMENTS)
def test_every_key_that_is_written_is_described(name: str, document: Value) -> None:
    Draft202012Validator(_closed(schema(name))).validate(json.loads(to_json(document)))


def test_a_reader_with_this_schema_takes_keys_of_later_minor_versions() -> None:
    later = {**json.loads(to_json(DRIFT)), "format_version": "1.1", "new_key": 1}
    Draft202012Validator(schema("drift")).validate(later)


@pytest.mark.parametrize(("key", "value"), [("kind", "repl.receipt"), ("changes", {}), ("created_at", 5)])
def test_what_is_no_plan_does_not_pass_for_one(key: str, value: object) -> None:
    wrong = {**json.loads(to_json(PLANS["update"])), key: value}
    with pytest.raises(ValidationError):
        Draft202012Validator(schema("plan")).validate(wrong)
    del wrong[key]
    with pytest.raises(ValidationError, match="required"):
        Draft202012Validator(schema("plan")).validate(wrong)


def _closed(made: Any) -> Any:
    """Forbid keys that the schema does not name."""
    if isinstance(made, dict):
        closed = {key: _closed(part) for key, part in made.items()}
        return {**closed, "additionalProperties": False} if isinstance(made.get("properties"), dict) else closed
    return [_closed(part) for part in made] if isinstance(made, list) else made
