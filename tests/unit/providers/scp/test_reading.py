"""Finding volumes and what they are the source of, from what a region answers."""

from collections.abc import Iterator
from typing import cast

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.providers.scp.client import ScpClient
from reconciler.providers.scp.config import ScpConfig
from reconciler.providers.scp.convert import Entry, Shown, Volume
from reconciler.providers.scp.reading import facts_of, resolve, sourced
from tests.unit.providers.scp.flows import NUMBER, REPLICA, VOLUME, region, shown

OTHER = "0c1d2e3f-0000-4000-8000-00000000000b"


def refusal(code: ErrorCode) -> ProviderError:
    return ProviderError("no", code=code, provider="west", operation="ListVolumes")


class Region:
    """Answers as a region does that finds volumes by a part of their name."""

    name = "west"

    def __init__(self, *held: Volume, offered: tuple[str, ...] | ErrorCode = ("kr-east1",)) -> None:
        self.config = cast("ScpConfig", region("west", "kr-west1").spec.config)
        self.held, self._offered = held, offered
        self.refuses: ErrorCode | None = None
        self.asked: list[tuple[str, str]] = []
        self.vanished: set[str] = set()

    def volumes(self, name: str | None = None) -> Iterator[Volume]:
        if self.refuses is not None:
            raise refusal(self.refuses)
        return (one for one in self.held if name is None or name in one.name)

    def volume(self, volume_id: str) -> Volume | None:
        return next((one for one in self.held if one.id == volume_id), None)

    def offered(self, type_name: str, replication_type: str) -> tuple[str, ...]:
        self.asked.append((type_name, replication_type))
        if isinstance(self._offered, ErrorCode):
            raise refusal(self._offered)
        return self._offered

    def replications(self, volume_id: str) -> list[Entry]:
        """One that the volume is the source of, and one that it is the replica of."""
        back = shown(replication_id="back", source_volume_id=REPLICA, replication_volume_id=volume_id)
        return [shown(source_volume_id=volume_id), back]

    def replication(self, replication_id: str, volume_id: str) -> Shown | None:
        return None if replication_id in self.vanished else shown(replication_id=replication_id)

    @property
    def client(self) -> ScpClient:
        return cast("ScpClient", self)


def volume(name: str, number: str = VOLUME, kind: str = "HDD") -> Volume:
    return Volume(id=number, name=name, state="available", protocol="NFS", type_name=kind)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["data"], "data"),
        (["dataf55a24"], "dataf55a24"),
        (["dataf55a24", "data"], "data"),
        (["database", "olddata"], None),
        ([], None),
    ],
)
def test_a_name_is_the_whole_name(names: list[str], found: str | None) -> None:
    """The service finds whatever holds the text."""
    there = resolve(Region(*(volume(name, f"{number}") for number, name in enumerate(names))).client, "data")
    assert (there.name if there else None) == found


def test_of_two_of_one_name_neither_is_taken() -> None:
    with pytest.raises(ProviderError) as raised:
        resolve(Region(volume("data", OTHER), volume("data")).client, "data")
    assert raised.value.code is ErrorCode.FAILED_PRECONDITION
    assert f"2 volumes are called data: {OTHER}, {VOLUME}" in raised.value.message


def test_an_id_is_asked_for_as_one() -> None:
    there = resolve(Region(volume("data")).client, VOLUME)
    assert there is not None
    assert there.name == "data"
    assert resolve(Region(volume("data")).client, OTHER) is None


def test_a_volume_is_the_source_of_some_and_the_replica_of_others() -> None:
    assert [one.replication_id for one in sourced(Region().client, VOLUME)] == [NUMBER]


def test_what_vanishes_meanwhile_is_left_out() -> None:
    place = Region()
    place.vanished = {NUMBER}
    assert list(sourced(place.client, VOLUME)) == []


def test_facts_tell_where_a_volume_may_go_for_each_type() -> None:
    facts = facts_of(Region(volume("data")).client, "data").facts
    assert (facts["id"], facts["region"]) == (VOLUME, "kr-west1")
    assert facts["replication_regions"] == facts["backup_regions"] == ["kr-east1"]


def test_a_type_that_the_service_takes_no_question_about_is_not_asked_for() -> None:
    place = Region(volume("data", kind="HighPerformanceSSD"))
    assert "replication_regions" not in facts_of(place.client, "data").facts
    assert place.asked == []


@pytest.mark.parametrize("code", [ErrorCode.PERMISSION_DENIED, ErrorCode.INVALID_ARGUMENT, ErrorCode.NOT_FOUND])
def test_regions_that_are_not_told_are_no_obstacle(code: ErrorCode) -> None:
    looked = facts_of(Region(volume("data"), offered=code).client, "data")
    assert looked.exists
    assert "replication_regions" not in looked.facts


def test_regions_that_cannot_be_asked_for_now_are_an_error() -> None:
    with pytest.raises(ProviderError):
        facts_of(Region(volume("data"), offered=ErrorCode.UNAVAILABLE).client, "data")


def test_a_volume_that_may_not_be_looked_at_may_be_there() -> None:
    place = Region()
    place.refuses = ErrorCode.PERMISSION_DENIED
    looked = facts_of(place.client, "data")
    assert (looked.exists, looked.readable, looked.problem) == (True, False, "no")


def test_a_region_that_does_not_answer_is_no_absent_volume() -> None:
    place = Region()
    place.refuses = ErrorCode.UNAVAILABLE
    with pytest.raises(ProviderError):
        facts_of(place.client, "data")
