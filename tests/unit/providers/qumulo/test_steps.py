from pathlib import Path
from typing import Any

import pytest

from reconciler.model.change import Action, Change, ContainerDiff, FieldChange, Reason
from reconciler.model.observation import ContainerRef, ContainerState
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.secret import SecretRef, secret_refs
from reconciler.model.step import Await, Call
from reconciler.providers.qumulo import convert
from reconciler.providers.qumulo.convert import STATUSES
from reconciler.providers.qumulo.provider import QumuloProvider
from tests.unit.providers.qumulo.flows import AMAZON, CERTIFICATE, connection, flow, wire

ID = wire()["id"]


def provider(base: Path) -> QumuloProvider:
    return QumuloProvider(connection(base))


def held(**changes: Any) -> ContainerState:
    """What the cluster holds."""
    return convert.observation("nas-1", STATUSES.validate_python([wire(**changes)])).containers[0]


def change(action: Action, subject: Flow, state: ContainerState | None, **more: Any) -> Change:
    observed = state.relationships[0] if state else None
    settings = {
        "id": "c1", "replication": subject.name, "provider": "nas-1", "type": "qumulo", "title": "/projects -> proj",
        "action": action, "reason": Reason.SETTINGS_DIFFER, "container": ref(subject), "observed": observed,
        "observed_in": state.ref if state else None, "fields": (FieldChange(path=("qumulo", "region")),),
    }  # fmt: skip
    return Change.model_validate({**settings, **more})


def ref(subject: Flow) -> ContainerRef:
    return ContainerRef(provider="nas-1", scope=convert.SCOPE, key=convert.identity(convert.desired(subject, None)))


def diff(*changes: Change, state: ContainerState | None = None, flows: tuple[Flow, ...] = ()) -> ContainerDiff:
    return ContainerDiff(
        container=changes[0].container,
        state=state,
        changes=changes,
        flows={subject.name: subject for subject in flows},
        facts={},
    )


REPLACEMENT = ["abort", "stopped", "delete", "gone", "create"]


@pytest.mark.parametrize(
    ("action", "steps", "effects"),
    [
        (Action.CREATE, ["create"], ["QUMULO-ONE-SHOT"]),
        (Action.REPLACE, REPLACEMENT, ["QUMULO-REPLACE"]),
        (Action.UPDATE, REPLACEMENT, ["QUMULO-REPLACE"]),
        (Action.ADOPT, REPLACEMENT, ["QUMULO-REPLACE"]),
        (Action.DELETE, REPLACEMENT[:4], []),
        (Action.RESYNC, ["replicate"], []),
        (Action.NONE, [], []),
    ],
)
@pytest.mark.parametrize("side", ["source", "destination"])
def test_what_each_action_comes_to(
    *, action: Action, steps: list[str], effects: list[str], side: Any, tmp_path: Path
) -> None:
    subject = flow(owner_side=side)
    state = None if action is Action.CREATE else held()
    known = () if action is Action.DELETE else (subject,)
    plan = provider(tmp_path).steps(diff(change(action, subject, state), state=state, flows=known))
    assert [step.id for step in plan.steps] == steps
    fills = side == "destination" and action not in (Action.DELETE, Action.NONE)
    assert [effect.rule for effect in plan.effects] == effects + ["QUMULO-READ-ONLY"] * fills
    assert plan.findings == ()
    for step in plan.steps:
        assert step.target == (ID if step.id != "create" else "/projects")
        assert isinstance(step, Call) == (step.id not in ("stopped", "gone"))
        if isinstance(step, Await):
            assert step.deadline_s > 0


def test_adopting_what_is_equal_writes_nothing(tmp_path: Path) -> None:
    state = held()
    equal = change(Action.ADOPT, flow(), state, fields=())
    assert provider(tmp_path).steps(diff(equal, state=state, flows=(flow(),))).steps == ()


def test_a_create_is_the_only_call_that_must_not_be_repeated(tmp_path: Path) -> None:
    state = held()
    plan = provider(tmp_path).steps(diff(change(Action.REPLACE, flow(), state), state=state, flows=(flow(),)))
    calls = {step.id: step for step in plan.steps if isinstance(step, Call)}
    assert {name: call.idempotent for name, call in calls.items()} == {"abort": True, "delete": True, "create": False}
    assert calls["create"].operation == "POST /v3/replication/object-relationships/"
    assert calls["delete"].operation == "DELETE /v3/replication/object-relationships/{id}"
    assert secret_refs(calls["create"].body) == (SecretRef(env="S3_SECRET"),)


def test_the_certificate_is_part_of_the_plan(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(f"# ours\n{CERTIFICATE}")
    subject = flow(options={"caFile": "ca.pem"})
    opened = provider(tmp_path)
    before = opened.normalise(subject)
    file.unlink()
    (create,) = opened.steps(diff(change(Action.CREATE, subject, None), flows=(subject,))).steps
    assert isinstance(create, Call)
    assert create.body["ca_certificate"] == CERTIFICATE  # type: ignore[index, call-overload]
    assert opened.normalise(subject) == before


def test_an_identity_that_changes_leaves_the_old_place(tmp_path: Path) -> None:
    """The observed relationship lies in another container than the one that is written."""
    subject, state = flow(prefix="v2/"), held()
    plan = provider(tmp_path).steps(diff(change(Action.REPLACE, subject, state), state=None, flows=(subject,)))
    assert [(step.id, step.target) for step in plan.steps][:4] == [(name, ID) for name in REPLACEMENT[:4]]
    assert isinstance(plan.steps[-1], Call)
    assert plan.steps[-1].body["object_folder"] == "v2/"  # type: ignore[index, call-overload]
    assert "unknown" in str(plan.effects[0].estimate)


def test_two_changes_in_one_place_free_it_first(tmp_path: Path) -> None:
    leaving, coming = flow(name="a-old"), flow(name="b-new")
    state = held()
    changes = (change(Action.DELETE, leaving, state), change(Action.CREATE, coming, None))
    plan = provider(tmp_path).steps(diff(*changes, state=state, flows=(coming,)))
    names = [step.id for step in plan.steps]
    assert names == ["abort-a-old", "stopped-a-old", "delete-a-old", "gone-a-old", "create-b-new"]


@pytest.mark.parametrize("action", [Action.REPLACE, Action.DELETE, Action.RESYNC])
def test_without_an_id_nothing_is_planned(action: Action, tmp_path: Path) -> None:
    for observed in (None, Relationship(identity="x", settings={})):
        broken = change(action, flow(), held(), observed=observed)
        plan = provider(tmp_path).steps(diff(broken, state=held(), flows=(flow(),)))
        assert (plan.steps, [found.code for found in plan.findings]) == ((), ["REPL-W120"])


class TestEffects:
    def replaced(self, base: Path, **live: Any) -> Any:
        state = held(**live)
        return (
            provider(base).steps(diff(change(Action.REPLACE, flow(), state), state=state, flows=(flow(),))).effects[0]
        )

    def test_a_replacement_blocks_and_counts(self, tmp_path: Path) -> None:
        effect = self.replaced(tmp_path)
        assert (effect.blocks, effect.loses_protection, effect.recopies) == (True, True, True)
        assert effect.allow == "QUMULO-REPLACE@nas-archive"
        assert "deleted and made again" in effect.text
        assert str(effect.estimate) == "amount unknown (a cluster counts only while a job runs)"

    def test_the_running_job_tells_how_much(self, tmp_path: Path) -> None:
        progress = {"bytes_total": "1048576", "files_total": "21"}
        job = {"start_time": "2026-01-01T00:00:00Z", "job_progress": progress}
        effect = self.replaced(tmp_path, state="REPLICATION_RUNNING", current_job=job)
        assert str(effect.estimate) == "21 objects, 1.0 MiB (the job that runs now)"
        only_bytes = {**job, "job_progress": {"bytes_total": "1048576"}}
        effect = self.replaced(tmp_path, state="REPLICATION_RUNNING", current_job=only_bytes)
        assert str(effect.estimate) == "1.0 MiB (the job that runs now)"

    def test_one_shot_says_how_to_go_on(self, tmp_path: Path) -> None:
        subject = flow(schedule={"every": "1h"})
        (effect,) = provider(tmp_path).steps(diff(change(Action.CREATE, subject, None), flows=(subject,))).effects
        assert "repl resync nas-archive` every 1h" in effect.text
        assert not effect.blocks

    def test_read_only_names_the_directory(self, tmp_path: Path) -> None:
        subject = flow(owner_side="destination", path="/restore/")
        effects = provider(tmp_path).steps(diff(change(Action.CREATE, subject, None), flows=(subject,))).effects
        assert "below /restore while" in effects[-1].text


class TestPureFacts:
    def test_everything_is_a_replacement(self, tmp_path: Path) -> None:
        assert provider(tmp_path).replaces(("qumulo", "region"))

    def test_scope_and_container(self, tmp_path: Path) -> None:
        opened = provider(tmp_path)
        assert str(opened.scope(flow())) == "nas-1:cluster"
        assert opened.container(flow()) == held().ref
        assert opened.normalise(flow()).identity == held().relationships[0].identity

    @pytest.mark.parametrize(
        ("prefix", "folder"), [("v1", "v1/"), ("v1/", "v1/"), (None, None), ("", None), ("/", None)]
    )
    def test_ends_name_the_same_keys(self, prefix: str | None, folder: str | None, tmp_path: Path) -> None:
        source, destination = provider(tmp_path).ends(flow(prefix=prefix))
        assert (source.path, destination.bucket, destination.prefix) == ("/projects", "proj", folder)
        source, destination = provider(tmp_path).ends(flow(prefix=prefix, owner_side="destination"))
        assert (source.prefix, destination.path) == (folder, "/projects")

    def test_start(self, tmp_path: Path) -> None:
        call = provider(tmp_path).start(held().relationships[0])
        assert call is not None
        assert (call.target, call.body) == (ID, {"id": ID})

    def test_a_peer_at_another_port(self, tmp_path: Path) -> None:
        subject = flow(peer=AMAZON.model_copy(update={"url": "https://minio.example:9000"}))
        assert "minio.example:9000/proj" in provider(tmp_path).container(subject).key
