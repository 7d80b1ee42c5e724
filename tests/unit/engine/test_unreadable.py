"""What a server does not show is what was last sent, and nothing else."""

from pathlib import Path

import pytest

from reconciler.engine.converge import shortfalls
from reconciler.engine.diff import as_known, differences, shown_differences, unknown_paths
from reconciler.model.drift import DriftState
from reconciler.model.observation import ContainerRef, ContainerState, Observation, ScopeRef
from reconciler.model.plan import ContainerPlan
from reconciler.model.relationship import Relationship, Settings
from reconciler.testing.memory.provider import MemoryProvider
from tests.lab.workbench import Workbench

HIDDEN = ("filter.exclude",)


def held(settings: Settings, *unreadable: str) -> Relationship:
    return Relationship(identity="r", settings=settings, unreadable=unreadable)


def settings(*globs: str) -> Settings:
    return {"state": "active", "filter": {"exclude": list(globs)}}


@pytest.mark.parametrize(
    ("reason", "live", "recorded", "desired", "changes"),
    [
        ("sent before and not shown since", held(settings(), *HIDDEN), held(settings("*.tmp"), *HIDDEN),
         settings("*.tmp"), 0),
        ("another one wanted now", held(settings(), *HIDDEN), held(settings("*.tmp"), *HIDDEN), settings("*.log"), 1),
        ("none wanted any more", held(settings(), *HIDDEN), held(settings("*.tmp"), *HIDDEN), settings(), 1),
        ("shown after it was sent, and gone now", held(settings(), *HIDDEN), held(settings("*.tmp")),
         settings("*.tmp"), 1),
        ("shown now, and other than sent", held(settings("x*")), held(settings("*.tmp"), *HIDDEN),
         settings("*.tmp"), 1),
        ("nobody knows what was sent", held(settings(), *HIDDEN), None, settings("*.tmp"), 1),
        ("the receipt does not say it", held(settings(), *HIDDEN), held({"state": "active"}, *HIDDEN),
         settings("*.tmp"), 1),
        ("not managed", held(settings(), *HIDDEN), held(settings("*.tmp"), *HIDDEN), {"state": "active"}, 0),
    ],
)  # fmt: skip
def test_a_plan_sees_what_is_known(
    reason: str, live: Relationship, recorded: Relationship | None, desired: Settings, changes: int
) -> None:
    assert len(differences(as_known(live, recorded), desired)) == changes, reason


def test_knowing_changes_nothing_that_it_was_given() -> None:
    live, recorded = held(settings(), *HIDDEN), held(settings("*.tmp"), *HIDDEN)
    assert as_known(live, recorded) == settings("*.tmp")
    assert (live.settings, recorded.settings) == (settings(), settings("*.tmp"))


def test_a_group_that_is_not_there_is_made() -> None:
    assert as_known(held({"state": "active"}, *HIDDEN), held(settings("a*"), *HIDDEN)) == settings("a*")


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (None, HIDDEN),
        (held(settings("*.tmp"), *HIDDEN), ()),
        (held(settings("*.tmp")), HIDDEN),
        (held({"state": "active"}, *HIDDEN), HIDDEN),
    ],
)
def test_unknown_is_what_was_neither_shown_nor_sent(recorded: Relationship | None, expected: tuple[str, ...]) -> None:
    assert unknown_paths(held(settings(), *HIDDEN), recorded) == expected


def test_reading_back_does_not_miss_what_cannot_be_read() -> None:
    ref = ContainerRef(provider="p", scope="s", key="r")
    item = ContainerPlan(
        container=ref, changes=(), reads=(), steps=(), desired=(held({**settings("*.tmp"), "state": "paused"}),),
        gone=(), level=0,
    )  # fmt: skip
    state = ContainerState(ref=ref, fingerprint="f", relationships=(held(settings(), *HIDDEN),))
    lines = shortfalls(item, Observation(scope=ref.scope_ref, containers=(state,)))
    assert [line.split(" is ")[0] for line in lines] == ["r: state"]


def test_shown_differences_are_all_where_everything_is_shown() -> None:
    assert [field.dotted for field in shown_differences(held(settings()), settings("a*"))] == ["filter.exclude"]


# Through plan, apply and drift --------------------------------------------------------------------------------------


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """A system that holds exclusions and shows none."""
    shown = MemoryProvider.observe

    def observe(provider: MemoryProvider, scope: ScopeRef) -> Observation:
        observation = shown(provider, scope)
        states = tuple(
            state.model_copy(update={"relationships": tuple(_hiding(live) for live in state.relationships)})
            for state in observation.containers
        )
        return observation.model_copy(update={"containers": states})

    monkeypatch.setattr(MemoryProvider, "observe", observe)
    return Workbench(tmp_path, grain="relationship")


def _hiding(live: Relationship) -> Relationship:
    chosen = live.settings.get("filter")
    kept = {**(chosen if isinstance(chosen, dict) else {}), "exclude": []}
    return live.model_copy(update={"settings": {**live.settings, "filter": kept}, "unreadable": HIDDEN})


def test_what_was_sent_is_in_sync_and_what_was_edited_is_pending(bench: Workbench) -> None:
    bench.replicate("one", filter={"exclude": ["*.tmp"]})
    bench.apply(bench.plan())
    assert not bench.plan().active_changes
    assert [item.state for item in bench.drift().items] == [DriftState.IN_SYNC]
    bench.replicate("one", filter={"exclude": ["*.log"]})
    (item,) = bench.drift().items
    assert (item.state, [field.dotted for field in item.pending]) == (DriftState.PENDING, ["filter.exclude"])
    bench.apply(bench.plan())
    assert not bench.plan().active_changes


def test_nothing_wanted_and_nothing_shown_is_said_until_it_is_written(bench: Workbench) -> None:
    bench.replicate("one", state="active")
    bench.apply(bench.plan())
    bench.replicate("one", state="active", filter={"exclude": []})
    (found,) = [finding for finding in bench.plan().findings if finding.code == "REPL-W003"]
    assert found.replication == "one"
    bench.replicate("one", state="paused", filter={"exclude": []})
    writing = bench.plan()
    assert "REPL-W003" not in [finding.code for finding in writing.findings]
    bench.apply(writing)
    assert "REPL-W003" not in [finding.code for finding in bench.plan().findings]
