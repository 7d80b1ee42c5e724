"""Who is waited for is told while it lasts."""

import threading
from pathlib import Path

import pytest

from reconciler.cli.patience import watched
from reconciler.engine.observe import observe
from reconciler.model.observation import Observation, ScopeRef
from reconciler.providers.base import Access
from reconciler.testing.memory.provider import MemoryProvider
from tests.lab.workbench import Workbench


def test_a_provider_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Workbench(tmp_path)
    bench.replicate("one")
    checked, inputs = bench.open(Access.READ)
    told: list[str] = []
    heard = threading.Event()

    def tell(text: str) -> None:
        told.append(text)
        heard.set()

    slow = MemoryProvider.observe

    def observed(provider: MemoryProvider, scope: ScopeRef) -> Observation:
        assert heard.wait(30)
        return slow(provider, scope)

    monkeypatch.setattr(MemoryProvider, "observe", observed)
    with watched(tell, first_s=0.2, next_s=60) as asked:
        observe(checked.flows, (), inputs.connections, parallelism=4, asked=asked)
        assert not asked
    assert told == ["still reading after 0.2 s: no answer yet from here"]


def test_nothing_is_told_where_all_answer_at_once() -> None:
    told: list[str] = []
    with watched(told.append, first_s=60) as asked:
        asked.append("here")
    assert not told
