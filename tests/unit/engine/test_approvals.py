"""An approval is for the effect, and for the replication, that it names."""

from pathlib import Path

import pytest

from reconciler.errors import Refused
from tests.lab.workbench import Workbench


def test_an_approval_for_one_is_none_for_another(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, grain="relationship", replace=("deletes",))
    for deletes in ("keep", "replicate"):
        if deletes == "replicate":
            bench.apply(bench.plan())
        for name, bucket in (("one", "a"), ("two", "c")):
            bench.replicate(name, bucket, "b", deletes=deletes)
    plan = bench.plan(allow=("MEMORY-REPLACE@one",))
    assert [effect.replication for effect in plan.blocking] == ["two"]
    with pytest.raises(Refused, match="approval"):
        bench.apply(plan)
    assert not bench.plan(allow=("MEMORY-REPLACE@one", "MEMORY-REPLACE@two")).blocking
    assert len(bench.plan(allow=("BOS-RESTART", "BOS-RESTART@one")).blocking) == 2
