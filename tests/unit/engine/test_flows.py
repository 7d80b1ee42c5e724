"""Who owns a flow, and what does not fit its ends."""

from pathlib import Path

import pytest

from reconciler.engine.selection import Selection
from tests.lab.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def codes(bench: Workbench) -> list[str]:
    from reconciler.providers.base import Access

    checked, _ = bench.open(Access.READ)
    return [finding.code for finding in checked.findings]


def test_a_sound_workspace_has_no_findings(bench: Workbench) -> None:
    bench.replicate("one")
    assert codes(bench) == []


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("source: {provider: here, bucket: a, path: /x}", "REPL-C003", "path"),
        ("source: {provider: here, prefix: x/}", "REPL-C004", "source"),
        ("source: {provider: here, volume: v, bucket: a}", "REPL-C003", "volume"),
    ],
)
def test_location_keys_that_do_not_fit(bench: Workbench, text: str, code: str, column: str) -> None:
    bench.write(
        "r.yaml",
        f"apiVersion: repl/v1\nkind: Replication\nmetadata: {{name: one}}\nspec:\n  {text}\n"
        "  destination: {provider: there, bucket: b}\n",
    )
    from reconciler.providers.base import Access

    checked, _ = bench.open(Access.READ)
    (finding,) = [finding for finding in checked.findings if finding.code == code]
    assert finding.where is not None
    assert (finding.where.file.rpartition("/")[2], finding.where.line) == ("r.yaml", 5)
    assert f"`{column}`" in finding.detail + (finding.hint or "")
    assert not checked.flows


def test_mounts_are_for_systems_that_give_no_access_to_files(bench: Workbench) -> None:
    bench.write(
        "r.yaml",
        "apiVersion: repl/v1\nkind: Replication\nmetadata: {name: one}\nspec:\n"
        "  source: {provider: here, bucket: a}\n  destination: {provider: there, bucket: b}\n"
        "  verify: {mounts: {source: /mnt/a, destination: /mnt/b}}\n",
    )
    assert codes(bench) == ["REPL-C007"]


@pytest.mark.parametrize(
    ("select", "exclude", "taken"),
    [
        ((), (), True),
        (("logs",), (), True),
        (("lo*",), (), True),
        (("other",), (), False),
        (("other", "logs"), (), True),
        (("tier=gold",), (), True),
        (("tier=g?ld",), (), True),
        (("tier=silver",), (), False),
        (("missing=x",), (), False),
        ((), ("logs",), False),
        (("logs",), ("tier=gold",), False),
        ((), ("tier=silver",), True),
    ],
)
def test_selection(select: tuple[str, ...], exclude: tuple[str, ...], taken: bool) -> None:
    assert Selection(select=select, exclude=exclude).takes("logs", {"tier": "gold"}) is taken
    assert Selection(select=select, exclude=exclude).whole is (not select and not exclude)


def test_only_what_is_selected_is_planned_and_the_rest_of_the_container_stays(bench: Workbench) -> None:
    bench.replicate("one", "a", "b", prefix="x/")
    bench.replicate("two", "a", "c", prefix="y/")
    bench.apply(bench.plan())
    bench.replicate("one", "a", "b", prefix="x/", state="paused")
    bench.replicate("two", "a", "c", prefix="y/", state="paused")
    plan = bench.plan(select=("one",))
    assert [change.replication for change in plan.changes] == ["one"]
    bench.apply(plan)
    states = {key: rule.document.get("state") for key, rule in bench.here.rules["a"].items()}
    assert states["repl.default.one"] == "paused"
    assert states["repl.default.two"] != "paused"
    assert [change.replication for change in bench.plan().active_changes] == ["two"]
