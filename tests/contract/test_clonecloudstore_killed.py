"""A run that replaces replications between sites, killed at each of its writes: planned again, it ends as meant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.model.change import Action
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.providers.base import Provider
from reconciler.testing.host import Host, Killed, Killing
from tests.contract.clonecloudstore_host import COPY, sites, way
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness

__all__ = ["sites", "way"]

ONE, TWO = "one", "two"
_MOST_WRITES = 30


@dataclass(frozen=True, slots=True)
class Case:
    """What is there before, what is written down then, and what it comes to."""

    before: Callable[[CloneCloudStoreHarness], None]
    was: Callable[[CloneCloudStoreHarness], list[Flow]]
    shall: Callable[[CloneCloudStoreHarness], list[Flow]]
    replaced: frozenset[str]
    """Names of which the first plan says so."""
    rights: Mapping[tuple[str, str], str]
    """By site and bucket."""
    held: Mapping[tuple[str, str], Mapping[str, bytes]]
    """Objects by site and bucket."""
    ways: Mapping[str, str]
    """What the receipt says in the end."""


def _flow(
    sites: CloneCloudStoreHarness, name: str, bucket: str, *, back: bool = False, deletes: str = "replicate"
) -> Flow:
    here, there = ("there", "here") if back else ("here", "there")
    spec = {**COPY, "deletes": deletes, "verify": {"level": "status"}}
    return sites.made(name, bucket, there, spec, here=here)


def _late(sites: CloneCloudStoreHarness) -> None:
    """Written at what becomes the source, which nobody sends it from yet."""
    sites.write(ONE, "late", b"late", site="site-b")


def _both(sites: CloneCloudStoreHarness) -> None:
    """Rights and a bucket at both ends are a way, whoever made them."""
    sites.bucket(TWO, site="site-b")


def _nothing(_sites: CloneCloudStoreHarness) -> None:
    """Leave everything as it is."""


_TWO_LIVE = {("site-b", ONE): {"early": b"one"}, ("site-b", TWO): {"early": b"two"}}
CASES = {
    "turned round": Case(
        before=_late,
        was=lambda sites: [_flow(sites, "moved", ONE)],
        shall=lambda sites: [_flow(sites, "moved", ONE, back=True)],
        replaced=frozenset(),
        rights={("site-a", ONE): "OWNER", ("site-b", ONE): "OWNER"},
        held={("site-a", ONE): {"early": b"one", "late": b"late"}},
        ways={"moved": "site-b->site-a/client1/one"},
    ),
    "live already": Case(
        before=_both,
        was=lambda sites: [_flow(sites, "moved", ONE)],
        shall=lambda sites: [_flow(sites, "moved", TWO)],
        replaced=frozenset({"moved"}),
        rights={("site-b", ONE): "READ", ("site-b", TWO): "OWNER"},
        held=_TWO_LIVE,
        ways={"moved": "site-a->site-b/client1/two"},
    ),
    "swapped": Case(
        before=_nothing,
        was=lambda sites: [_flow(sites, "moved", ONE), _flow(sites, "other", TWO, deletes="keep")],
        shall=lambda sites: [_flow(sites, "moved", TWO), _flow(sites, "other", ONE, deletes="keep")],
        replaced=frozenset(),
        rights={("site-b", ONE): "READ_WRITE", ("site-b", TWO): "OWNER"},
        held=_TWO_LIVE,
        ways={"moved": "site-a->site-b/client1/two", "other": "site-a->site-b/client1/one"},
    ),
}


def _filled(sites: CloneCloudStoreHarness) -> None:
    """Two buckets with an object each at site-a; nobody knows of anybody."""
    sites.strangers()
    for bucket in (ONE, TWO):
        sites.bucket(bucket)
        sites.emulator.act("forget-row", {"site": "site-a", "bucket": bucket})
        sites.bucket(bucket)
        sites.write(bucket, "early", bucket.encode())
    sites.settle()


def _planned(host: Host, case: Case, flows: list[Flow]) -> Plan:
    plan = host.plan(*flows)
    assert plan.complete
    assert not plan.errors
    changed = {change.replication: change.action for change in plan.active_changes}
    assert {name for name, action in changed.items() if action is Action.REPLACE} == case.replaced
    return plan


def _as_meant(host: Host, sites: CloneCloudStoreHarness, case: Case, flows: list[Flow]) -> None:
    rights = {key: sites.right(*key) for key in case.rights}
    # Less can only be given after all was taken: cut off between the two, there is none, and none is asked for.
    assert {key: right or "READ" for key, right in rights.items()} == case.rights
    assert {key: {name: sites.content(*key, name) for name in held} for key, held in case.held.items()} == case.held
    receipt = host.state.receipt()
    assert receipt is not None
    ways = {name: entry.relationship.identity for name, entry in receipt.replications.items()}
    assert {name: ways.get(name) for name in case.ways} == case.ways
    host.settled(*flows)
    host.settled(*flows, prune=True)


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_killed_at_every_write_it_ends_as_meant(
    sites: CloneCloudStoreHarness, tmp_path: Path, case: Case, sent: bool
) -> None:
    """Whatever was cut off, the next plan brings all to where it shall be, copies and receipt with it."""
    host = Host(sites, tmp_path / "state")
    for number in range(_MOST_WRITES):
        host.forget()
        _filled(sites)
        host.converge(*case.was(sites))
        case.before(sites)
        sites.settle()
        flows = case.shall(sites)
        plan = _planned(host, case, flows)

        def killing(provider: Provider, at: int = number) -> Provider:
            return Killing(provider, at, sent=sent)  # type: ignore[return-value]  # it stands for one

        try:
            receipt = host.apply(plan, wrap=killing)
        except Killed:
            again = host.plan(*flows)
            assert again.complete
            assert not again.errors
            assert host.apply(again).outcome is RunOutcome.DONE
            _as_meant(host, sites, case, flows)
        else:
            assert receipt.outcome is RunOutcome.DONE
            _as_meant(host, sites, case, flows)
            break
    host.close()
    assert number == sum(isinstance(step, Call) for container in plan.containers for step in container.steps)
