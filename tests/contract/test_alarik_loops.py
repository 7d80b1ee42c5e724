"""Alarik has no guard against loops: on the emulators data goes round, and `repl` refuses what would make it."""

import functools
from uuid import uuid4

import pytest

from tests.contract.alarik_workspace import Workspace, alarik, soon, work

__all__ = ["alarik", "work"]

_LOOPS = [pytest.param(("here", "there"), id="two"), pytest.param(("here", "there", "here"), id="three")]


def circle(work: Workspace, servers: tuple[str, ...]) -> list[tuple[str, str]]:
    """A bucket on each of these servers, the first of them the workspace's source."""
    made = [(servers[0], work.source)]
    for number, server in enumerate(servers[1:]):
        work.alarik.make_bucket(f"{work.source}-{number}", name=server)
        made.append((server, f"{work.source}-{number}"))
    return made


def link(work: Workspace, source: tuple[str, str], to: tuple[str, str]) -> None:
    """Let a bucket replicate to another by hand."""
    (name, bucket), (other, place) = source, to
    facts = work.alarik.facts[other]
    keys = {"accessKeyId": facts["access_key"], "secretAccessKey": facts["secret_key"], "region": facts["region"]}
    target = work.alarik.target(str(uuid4()), place, endpoint=facts["http"], **keys)
    work.alarik.put(bucket, "targets", [target], name=name)
    work.alarik.put(bucket, "rules", [work.alarik.rule(str(uuid4()), target["id"])], name=name)


def came(work: Workspace) -> int:
    """How many versions the source has of the one object that was written once."""
    return work.alarik.objects(work.source, "here")["k"]


def rested(work: Workspace, rounds: int) -> bool:
    """Whether the object has come round so often, and nothing moves before the clock does."""
    return came(work) > rounds and not any(work.alarik.queue(name)["under_way"] for name in work.alarik.emulators)


@pytest.mark.parametrize("servers", _LOOPS)
def test_a_circle_goes_round_for_ever(work: Workspace, servers: tuple[str, ...]) -> None:
    """With each push of the clock one round more, as long as anybody cares to push."""
    places = circle(work, servers)
    for number, place in enumerate(places):
        link(work, place, places[(number + 1) % len(places)])
    clock = work.alarik.wire.clock
    clock.freeze()
    try:
        work.put("k")
        for rounds in range(1, 7):
            soon(functools.partial(rested, work, rounds))
            assert came(work) == rounds + 1
            clock.advance(1)
        assert all(work.alarik.objects(bucket, name)["k"] >= 6 for name, bucket in places)
    finally:
        work.alarik.restore()
        clock.resume()


@pytest.mark.parametrize("servers", _LOOPS)
def test_manifests_that_lead_in_a_circle_are_refused(work: Workspace, servers: tuple[str, ...]) -> None:
    places = circle(work, servers)
    for number, (provider, bucket) in enumerate(places):
        to, place = places[(number + 1) % len(places)]
        ends = {"source": (provider, bucket), "destination": (to, place)}
        spec = {end: {"provider": name, "bucket": held} for end, (name, held) in ends.items()}
        work.replicate(f"hop-{number}", **spec)
    told = work.repl("validate")
    assert told.code == 1, told.text
    assert "REPL-G001" in told.text
    assert all(f"hop-{number}" in told.text for number in range(len(places)))
    assert work.repl("plan").code == 1
    assert "REPL-G001" in work.refused(1).text
    assert work.rules == []


def test_a_circle_that_a_pause_or_a_prefix_opens_is_taken_and_ends(work: Workspace) -> None:
    back = {
        "source": {"provider": "there", "bucket": work.destination, "prefix": "back/"},
        "destination": {"provider": "here", "bucket": work.source},
    }
    work.replicate("forth", source={"provider": "here", "bucket": work.source, "prefix": "forth/"})
    work.replicate("back", **back)
    told = work.repl("validate")
    assert told.code == 0, told.text
    work.apply()
    work.put("forth/1")
    work.alarik.write(work.destination, "back/1", name="there")
    work.alarik.settle("there")
    assert work.copies == {"forth/1": 1, "back/1": 1}
    work.alarik.advance(60)
    assert work.alarik.objects(work.source, "here") == {"forth/1": 1, "back/1": 1}
