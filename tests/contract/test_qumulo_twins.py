"""The same relationship of somebody else's on a cluster: it has no name, so only ids tell which one is ours."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.model.receipt import RunOutcome
from reconciler.model.relationship import Flow
from reconciler.testing.host import Host, Killed, Killing
from tests.contract.harnesses.qumulo import RELATIONSHIPS, QumuloHarness

REGION = "eu-west-1"


@pytest.fixture
def nas(tmp_path: Path, certificate: Certificate) -> Iterator[QumuloHarness]:
    made = QumuloHarness(tmp_path, certificate)
    yield made
    made.close()


@pytest.fixture
def host(nas: QumuloHarness, tmp_path: Path) -> Iterator[Host]:
    made = Host(nas, tmp_path / "state")
    yield made
    made.close()


def ids(nas: QumuloHarness) -> set[str]:
    answer = nas._api.get(f"{RELATIONSHIPS}status/")
    return {str(one["id"]) for one in answer.json()}


def twin(nas: QumuloHarness, name: str = "one") -> set[str]:
    """Let somebody else make the same relationship again. Its id."""
    before = ids(nas)
    nas._create(nas._body(f"/group-0/{name}/", f"{name}/", REGION))
    return ids(nas) - before


def recorded(host: Host) -> set[str | None]:
    receipt = host.state.receipt()
    assert receipt is not None
    return {one.relationship.provider_id for one in receipt.replications.values()}


def changed(nas: QumuloHarness) -> Flow:
    return nas.flow("one", qumulo={"region": "us-west-2"})


def beside(nas: QumuloHarness, host: Host) -> set[str]:
    """Ours, and one of somebody else's on each side of it, as the cluster orders them. The others' ids."""
    for number in ids(nas):
        nas._delete(number)
    host.forget()
    host.converge(nas.flow("one"))
    (mine,) = recorded(host)
    theirs: set[str] = set()
    for _ in range(20):
        theirs |= twin(nas)
        if min(theirs) < str(mine) < max(theirs):
            break
    return theirs


def test_nothing_is_taken_for_ours(nas: QumuloHarness, host: Host) -> None:
    theirs = beside(nas, host)
    host.settled(nas.flow("one"), prune=True)
    host.converge(changed(nas), prune=True)
    assert recorded(host) == ids(nas) - theirs
    assert theirs < ids(nas)
    host.settled(changed(nas), prune=True)
    host.converge(prune=True)
    assert (ids(nas), recorded(host)) == (theirs, set())
    host.settled(prune=True)


@pytest.mark.parametrize("sent", [False, True], ids=["unsent", "unanswered"])
@pytest.mark.parametrize("gone", [False, True], ids=["changed", "deleted"])
def test_killed_at_each_write(nas: QumuloHarness, host: Host, *, gone: bool, sent: bool) -> None:
    shall = () if gone else (changed(nas),)
    for number in itertools.count():
        theirs = beside(nas, host)
        plan = host.plan(*shall, prune=True)
        killed = False
        try:
            host.apply(plan, wrap=lambda provider, at=number: Killing(provider, at, sent=sent))  # type: ignore[misc]
        except Killed:
            killed = True
        if killed and number % 2:
            assert host.apply(plan).outcome is RunOutcome.DONE
        elif killed:
            host.converge(*shall, prune=True)
        assert theirs <= ids(nas)
        assert len(ids(nas)) == len(theirs) + len(shall)
        assert not recorded(host) & theirs
        host.settled(*shall, prune=True)
        if not killed:
            break
    assert number >= 2
