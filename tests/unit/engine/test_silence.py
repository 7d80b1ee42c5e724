"""Who is paused is silent, and not dead for that."""

from pathlib import Path

import pytest

from reconciler.model.observation import HealthState
from tests.lab.workbench import Workbench


@pytest.mark.parametrize("by", ["nobody", "manifest", "hand"])
def test_silence_is_no_death_where_a_flow_is_paused(tmp_path: Path, by: str) -> None:
    bench = Workbench(tmp_path)
    state = {"manifest": {"state": "paused"}, "nobody": {"state": "active"}, "hand": {}}[by]
    bench.replicate("one", **state)
    bench.apply(bench.plan())
    bench.replicate("one", schedule="{every: 1h}", **state)
    (rule,) = bench.here.rules["a"].values()
    rule.last_success_at = bench.clock.now()
    if by == "hand":
        rule.document["state"] = "paused"
    bench.clock.advance(4 * 3_600)
    (item,) = bench.drift().items
    assert item.health is not None
    assert (item.health.state is HealthState.PAUSED, item.dead) == (by != "nobody", by == "nobody")
