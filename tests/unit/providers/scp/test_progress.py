"""What a look at a replication that is waited for tells."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from reconciler.model.step import Await
from reconciler.providers.base import Progress
from reconciler.providers.scp.progress import Waits
from reconciler.providers.scp.regions import Regions
from reconciler.providers.scp.steps import GONE, IN_USE
from tests.unit.providers.scp.flows import NUMBER, REPLICA, VOLUME, shown

PLACE = {"id": NUMBER, "source_volume": VOLUME, "replica_volume": REPLICA, "region": "kr-east1"}


def looked(**changes: Any) -> Progress:
    """A look at whether the replication is in use."""
    own = SimpleNamespace(replication=lambda *_ids: shown(**changes))
    wait = Await(id="created", condition=IN_USE, target=NUMBER, summary="wait", deadline_s=1, params=PLACE)
    return Waits(cast("Regions", SimpleNamespace(own=own))).poll(wait)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"replication_status": "error"}, "does not work: status error"),
        ({"replication_status": "deleting", "replication_policy": "paused"}, "somebody deletes the replication"),
    ],
)
def test_what_will_never_be_in_use_is_not_waited_for(changes: dict[str, Any], told: str) -> None:
    assert told in looked(**changes).failed


@pytest.mark.parametrize("changes", [{"replication_status": "creating"}, {"replication_policy": "paused"}])
def test_what_may_still_come_into_use_is(changes: dict[str, Any]) -> None:
    look = looked(**changes)
    assert (look.done, look.failed) == (False, "")
    assert look.detail


@pytest.mark.parametrize(
    ("here", "there", "told"),
    [
        (True, True, "kr-east1 still lists it"),
        (True, False, "kr-west1 still lists it, kr-east1 does not"),
        (False, True, "kr-east1 still lists it"),
        (False, False, "gone"),
    ],
)
def test_what_still_lists_a_deleted_one_is_named(told: str, *, here: bool, there: bool) -> None:
    def end(region: str, volume: str, *, lists: bool) -> SimpleNamespace:
        held = {volume: [shown()] if lists else []}
        return SimpleNamespace(config=SimpleNamespace(region=region), replications=held.__getitem__)

    west, east = end("kr-west1", VOLUME, lists=here), end("kr-east1", REPLICA, lists=there)
    regions = SimpleNamespace(own=west, at=lambda *_place: east)
    wait = Await(id="gone", condition=GONE, target=NUMBER, summary="wait", deadline_s=1, params=PLACE)
    look = Waits(cast("Regions", regions)).poll(wait)
    assert (look.done, look.detail) == (not (here or there), told)


def test_in_use_is_in_use() -> None:
    assert looked().done
