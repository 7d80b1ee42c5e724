"""What a receipt knows of one replication outlives runs about others."""

from pathlib import Path

from reconciler.model.change import Action, Reason
from tests.lab.workbench import Workbench


def test_a_secret_that_is_rotated_after_a_run_about_something_else_is_seen(tmp_path: Path) -> None:
    """Only the digest that was noted when it was sent tells."""
    bench = Workbench(tmp_path, environ={"TOKEN": "first-token-value"})
    bench.replicate("one", memory="{token: {env: TOKEN}}")
    first = bench.apply(bench.plan()).replications["one"]
    assert first.secrets
    bench.replicate("two", "c", "d")
    assert bench.apply(bench.plan()).replications["one"] == first
    bench.environ["TOKEN"] = "second-token-value"
    (change,) = bench.plan().active_changes
    assert (change.replication, change.action, change.reason) == ("one", Action.UPDATE, Reason.SECRET_ROTATED)
