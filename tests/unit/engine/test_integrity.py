"""Which saved plans are taken, and which files they belong to."""

import json
import re
import resource
from pathlib import Path

import pytest

from reconciler.cli.catalog import RegistryCatalog
from reconciler.engine.digests import digest_of, matches
from reconciler.engine.integrity import read_plan, require_intact, require_same_files
from reconciler.engine.journal import Journal, read_journal
from reconciler.engine.state import StateFolder
from reconciler.errors import ReplError, StalePlan
from reconciler.manifest.load import load
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.receipt import JournalEvent
from reconciler.testing.clock import ManualClock
from tests.lab.workbench import REGISTRY, Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    bench = Workbench(tmp_path / "w")
    bench.replicate("one")
    return bench


def test_a_saved_plan_comes_back_whole(bench: Workbench, tmp_path: Path) -> None:
    plan = bench.plan()
    path = tmp_path / "p.json"
    path.write_text(plan.model_dump_json())
    again = read_plan(path)
    assert again == plan
    assert again.computed_id() == plan.plan_id


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"kind": "repl.plan"}', "not json", '{"a": 1e999}'])
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(StalePlan):
        read_plan(path)


def test_what_is_no_text_is_refused_and_what_is_missing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StalePlan, match="UTF-8"):
        read_plan(tmp_path / "p.json")
    with pytest.raises(ReplError, match="cannot be read"):
        read_plan(tmp_path / "missing.json")


def test_every_changed_byte_changes_the_id(bench: Workbench) -> None:
    plan = bench.plan()
    document = json.loads(plan.model_dump_json())
    for key in document:
        if key == "plan_id":
            continue
        altered = dict(document)
        altered[key] = "x" if not isinstance(document[key], bool) else not document[key]
        try:
            again = type(plan).model_validate_json(json.dumps(altered))
        except ValueError:
            continue
        assert again.computed_id() != plan.plan_id, key


def test_other_files_are_refused_by_name(bench: Workbench) -> None:
    plan = bench.plan()
    require_same_files(plan, bench.workspace)
    bench.replicate("two", "c", "d")
    with pytest.raises(StalePlan, match=r"r-two\.yaml"):
        require_same_files(plan, bench.workspace)
    bench.forget("two")
    bench.replicate("one", state="paused")
    with pytest.raises(StalePlan, match=r"r-one\.yaml"):
        require_same_files(plan, bench.workspace)


def test_other_values_of_variables_are_refused(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.write(
        "workspace.yaml", "apiVersion: repl/v1\nkind: Workspace\nmetadata: {name: v}\nspec: {vars: {to: b, no: .nan}}\n"
    )
    bench.replicate("one", to='"{{ vars.to }}"')

    def with_variables(**variables: str) -> LoadedWorkspace:
        return load([bench.root], catalog=RegistryCatalog(REGISTRY), variables=variables)

    plan = bench.plan()
    require_same_files(plan, bench.workspace)
    require_same_files(plan, with_variables(to="b"))
    with pytest.raises(StalePlan, match="variables have other values"):
        require_same_files(plan, with_variables(to="c"))
    with pytest.raises(StalePlan, match="variables have other values"):
        require_same_files(plan, with_variables(to="b", more="x"))


def test_another_workspace_is_refused(bench: Workbench) -> None:
    plan = bench.plan()
    bench.write("workspace.yaml", "apiVersion: repl/v1\nkind: Workspace\nmetadata: {name: other}\nspec: {}\n")
    with pytest.raises(StalePlan, match="workspace"):
        require_same_files(plan, bench.workspace)


def test_digests_match_their_value_alone() -> None:
    digest = digest_of("a secret")
    assert digest != digest_of("a secret")
    assert matches("a secret", digest)
    assert not matches("another", digest)
    for broken in ("", "plain", "scrypt:zz:zz", "scrypt:00:", "sha256:00:00"):
        assert not matches("a secret", broken)


@pytest.mark.parametrize("text", ["", "{}", "[]", "\x00"])
def test_a_damaged_receipt_is_said_and_not_taken_for_none(tmp_path: Path, text: str) -> None:
    state = StateFolder(tmp_path)
    assert state.receipt() is None
    state.receipt_path.write_text(text)
    with pytest.raises(ReplError, match="receipt"):
        state.receipt()


def test_a_receipt_of_another_workspace_or_a_later_format_is_refused(bench: Workbench) -> None:
    bench.apply(bench.plan())
    assert StateFolder(bench.root / ".repl", "default").receipt() == bench.state.receipt()
    with pytest.raises(ReplError, match=r"of the workspace default; this is other") as refusal:
        StateFolder(bench.root / ".repl", "other").receipt()
    assert "--state" in (refusal.value.hint or "")
    path = bench.state.receipt_path
    path.write_text(
        path.read_text().replace('"format_version": "1.0",\n  "kind"', '"format_version": "2.0",\n  "kind"')
    )
    with pytest.raises(ReplError, match=r"format 2\.0"):
        bench.state.receipt()


def test_a_damaged_journal_is_said(bench: Workbench) -> None:
    plan = bench.plan()
    receipt = bench.apply(plan, close=False)
    path = bench.state.journal_path(receipt.run_id)
    path.write_bytes(b'{"not": "an entry"}\n' + path.read_bytes())
    with pytest.raises(ReplError, match="damaged at line 1"):
        bench.apply(plan)


def test_an_entry_that_a_full_disk_cuts_off_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    """What the journal does not hold must not be sent."""
    path = tmp_path / "journal" / "1.jsonl"
    with Journal(path, run_id="1", plan_id="1", clock=ManualClock()) as journal:
        journal.write(JournalEvent.RUN_STARTED)
        before = path.read_bytes()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
        try:
            with pytest.raises(OSError, match=re.escape(str(path))):
                journal.write(JournalEvent.CALL_PENDING, container="c", step="s")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.read_bytes() == before
        journal.write(JournalEvent.CALL_PENDING, container="c", step="s")
    assert read_journal(path) is not None


def test_a_plan_of_another_format_is_refused(bench: Workbench) -> None:
    plan = bench.plan().model_copy(update={"format_version": "2.0"}).sealed()
    with pytest.raises(StalePlan, match=r"format 2\.0"):
        require_intact(plan, plan.created_at)


def test_a_file_too_large_for_a_plan_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "p.json").open("wb") as file:
        file.truncate(513 * 1024 * 1024)
    with pytest.raises(StalePlan, match="too large"):
        read_plan(tmp_path / "p.json")
