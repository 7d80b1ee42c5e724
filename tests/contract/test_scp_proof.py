"""How SCP replications are proved: through mounts that the user names, and not at all without."""

from dataclasses import replace
from typing import Any

from reconciler.model.manifest import Deletes
from reconciler.model.relationship import Flow
from reconciler.model.verification import Outcome, Verdict
from reconciler.testing.host import Host
from tests.contract.harnesses.scp import ScpHarness
from tests.contract.scp_host import harness, host, volume

__all__ = ["harness", "host"]


def mounted(harness: ScpHarness, flow: Flow, **verify: Any) -> Flow:
    """The flow with both volumes mounted where the emulator has them."""
    mounts = {
        "source": str(harness.mount(harness.source(flow))),
        "destination": str(harness.mount(volume(harness, str(flow.spec.destination.volume)))),
    }
    return harness.made(
        flow.name, "src_a", str(flow.spec.destination.volume),
        {"schedule": {"every": "5m"}, "verify": {"level": "canary", "within": "12m", "mounts": mounts, **verify}},
    )  # fmt: skip


def test_a_canary_goes_through_the_mounts_with_the_next_run(host: Host, harness: ScpHarness) -> None:
    host.converge(harness.flow("one", schedule={"every": "5m"}))
    flow = mounted(harness, harness.flow("one"))
    assert not [finding for finding in host.reader.check(flow) if finding.severity == "error"]
    proof = host.verify(flow)
    assert proof.outcome is Outcome.PROVED, proof
    assert proof.lag_s is not None
    checks = {check.name: check for check in proof.checks}
    assert checks["canary arrived"].verdict is checks["sha256"].verdict is Verdict.MATCH
    assert "next run" in checks["cleanup"].detail
    assert not list(harness.mount(harness.source(flow)).rglob("*"))
    harness.advance(400)
    harness.eventually(lambda: not list(harness.mount(volume(harness, "r_one")).rglob("*")))


def test_deletions_are_seen_to_arrive_where_they_are_written_down(host: Host, harness: ScpHarness) -> None:
    host.converge(harness.flow("one", schedule={"every": "5m"}))
    flow = mounted(harness, harness.flow("one"))
    flow = replace(flow, spec=flow.spec.model_copy(update={"deletes": Deletes.REPLICATE}))
    proof = host.verify(flow)
    assert proof.outcome is Outcome.PROVED, proof
    assert {check.name: check.verdict for check in proof.checks}["delete"] is Verdict.MATCH


def test_a_replication_that_stands_still_is_not_proved(host: Host, harness: ScpHarness) -> None:
    host.converge(harness.flow("one", schedule={"every": "5m"}))
    flow = mounted(harness, harness.flow("one"))
    harness.switch(worker="stopped")
    proof = host.verify(flow)
    assert proof.outcome is Outcome.FAILED
    assert "did not arrive" in proof.reason


def test_one_folder_at_both_ends_proves_nothing(host: Host, harness: ScpHarness) -> None:
    host.converge(harness.flow("one", schedule={"every": "5m"}))
    here = str(harness.mount(harness.volumes["src_a"]))
    flow = mounted(harness, harness.flow("one"), mounts={"source": here, "destination": f"{here}/.."})
    proof = host.verify(flow)
    assert proof.outcome is Outcome.NOT_CHECKED
    assert "one place" in proof.reason


def test_without_mounts_nothing_is_claimed(host: Host, harness: ScpHarness) -> None:
    flow = harness.flow("one")
    host.converge(flow)
    assert host.verify(flow).outcome is Outcome.NOT_CHECKED
    status = harness.flow("one", verify={"level": "status"})
    proof = host.verify(status)
    assert proof.outcome is Outcome.NOT_CHECKED
    assert "does not say when" in proof.reason
